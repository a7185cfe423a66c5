// SPDX-License-Identifier: MIT
#include "kernels/attention/attention.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class T>
SoftmaxPartials<T> carve(Carver& carver, const AttentionForward& op) {
  const std::int64_t chunks = op.graph.in_edges().long_rows.chunks;
  SoftmaxPartials<T> partials;
  partials.maximum = carver.take<T>(chunks * op.value.shape[1]);
  partials.sum = carver.take<T>(chunks * op.value.shape[1]);
  partials.y = carver.take<T>(chunks * op.value.row_size());
  return partials;
}

template <class S, int kWidth, class Score>
void launch_forward(const CudaExec& exec, const AttentionForwardArguments<S, Score>& arguments) {
  const HeadTiles& tiles = arguments.tiles;
  if (tiles.packs <= kWarpSize) {
    with_flag(!arguments.dropout.active && arguments.inputs.is_plain(), [&](auto plain) {
      launch(exec, "attention_forward", attention_forward_by_destination<S, kWidth, decltype(plain)::value, Score>,
             span_shape(arguments.edges, tiles.group, tiles.tiles), arguments);
    });
  } else {
    launch(exec, "attention_forward", attention_forward_by_destination_wide<S, kWidth, Score>,
           span_shape(arguments.edges, kWarpSize, tiles.heads), arguments);
  }
}

template <class S>
void merge(const CudaExec& exec, const AttentionForward& op, const SoftmaxPartials<Accumulator<S>>& partials) {
  using T = Accumulator<S>;
  const LongRows& long_rows = op.graph.in_edges().long_rows;
  if (long_rows.rows == 0) return;
  launch(exec, "attention_forward", attention_forward_merge<S, false>, merge_shape(long_rows, op.value.row_size()),
         SoftmaxMergeArguments<S>{long_rows, op.value.shape[1], op.value.shape[2], EdgeDropout::of(op.dropout).scale,
                                  partials, rows_of<S>(op.y), rows_of<T>(op.maximum), rows_of<T>(op.sum)});
}

template <class S>
void forward(const CudaExec& exec, const AttentionForward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  const SoftmaxPartials<T> partials = carve<T>(carver, op);
  const std::int64_t heads = op.query.shape[1], channels = op.query.shape[2], values = op.value.shape[2];
  math::with_attention_score<Math, T>(op, [&]<class Score>(const Score& score) {
    constexpr int kWidest = kWidestScorePack<S, Score>;
    const int width = std::min(pack_width<S>(channels, {op.query, op.key, op.edge_key, op.vector}, kWidest),
                               pack_width<S>(values, {op.value, op.edge_value, op.y}, kWidest));
    with_pack_width<S, kWidest>(width, [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch_forward<S, kWidth, Score>(exec, {.edges = op.graph.in_edges(),
                                              .tiles = HeadTiles::of(heads, std::max(channels, values), kWidth, 1),
                                              .inputs = AttentionInputs<S, Score>::of(op, score),
                                              .dropout = EdgeDropout::of(op.dropout),
                                              .y = rows_of<S>(op.y),
                                              .maximum = rows_of<T>(op.maximum),
                                              .sum = rows_of<T>(op.sum),
                                              .partials = partials});
    });
  });
  merge<S>(exec, op, partials);
}

template <class S>
void weights(const CudaExec& exec, const AttentionWeightsArgs& op) {
  using T = Accumulator<S>;
  const std::int64_t heads = op.query.shape[1], channels = op.query.shape[2];
  const Adjacency& edges = op.graph.in_edges();
  math::with_attention_score<Math, T>(op, [&]<class Score>(const Score& score) {
    with_pack_width<S>(pack_width<S>(channels, {op.query, op.key, op.edge_key, op.vector}), [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      const int lanes = lanes_for(channels / kWidth);
      launch(
          exec, "attention_weights", attention_weights_by_destination<S, kWidth, Score>,
          span_shape(edges, lanes, static_cast<int>(heads)),
          AttentionWeightsArguments<S, Score>{.edges = edges,
                                              .group = lanes,
                                              .heads = static_cast<int>(heads),
                                              .inputs = AttentionInputs<S, Score>::of(op, score),
                                              .dropout = EdgeDropout::of(op.dropped ? op.dropout : AttentionDropout{}),
                                              .maximum = rows_of<T>(op.maximum),
                                              .sum = rows_of<T>(op.sum),
                                              .weight = rows_of<T>(op.weight)});
    });
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const AttentionForward& op) {
  Carver carver;
  with_storage(op.query.dtype, [&](auto zero) { carve<Accumulator<decltype(zero)>>(carver, op); });
  return carver.bytes();
}

void attention_forward(const CudaExec& exec, const AttentionForward& op) {
  with_storage(op.query.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

std::size_t workspace_size(const CudaExec&, const AttentionWeightsArgs&) {
  return 0;
}

void attention_weights(const CudaExec& exec, const AttentionWeightsArgs& op) {
  with_storage(op.query.dtype, [&](auto zero) { weights<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
