// SPDX-License-Identifier: MIT
#include "kernels/attention/head_dot.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class T>
T* carve(Carver& carver, const HeadDotBackward& op) {
  const int wanted = int{op.dvector.defined()} + int{op.dsecond_vector.defined()};
  return carver.take<T>(column_partial_count(op.x.shape[0], op.x.row_size(), wanted));
}

LaunchShape shape_of(std::int64_t nodes, std::int64_t heads, int lanes) {
  return LaunchShape{dim3(blocks_for(nodes * heads, kSpanThreads / lanes)), dim3(kSpanThreads)};
}

template <class S>
void forward(const CudaExec& exec, const HeadDotForward& op) {
  using T = Accumulator<S>;
  const std::int64_t nodes = op.x.shape[0], heads = op.x.shape[1], channels = op.x.shape[2];
  with_pack_width<S>(pack_width<S>(channels, {op.x, op.vector, op.second_vector}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(channels / kWidth);
    launch(exec, "head_dot_forward", head_dot_forward_by_head<S, kWidth>, shape_of(nodes, heads, lanes),
           HeadDotArguments<S>{nodes, static_cast<int>(heads), channels, lanes, rows_of<S>(op.x), rows_of<T>(op.vector),
                               rows_of<T>(op.second_vector), rows_of<T>(op.score), rows_of<T>(op.second_score)});
  });
}

/// The gradients of one vector or of both, of which x is read once.
template <class S, int kWidth, int kVectors>
void vector_gradients(const CudaExec& exec, const HeadDotBackward& op, const ConstTensorView (&dscore)[kVectors],
                      const TensorView (&dvector)[kVectors], Accumulator<S>* partial) {
  using T = Accumulator<S>;
  const std::int64_t channels = op.x.shape[2];
  ScaledRowTerm<S, kWidth, kVectors> term{channels, rows_of<S>(op.x), {}};
  StoreHeadColumns<T, kVectors> finish{channels, {}};
  for (int s = 0; s < kVectors; ++s) {
    term.dscore[s] = rows_of<T>(dscore[s]);
    finish.target[s] = rows_of<T>(dvector[s]);
  }
  reduce_columns<T, kWidth, kVectors>(exec, "head_dot_backward", op.x.shape[0], op.x.row_size(), term, finish, partial);
}

template <class S>
void backward(const CudaExec& exec, const HeadDotBackward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  T* const partial = carve<T>(carver, op);
  const std::int64_t nodes = op.x.shape[0], heads = op.x.shape[1], channels = op.x.shape[2];
  with_pack_width<S>(pack_width<S>(channels, {op.x, op.vector, op.second_vector, op.dx}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(channels / kWidth);
    if (op.dx.defined()) {
      launch(exec, "head_dot_backward", head_dot_backward_x<S, kWidth>, shape_of(nodes, heads, lanes),
             HeadDotGradientArguments<S>{nodes, static_cast<int>(heads), channels, lanes, rows_of<T>(op.vector),
                                         rows_of<T>(op.second_vector), rows_of<T>(op.dscore),
                                         rows_of<T>(op.dsecond_score), rows_of<S>(op.dx)});
    }
    if (op.dvector.defined() && op.dsecond_vector.defined()) {
      vector_gradients<S, kWidth, 2>(exec, op, {op.dscore, op.dsecond_score}, {op.dvector, op.dsecond_vector}, partial);
    } else if (op.dvector.defined()) {
      vector_gradients<S, kWidth, 1>(exec, op, {op.dscore}, {op.dvector}, partial);
    } else if (op.dsecond_vector.defined()) {
      vector_gradients<S, kWidth, 1>(exec, op, {op.dsecond_score}, {op.dsecond_vector}, partial);
    }
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const HeadDotBackward& op) {
  Carver carver;
  with_storage(op.x.dtype, [&](auto zero) { carve<Accumulator<decltype(zero)>>(carver, op); });
  return carver.bytes();
}

void head_dot_forward(const CudaExec& exec, const HeadDotForward& op) {
  with_storage(op.x.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void head_dot_backward(const CudaExec& exec, const HeadDotBackward& op) {
  with_storage(op.x.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
