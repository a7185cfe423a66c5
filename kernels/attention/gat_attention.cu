// SPDX-License-Identifier: MIT
#include "kernels/attention/gat_attention.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class S>
SoftmaxPartials<Accumulator<S>> carve(Carver& carver, const GatAttentionForward& op) {
  using T = Accumulator<S>;
  const std::int64_t chunks = op.graph.in_edges().long_rows.chunks;
  const std::int64_t per_head = chunks * op.value.shape[1];
  const std::int64_t per_column = chunks * op.value.row_size();
  SoftmaxPartials<T> partials;
  partials.maximum = carver.take<T>(per_head);
  partials.sum = carver.take<T>(per_head);
  partials.y = carver.take<T>(per_column);
  if (op.positive_y.defined()) {
    partials.positive_sum = carver.take<T>(per_head);
    partials.positive_y = carver.take<T>(per_column);
  }
  return partials;
}

template <class S, int kWidth, bool kPositive, class Score>
void launch_forward(const CudaExec& exec, const GatAttentionForwardArguments<S, Score>& arguments) {
  const LongRows& long_rows = arguments.edges.long_rows;
  const std::int64_t heads = arguments.tiles.heads, channels = arguments.channels;
  with_flag(!arguments.dropout.active && !arguments.score.edge, [&](auto plain) {
    launch(exec, "gat_attention_forward",
           gat_attention_forward_by_destination<S, kWidth, kPositive, decltype(plain)::value, Score>,
           span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles), arguments);
  });
  if (long_rows.rows == 0) return;
  launch(exec, "gat_attention_forward", attention_forward_merge<S, kPositive>, merge_shape(long_rows, heads * channels),
         SoftmaxMergeArguments<S>{.long_rows = long_rows,
                                  .heads = heads,
                                  .channels = channels,
                                  .dropout_scale = arguments.dropout.scale,
                                  .partials = arguments.partials,
                                  .y = arguments.y,
                                  .maximum = arguments.maximum,
                                  .sum = arguments.sum,
                                  .positive_y = arguments.positive_y,
                                  .positive_weight = arguments.positive_weight});
}

template <class S>
void forward(const CudaExec& exec, const GatAttentionForward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  const SoftmaxPartials<T> partials = carve<S>(carver, op);
  const std::int64_t heads = op.value.shape[1], channels = op.value.shape[2];
  const int width = pack_width<S>(channels, {op.value, op.y, op.positive_y}, kWidestPack<S>);
  with_pack_width<S, kWidestPack<S>>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const GatAttentionForwardArguments<S, GatScore<T>> arguments{.edges = op.graph.in_edges(),
                                                                 .tiles = HeadTiles::of(heads, channels, kWidth, 1),
                                                                 .channels = channels,
                                                                 .score = GatScore<T>::of(op),
                                                                 .dropout = EdgeDropout::of(op.dropout),
                                                                 .value = rows_of<S>(op.value),
                                                                 .y = rows_of<S>(op.y),
                                                                 .maximum = rows_of<T>(op.maximum),
                                                                 .sum = rows_of<T>(op.sum),
                                                                 .positive_y = rows_of<S>(op.positive_y),
                                                                 .positive_weight = rows_of<T>(op.positive_weight),
                                                                 .partials = partials};
    if (op.positive_y.defined()) {
      launch_forward<S, kWidth, true>(exec, arguments);
    } else {
      launch_forward<S, kWidth, false>(exec, arguments);
    }
  });
}

template <class T>
void weights(const CudaExec& exec, const GatAttentionWeightsArgs& op) {
  const std::int64_t heads = op.weight.shape[1];
  const GatAttentionWeightsArguments<T, GatScore<T>> arguments{.edges = op.graph.in_edges(),
                                                               .group = edge_lanes(op.graph.in_edges(), heads),
                                                               .heads = static_cast<int>(heads),
                                                               .score = GatScore<T>::of(op),
                                                               .maximum = rows_of<T>(op.maximum),
                                                               .sum = rows_of<T>(op.sum),
                                                               .weight = rows_of<T>(op.weight)};
  launch(exec, "gat_attention_weights", gat_attention_weights_by_destination<T, GatScore<T>>,
         span_shape(arguments.edges, arguments.group, 1), arguments);
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const GatAttentionForward& op) {
  Carver carver;
  with_storage(op.value.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void gat_attention_forward(const CudaExec& exec, const GatAttentionForward& op) {
  with_storage(op.value.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void gat_attention_weights(const CudaExec& exec, const GatAttentionWeightsArgs& op) {
  with_real(op.weight.dtype, [&](auto zero) { weights<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
