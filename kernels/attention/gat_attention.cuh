// SPDX-License-Identifier: MIT
#pragma once

// Attention forward: one pass over the in-edges with an online softmax, and the weights on request.

#include "kernels/attention/gat_scores.cuh"
#include "kernels/attention/softmax_state.cuh"
#include "kernels/base/heads.cuh"

namespace warpgnn::kernels {

template <class S, class Score>
struct GatAttentionForwardArguments {
  using T = Accumulator<S>;
  Adjacency edges;  // in-edges
  HeadTiles tiles;
  std::int64_t channels;
  Score score;
  EdgeDropout dropout;
  Rows<const S> value;
  Rows<S> y;
  Rows<T> maximum;
  Rows<T> sum;
  Rows<S> positive_y;
  Rows<T> positive_weight;
  SoftmaxPartials<T> partials;
};

template <class S, int kWidth, bool kPositive, class Score>
__device__ void store_row(const GatAttentionForwardArguments<S, Score>& arguments, const HeadPlace& place,
                          std::int64_t row, bool active, SoftmaxState<Accumulator<S>, kWidth, kPositive>& state) {
  using T = Accumulator<S>;
  const bool empty = state.sum == T(0);  // no edges, or nothing but -inf
  const T inverse = math::inverse_sum(state.sum);
  if (active) {
    const std::int64_t column = place.head * arguments.channels + place.first_pack * kWidth;
    const T factor = inverse * static_cast<T>(arguments.dropout.scale);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) state.y[v] = empty ? T(0) : state.y[v] * factor;
    store_streamed<kWidth>(arguments.y[row] + column, state.y);
    if constexpr (kPositive) {
#pragma unroll
      for (int v = 0; v < kWidth; ++v) state.positive_y[v] = empty ? T(0) : state.positive_y[v] * factor;
      store_streamed<kWidth>(arguments.positive_y[row] + column, state.positive_y);
    }
  }
  if (!place.leader) return;
  arguments.maximum[row][place.head] = state.maximum;
  arguments.sum[row][place.head] = state.sum;
  if constexpr (kPositive) arguments.positive_weight[row][place.head] = state.positive_sum * inverse;
}

/// One group of lanes per (span, tile of heads). Each lane carries the softmax of its own head, the same in all lanes
/// of the head, and one pack of that head's channels.
template <class S, int kWidth, bool kPositive, class Score>
__global__ void __launch_bounds__(kSpanThreads, kGatAttentionBlocks<Accumulator<S>>)
    gat_attention_forward_by_destination(GatAttentionForwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  const Adjacency& edges = arguments.edges;
  const LaneGroup group = LaneGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles, tile);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;
  const HeadPlace place = place_of(arguments.tiles, tile, group.lane, 1);
  const bool active = !place.idle && place.first_pack < arguments.tiles.packs;
  const int bit = place.head - place.first_head;
  const S* const value = arguments.value.data + place.head * arguments.channels + place.first_pack * kWidth;
  const T own_term = arguments.score.destination_term(span.row, place.head);

  SoftmaxState<T, kWidth, kPositive> state;
  const auto fetch = [&](std::int64_t slot) {
    return AttentionEdge::fetch(edges, slot, arguments.dropout, place.first_head, arguments.tiles.heads_per_tile);
  };
  for_each_batch<kEdgesInFlight>(group, span, fetch, [&](const AttentionEdge& mine, int k, int count) {
    Pack<T, kWidth> row[kEdgesInFlight] = {};
    T l[kEdgesInFlight];
    bool positive[kEdgesInFlight], kept[kEdgesInFlight];
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      const std::int64_t neighbor = group.broadcast(mine.neighbor, k + u);
      const std::int32_t id = group.broadcast(mine.id, k + u);
      kept[u] = (group.broadcast(mine.kept, k + u) >> bit & 1u) != 0;
      l[u] = -math::kInfinity<T>;
      positive[u] = false;
      if (k + u >= count) continue;
      if (active) row[u] = load_read_only<kWidth>(value + neighbor * arguments.value.stride);
      const T p =
          arguments.score.source_term(neighbor, place.head) + own_term + arguments.score.edge_term(id, place.head);
      positive[u] = p > T(0);
      l[u] = arguments.score.activation(p);
    }
    state.absorb(l, positive, kept, row);
  });
  if (span.chunk >= 0) {
    const std::int64_t row = span.chunk * arguments.tiles.heads + place.head;
    arguments.partials.store(state, row, row * arguments.channels + place.first_pack * kWidth, active, place.leader);
  } else {
    store_row(arguments, place, span.row, active, state);
  }
}

// --- Weights ---------------------------------------------------------------------------------------------------------

template <class T, class Score>
struct GatAttentionWeightsArguments {
  Adjacency edges;  // in-edges
  int group;
  int heads;
  Score score;
  Rows<const T> maximum;
  Rows<const T> sum;
  Rows<T> weight;
};

/// One group of lanes per span; lanes walk its (edge, head) pairs.
template <class T, class Score>
__global__ void __launch_bounds__(kSpanThreads)
    gat_attention_weights_by_destination(GatAttentionWeightsArguments<T, Score> arguments) {
  const Adjacency& edges = arguments.edges;
  const LaneGroup group = LaneGroup::of_size(arguments.group);
  const std::int64_t item = group_number(group.size);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;
  const std::int64_t pairs = (span.end - span.begin) * arguments.heads;
  for (std::int64_t pair = group.lane; pair < pairs; pair += group.size) {
    const std::int64_t slot = span.begin + pair / arguments.heads;
    const int head = static_cast<int>(pair % arguments.heads);
    const std::int64_t id = edge_id_of(edges, slot);
    const T p = arguments.score.source_term(edges.neighbor[slot], head) +
                arguments.score.destination_term(span.row, head) + arguments.score.edge_term(id, head);
    arguments.weight[id][head] =
        math::softmax_weight<Math>(arguments.score.activation(p), __ldg(arguments.maximum[span.row] + head),
                                   __ldg(arguments.sum[span.row] + head));
  }
}

}  // namespace warpgnn::kernels
