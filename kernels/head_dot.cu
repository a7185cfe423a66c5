#include "kernels/head_dot.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class T>
T* carve(Carver& carver, const HeadDotBackward& op) {
  return carver.take<T>(column_partial_count(op.x.shape[0], op.x.row_size(), 1));
}

LaunchShape shape_of(std::int64_t nodes, std::int64_t heads, int lanes) {
  return LaunchShape{dim3(blocks_for(nodes * heads, kSpanThreads / lanes)), dim3(kSpanThreads)};
}

template <class T>
void forward(const CudaExec& exec, const HeadDotForward& op) {
  const std::int64_t nodes = op.x.shape[0], heads = op.x.shape[1], channels = op.x.shape[2];
  with_pack_width<T>(pack_width<T>(channels, {op.x, op.vector}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(channels / kWidth);
    launch(exec, "head_dot_forward", head_dot_forward_by_head<T, kWidth>, shape_of(nodes, heads, lanes),
           HeadDotArguments<T>{nodes, static_cast<int>(heads), channels, lanes, rows_of<T>(op.x), rows_of<T>(op.vector),
                               rows_of<T>(op.score)});
  });
}

template <class T>
void backward(const CudaExec& exec, const HeadDotBackward& op) {
  Carver carver(op.workspace.data);
  T* const partial = carve<T>(carver, op);
  const std::int64_t nodes = op.x.shape[0], heads = op.x.shape[1], channels = op.x.shape[2];
  with_pack_width<T>(pack_width<T>(channels, {op.x, op.vector, op.dx}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(channels / kWidth);
    launch(exec, "head_dot_backward", head_dot_backward_x<T, kWidth>, shape_of(nodes, heads, lanes),
           HeadDotGradientArguments<T>{nodes, static_cast<int>(heads), channels, lanes, rows_of<T>(op.vector),
                                       rows_of<T>(op.dscore), rows_of<T>(op.dx)});
    reduce_columns<T, kWidth, 1>(exec, "head_dot_backward", nodes, heads * channels,
                                 ScaledRowTerm<T, kWidth>{channels, rows_of<T>(op.x), rows_of<T>(op.dscore)},
                                 StoreHeadColumn<T>{channels, rows_of<T>(op.dvector)}, partial);
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const HeadDotBackward& op) {
  Carver carver;
  with_real(op.x.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void head_dot_forward(const CudaExec& exec, const HeadDotForward& op) {
  with_real(op.x.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void head_dot_backward(const CudaExec& exec, const HeadDotBackward& op) {
  with_real(op.x.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
