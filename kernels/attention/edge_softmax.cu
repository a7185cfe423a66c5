// SPDX-License-Identifier: MIT
#include "kernels/attention/edge_softmax.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class State>
struct Scratch {
  State* partial = nullptr;
  State* total = nullptr;
};

template <class State>
Scratch<State> carve(Carver& carver, const Adjacency& edges, std::int64_t heads) {
  Scratch<State> scratch;
  scratch.partial = carver.take<State>(edges.long_rows.chunks * heads);
  scratch.total = carver.take<State>(edges.long_rows.rows * heads);
  return scratch;
}

template <class Op>
void run(const CudaExec& exec, const char* name, const Graph& graph, std::int64_t heads, const Workspace& workspace,
         const Op& op) {
  const Adjacency& edges = graph.in_edges();
  Carver carver(workspace.data);
  const auto scratch = carve<typename Op::State>(carver, edges, heads);
  const EdgeRowsArguments<Op> arguments{edges, EdgeTiles::of(edges, heads), op, scratch.partial, scratch.total};
  launch(exec, name, edge_rows_short<Op>, span_shape(edges, arguments.tiles.group, arguments.tiles.tiles), arguments);
  if (edges.long_rows.rows == 0) return;
  launch(exec, name, edge_rows_merge<Op>, merge_shape(edges.long_rows, heads), arguments);
  launch(exec, name, edge_rows_long<Op>, chunk_shape(edges, arguments.tiles.group, arguments.tiles.tiles), arguments);
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const EdgeSoftmaxForward& op) {
  Carver carver;
  with_real(op.score.dtype, [&](auto zero) {
    carve<typename EdgeSoftmaxForwardOp<decltype(zero)>::State>(carver, op.graph.in_edges(), op.score.shape[1]);
  });
  return carver.bytes();
}

std::size_t workspace_size(const CudaExec&, const EdgeSoftmaxBackward& op) {
  Carver carver;
  with_real(op.weight.dtype, [&](auto zero) {
    carve<typename EdgeSoftmaxBackwardOp<decltype(zero)>::State>(carver, op.graph.in_edges(), op.weight.shape[1]);
  });
  return carver.bytes();
}

void edge_softmax_forward(const CudaExec& exec, const EdgeSoftmaxForward& op) {
  with_real(op.score.dtype, [&](auto zero) {
    using T = decltype(zero);
    run(exec, "edge_softmax_forward", op.graph, op.score.shape[1], op.workspace,
        EdgeSoftmaxForwardOp<T>{rows_of<T>(op.score), rows_of<T>(op.weight)});
  });
}

void edge_softmax_backward(const CudaExec& exec, const EdgeSoftmaxBackward& op) {
  with_real(op.weight.dtype, [&](auto zero) {
    using T = decltype(zero);
    run(exec, "edge_softmax_backward", op.graph, op.weight.shape[1], op.workspace,
        EdgeSoftmaxBackwardOp<T>{rows_of<T>(op.weight), rows_of<T>(op.dweight), rows_of<T>(op.dscore)});
  });
}

}  // namespace warpgnn::backend
