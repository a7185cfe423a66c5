// SPDX-License-Identifier: MIT
// Choosing nodes by score, and moving their rows along: launchers.

#include <algorithm>

#include "kernels/pool/top_k.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

/// Graphs with more nodes get blocks of the larger size.
constexpr std::int64_t kLargeGraph = 4096;

unsigned threads_for(const Graph& graph) {
  const std::span<const std::int64_t> offsets = graph.host_graph_offsets();
  std::int64_t longest = 0;
  for (std::size_t g = 1; g < offsets.size(); ++g) longest = std::max(longest, offsets[g] - offsets[g - 1]);
  return longest > kLargeGraph ? kMaxTopKThreads : kTopKThreads;
}

std::int64_t* carve(Carver& carver, const SegmentTopKArgs& op) {
  return carver.take<std::int64_t>(op.graph.num_graphs() + 1);
}

template <class S>
void gather(const CudaExec& exec, const ScaledGatherForward& op) {
  using T = Accumulator<S>;
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  if (rows == 0 || columns == 0) return;
  with_pack_width<S>(pack_width<S>(columns, {op.x, op.y}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch(exec, "scaled_gather_forward", scaled_gather_forward_by_row<S, kWidth>,
           row_tiles(exec, rows, columns / kWidth),
           ScaledGatherForwardArguments<S>{.rows = rows,
                                           .columns = columns,
                                           .nodes = op.x.shape[0],
                                           .x = rows_of<S>(op.x),
                                           .scale = rows_of<T>(op.scale),
                                           .index = rows_of<std::int32_t>(op.index),
                                           .y = rows_of<S>(op.y)});
  });
}

template <class S>
void gather_gradients(const CudaExec& exec, const ScaledGatherBackward& op) {
  using T = Accumulator<S>;
  const std::int64_t nodes = op.position.shape[0], columns = op.dy.row_size();
  with_pack_width<S>(pack_width<S>(columns, {op.x, op.dy, op.dx}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(columns / kWidth);
    launch(exec, "scaled_gather_backward", scaled_gather_backward_by_node<S, kWidth>,
           {dim3(blocks_for(nodes, kTileThreads / lanes)), dim3(kTileThreads)},
           ScaledGatherBackwardArguments<S>{.nodes = nodes,
                                            .columns = columns,
                                            .rows = op.dy.shape[0],
                                            .lanes = lanes,
                                            .x = rows_of<S>(op.x),
                                            .scale = rows_of<T>(op.scale),
                                            .position = rows_of<std::int32_t>(op.position),
                                            .dy = rows_of<S>(op.dy),
                                            .dx = rows_of<S>(op.dx),
                                            .dscale = rows_of<T>(op.dscale)});
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const SegmentTopKArgs& op) {
  Carver carver;
  carve(carver, op);
  return carver.bytes();
}

void segment_top_k(const CudaExec& exec, const SegmentTopKArgs& op) {
  const std::int64_t graphs = op.graph.num_graphs();
  const std::int64_t* const offsets = op.graph.graph_offsets();
  Carver carver(op.workspace.data);
  std::int64_t* const kept = carve(carver, op);
  if (graphs == 0) return;
  launch(exec, "segment_top_k offsets", top_k_offsets, {dim3(1), dim3(kTopKThreads)}, graphs, offsets, op.ratio,
         op.count, kept);
  with_real(op.score.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch(exec, "segment_top_k", segment_top_k_by_graph<T>,
           {dim3(static_cast<unsigned>(graphs)), dim3(threads_for(op.graph))},
           TopKArguments<T>{offsets, kept, rows_of<T>(op.score), rows_of<std::int32_t>(op.selected),
                            rows_of<std::int32_t>(op.position)});
  });
}

void scaled_gather_forward(const CudaExec& exec, const ScaledGatherForward& op) {
  with_storage(op.y.dtype, [&](auto zero) { gather<decltype(zero)>(exec, op); });
}

void scaled_gather_backward(const CudaExec& exec, const ScaledGatherBackward& op) {
  with_storage(op.dy.dtype, [&](auto zero) { gather_gradients<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
