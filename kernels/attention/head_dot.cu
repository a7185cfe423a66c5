// SPDX-License-Identifier: MIT
#include "kernels/attention/head_dot.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class T>
T* carve(Carver& carver, const HeadDotBackward& op) {
  return carver.take<T>(op.dvector.defined() ? column_partial_count(op.x.shape[0], op.x.row_size(), 1) : 0);
}

LaunchShape shape_of(std::int64_t nodes, std::int64_t heads, int lanes) {
  return LaunchShape{dim3(blocks_for(nodes * heads, kSpanThreads / lanes)), dim3(kSpanThreads)};
}

template <class S>
void forward(const CudaExec& exec, const HeadDotForward& op) {
  using T = Accumulator<S>;
  const std::int64_t nodes = op.x.shape[0], heads = op.x.shape[1], channels = op.x.shape[2];
  with_pack_width<S>(pack_width<S>(channels, {op.x, op.vector}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(channels / kWidth);
    launch(exec, "head_dot_forward", head_dot_forward_by_head<S, kWidth>, shape_of(nodes, heads, lanes),
           HeadDotArguments<S>{nodes, static_cast<int>(heads), channels, lanes, rows_of<S>(op.x), rows_of<T>(op.vector),
                               rows_of<T>(op.score)});
  });
}

template <class S>
void backward(const CudaExec& exec, const HeadDotBackward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  T* const partial = carve<T>(carver, op);
  const std::int64_t nodes = op.x.shape[0], heads = op.x.shape[1], channels = op.x.shape[2];
  with_pack_width<S>(pack_width<S>(channels, {op.x, op.vector, op.dx}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(channels / kWidth);
    if (op.dx.defined()) {
      launch(exec, "head_dot_backward", head_dot_backward_x<S, kWidth>, shape_of(nodes, heads, lanes),
             HeadDotGradientArguments<S>{nodes, static_cast<int>(heads), channels, lanes, rows_of<T>(op.vector),
                                         rows_of<T>(op.dscore), rows_of<S>(op.dx)});
    }
    if (!op.dvector.defined()) return;
    reduce_columns<T, kWidth, 1>(exec, "head_dot_backward", nodes, heads * channels,
                                 ScaledRowTerm<S, kWidth>{channels, rows_of<S>(op.x), rows_of<T>(op.dscore)},
                                 StoreHeadColumn<T>{channels, rows_of<T>(op.dvector)}, partial);
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
