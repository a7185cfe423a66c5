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
  GatheredRows<const S> value;
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
    const T factor = inverse * arguments.dropout.template scale_as<T>();
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
/// of the head, and one pack of that head's channels. Idle lanes read the row's first, and write nothing. Without
/// dropout and edges' own terms the attention is plain.
template <class S, int kWidth, bool kPositive, bool kPlain, class Score>
__global__ void __launch_bounds__(kSpanThreads, kGatAttentionBlocks<Accumulator<S>, kPlain, kWidth>)
    gat_attention_forward_by_destination(GatAttentionForwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  const Adjacency& edges = arguments.edges;
  const WarpGroup group = WarpGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles, tile);
  bool exists;
  const EdgeSpan span = span_or_none(edges, item, exists);
  const HeadPlace place = place_of(arguments.tiles, tile, group.lane, 1);
  const bool active = exists && !place.idle && place.first_pack < arguments.tiles.packs;
  const int bit = place.head - place.first_head;
  const GatheredRows<const S> value =
      arguments.value.from(active ? place.head * arguments.channels + place.first_pack * kWidth : 0);
  const Score score = arguments.score.from(place.head);
  const T own_term = score.destination_term(span.node());
  const bool drops = !kPlain && arguments.dropout.active, has_edge_term = !kPlain && score.has_edge_term();

  SoftmaxState<T, kWidth, kPositive> state;
  const auto fetch = [&](std::int64_t slot) {
    return AttentionEdge::fetch<kPlain>(edges, slot, arguments.dropout, place.first_head,
                                        arguments.tiles.heads_per_tile);
  };
  for_each_batch<kEdgesInFlight>(group, span, fetch, [&](const AttentionEdge& mine, int k, int held) {
    RawPack<S, kWidth> raw[kEdgesInFlight];
    T p[kEdgesInFlight], l[kEdgesInFlight];
    bool positive[kEdgesInFlight], kept[kEdgesInFlight];
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      const std::uint32_t neighbor = group.broadcast(mine.neighbor, k + u);
      p[u] = score.source_term(neighbor);
      raw[u] = load_raw<kWidth>(value[neighbor]);
      kept[u] = true;
    }
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) p[u] += own_term;
    if (has_edge_term) {
#pragma unroll
      for (int u = 0; u < kEdgesInFlight; ++u) p[u] += score.edge_term(group.broadcast(mine.id, k + u));
    }
    if (drops) {
#pragma unroll
      for (int u = 0; u < kEdgesInFlight; ++u) kept[u] = (group.broadcast(mine.kept, k + u) >> bit & 1u) != 0;
    }
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      positive[u] = p[u] > T(0);
      l[u] = k + u < held ? score.activation(p[u]) : -math::kInfinity<T>;
    }
    state.absorb(held - k, l, positive, kept, [&](int u) { return unpack<S, kWidth>(raw[u]); });
  });
  if (!exists) return;
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
    const Score score = arguments.score.from(head);
    const T p = score.preactivation(static_cast<std::uint32_t>(edges.neighbor[slot]), span.node(),
                                    static_cast<std::uint32_t>(id));
    arguments.weight[id][head] = math::softmax_weight<Math>(
        score.activation(p), __ldg(arguments.maximum[span.row] + head), __ldg(arguments.sum[span.row] + head));
  }
}

}  // namespace warpgnn::kernels
