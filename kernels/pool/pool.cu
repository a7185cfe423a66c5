// SPDX-License-Identifier: MIT
#include <algorithm>

#include "kernels/pool/pool_backward.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

/// Pieces that every graph is cut into: 1 when there are graphs enough to fill the device, or none is large.
std::int64_t pieces_of(const Graph& graph) {
  const std::span<const std::int64_t> offsets = graph.host_graph_offsets();
  const std::int64_t limit = kPoolBlocks / std::max<std::int64_t>(1, graph.num_graphs());
  if (limit <= 1) return 1;
  std::int64_t longest = 0;
  for (std::size_t g = 1; g < offsets.size(); ++g) longest = std::max(longest, offsets[g] - offsets[g - 1]);
  return std::clamp<std::int64_t>((longest + kPieceNodes - 1) / kPieceNodes, 1, limit);
}

/// Heads of a pool, and the columns of each, as the kernels see them. Without a gate there is nothing that heads do
/// each for itself, and where a sigmoid or raw gate has a score for every column, the columns of one head do.
struct Heads {
  bool are_features;
  std::int64_t count, channels;

  Heads(const Layout& rows, PoolGate gate)
      : are_features(rows.ndim == 3 && rows.shape[2] == 1 && (gate == PoolGate::sigmoid || gate == PoolGate::raw)),
        count(rows.ndim == 3 && gate != PoolGate::none && !are_features ? rows.shape[1] : 1),
        channels(rows.row_size() / count) {}
};

template <class T>
PoolPartials<T> carve(Carver& carver, const PoolForward& op) {
  PoolPartials<T> partials;
  const std::int64_t pieces = pieces_of(op.graph);
  if (pieces == 1) return partials;
  const std::int64_t rows = op.graph.num_graphs() * pieces;
  partials.y = carver.take<T>(rows * op.x.row_size());
  if (op.gate == PoolGate::softmax) {
    const std::int64_t heads = Heads(op.x, op.gate).count;
    partials.maximum = carver.take<T>(rows * heads);
    partials.sum = carver.take<T>(rows * heads);
  }
  if (op.reduce == PoolReduce::max) partials.node = carver.take<std::int32_t>(rows * op.x.row_size());
  return partials;
}

template <class S, int kWidth, PoolKind kKind>
void launch_forward(const CudaExec& exec, const PoolForwardArguments<S>& arguments) {
  const unsigned lanes = static_cast<unsigned>(lanes_for(arguments.columns / kWidth));
  launch(
      exec, "pool_forward", pool_forward_by_graph<S, kWidth, kKind>,
      {dim3(static_cast<unsigned>(arguments.graphs * arguments.pieces), blocks_for(arguments.columns / kWidth, lanes)),
       dim3(lanes, kPoolThreads / lanes)},
      arguments);
  if (arguments.pieces == 1) return;
  launch(exec, "pool_forward", pool_forward_merge<S, kKind>,
         {dim3(static_cast<unsigned>(arguments.graphs), blocks_for(arguments.columns, kWarpSize)),
          dim3(kWarpSize, kPoolThreads / kWarpSize)},
         arguments);
}

template <class S>
void forward(const CudaExec& exec, const PoolForward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  const PoolPartials<T> partials = carve<T>(carver, op);
  const std::int64_t columns = op.x.row_size();
  const Heads heads(op.x, op.gate);
  const PoolForwardArguments<S> arguments{.offsets = op.graph.graph_offsets(),
                                          .graphs = op.graph.num_graphs(),
                                          .pieces = pieces_of(op.graph),
                                          .columns = columns,
                                          .heads = heads.count,
                                          .channels = heads.channels,
                                          .sharpness = static_cast<T>(1 / op.temperature),
                                          .gate = op.gate,
                                          .per_feature = heads.are_features,
                                          .mean = op.reduce == PoolReduce::mean,
                                          .x = rows_of<S>(op.x),
                                          .score = rows_of<T>(op.score),
                                          .y = rows_of<S>(op.y),
                                          .maximum = rows_of<T>(op.maximum),
                                          .sum = rows_of<T>(op.sum),
                                          .arg = rows_of<std::int32_t>(op.arg),
                                          .partials = partials};
  const ConstTensorView scores = heads.are_features ? op.score : ConstTensorView{};
  with_pack_width<S>(pack_width<S>(heads.channels, {op.x, scores, op.y, op.arg}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    if (op.reduce == PoolReduce::max) {
      launch_forward<S, kWidth, PoolKind::maximum>(exec, arguments);
    } else if (op.gate == PoolGate::softmax) {
      launch_forward<S, kWidth, PoolKind::softmax>(exec, arguments);
    } else {
      launch_forward<S, kWidth, PoolKind::sum>(exec, arguments);
    }
  });
}

template <class S>
void backward(const CudaExec& exec, const PoolBackward& op) {
  using T = Accumulator<S>;
  const Heads heads(op.dy, op.gate);
  const std::int64_t nodes = op.graph.num_nodes();
  const ConstTensorView arg = op.reduce == PoolReduce::max ? op.arg : ConstTensorView{};
  const ConstTensorView scores = heads.are_features ? op.score : ConstTensorView{};
  const ConstTensorView dscores = heads.are_features ? ConstTensorView(op.dscore) : ConstTensorView{};
  const int width = pack_width<S>(heads.channels, {op.x, op.y, arg, op.dy, op.dx, scores, dscores});
  with_pack_width<S>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(heads.channels / kWidth);
    const PoolBackwardArguments<S> arguments{.offsets = op.graph.graph_offsets(),
                                             .graphs = op.graph.num_graphs(),
                                             .nodes = nodes,
                                             .heads = heads.count,
                                             .channels = heads.channels,
                                             .lanes = lanes,
                                             .sharpness = static_cast<T>(1 / op.temperature),
                                             .gate = op.gate,
                                             .mean = op.reduce == PoolReduce::mean,
                                             .x = rows_of<S>(op.x),
                                             .score = rows_of<T>(op.score),
                                             .y = rows_of<S>(op.y),
                                             .maximum = rows_of<T>(op.maximum),
                                             .sum = rows_of<T>(op.sum),
                                             .arg = rows_of<std::int32_t>(arg),
                                             .dy = rows_of<S>(op.dy),
                                             .dx = rows_of<S>(op.dx),
                                             .dscore = rows_of<T>(op.dscore)};
    launch(exec, "pool_backward",
           heads.are_features ? pool_backward_by_feature<S, kWidth> : pool_backward_by_node<S, kWidth>,
           {dim3(blocks_for(nodes * heads.count, kPoolThreads / lanes)), dim3(kPoolThreads)}, arguments);
  });
}

template <class T>
void weights(const CudaExec& exec, const PoolWeightsArgs& op) {
  const std::int64_t nodes = op.graph.num_nodes(), heads = op.score.row_size();
  launch(exec, "pool_weights", pool_weights_by_node<T>,
         {dim3(blocks_for(nodes * heads, kPoolThreads)), dim3(kPoolThreads)},
         PoolWeightsArguments<T>{op.graph.graph_offsets(), op.graph.num_graphs(), nodes, heads,
                                 static_cast<T>(1 / op.temperature), op.gate, rows_of<T>(op.score),
                                 rows_of<T>(op.maximum), rows_of<T>(op.sum), rows_of<T>(op.weight)});
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const PoolForward& op) {
  Carver carver;
  with_storage(op.x.dtype, [&](auto zero) { carve<Accumulator<decltype(zero)>>(carver, op); });
  return carver.bytes();
}

std::size_t workspace_size(const CudaExec&, const PoolBackward&) {
  return 0;
}

void pool_forward(const CudaExec& exec, const PoolForward& op) {
  with_storage(op.x.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void pool_backward(const CudaExec& exec, const PoolBackward& op) {
  with_storage(op.dy.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

void pool_weights(const CudaExec& exec, const PoolWeightsArgs& op) {
  with_real(op.weight.dtype, [&](auto zero) { weights<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
