// SPDX-License-Identifier: MIT
#include "kernels/pool/segment_dot.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

LaunchShape shape_of(std::int64_t nodes, int lanes) {
  return {dim3(blocks_for(nodes, kSegmentThreads / lanes)), dim3(kSegmentThreads)};
}

/// The gradient of a query is a pool weighted by the scores' gradients.
PoolForward query_gradient(const SegmentDotBackward& op) {
  return {{.graph = op.graph, .reduce = PoolReduce::sum, .gate = PoolGate::raw, .x = op.x, .score = op.dscore},
          {.y = op.dquery},
          op.workspace};
}

template <class S>
void forward(const CudaExec& exec, const SegmentDotForward& op) {
  using T = Accumulator<S>;
  const std::int64_t nodes = op.x.shape[0], columns = op.x.row_size();
  with_pack_width<S>(pack_width<S>(columns, {op.x, op.query}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(columns / kWidth);
    launch(exec, "segment_dot_forward", segment_dot_forward_by_node<S, kWidth>, shape_of(nodes, lanes),
           SegmentDotForwardArguments<S>{.offsets = op.graph.graph_offsets(),
                                         .graphs = op.graph.num_graphs(),
                                         .nodes = nodes,
                                         .columns = columns,
                                         .lanes = lanes,
                                         .x = rows_of<S>(op.x),
                                         .query = rows_of<S>(op.query),
                                         .score = rows_of<T>(op.score)});
  });
}

template <class S>
void input_gradient(const CudaExec& exec, const SegmentDotBackward& op) {
  using T = Accumulator<S>;
  const std::int64_t nodes = op.dx.shape[0], columns = op.dx.row_size();
  with_pack_width<S>(pack_width<S>(columns, {op.query, op.dx}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(columns / kWidth);
    launch(exec, "segment_dot_backward", segment_dot_backward_by_node<S, kWidth>, shape_of(nodes, lanes),
           SegmentDotBackwardArguments<S>{.offsets = op.graph.graph_offsets(),
                                          .graphs = op.graph.num_graphs(),
                                          .nodes = nodes,
                                          .columns = columns,
                                          .lanes = lanes,
                                          .query = rows_of<S>(op.query),
                                          .dscore = rows_of<T>(op.dscore),
                                          .dx = rows_of<S>(op.dx)});
  });
}

}  // namespace

void segment_dot_forward(const CudaExec& exec, const SegmentDotForward& op) {
  with_storage(op.x.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

std::size_t workspace_size(const CudaExec& exec, const SegmentDotBackward& op) {
  return op.dquery.defined() ? workspace_size(exec, query_gradient(op)) : 0;
}

void segment_dot_backward(const CudaExec& exec, const SegmentDotBackward& op) {
  if (op.dquery.defined()) pool_forward(exec, query_gradient(op));
  if (op.dx.defined()) with_storage(op.dx.dtype, [&](auto zero) { input_gradient<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
