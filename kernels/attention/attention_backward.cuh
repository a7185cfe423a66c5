// SPDX-License-Identifier: MIT
#pragma once

// Attention between pairs of feature vectors, backward: what a destination contributes to all its edges, then a pass
// over in-edges and one over out-edges, in which every lane recomputes the weights of its head from the saved maximum
// and sum. Here are the kernels for heads that fit a group of lanes; attention_backward_wide.cuh has those for wider
// ones.

#include "kernels/attention/attention.cuh"

namespace warpgnn::kernels {

template <class S>
struct AttentionTermsArguments {
  using T = Accumulator<S>;
  std::int64_t destinations;
  int heads;
  std::int64_t values;
  int lanes;  // per (destination, head), a power of two
  Rows<const S> y;
  Rows<const S> dy;
  Rows<const T> maximum;
  Rows<const T> sum;
  T* terms;  // [destinations, H, kSoftmaxTerms]
};

template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads) attention_terms(AttentionTermsArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t number = group_number(group.size);
  if (number >= arguments.destinations * arguments.heads) return;
  const std::int64_t node = number / arguments.heads;
  const int head = static_cast<int>(number % arguments.heads);
  T delta = 0;
  for (std::int64_t c = group.lane * kWidth; c < arguments.values; c += group.size * kWidth) {
    const std::int64_t column = head * arguments.values + c;
    delta +=
        dot(load_read_only<kWidth>(arguments.dy[node] + column), load_streamed<kWidth>(arguments.y[node] + column));
  }
  delta = group.sum(delta);
  if (group.lane != 0) return;
  store_terms(arguments.terms + number * kSoftmaxTerms, arguments.maximum[node][head], arguments.sum[node][head], delta,
              T(0));
}

/// A gradient summed over the edges of a row: where whole rows go, and where chunks go. Null data: not wanted.
template <class S>
struct RowGradient {
  using T = Accumulator<S>;
  Rows<S> target;
  T* partial = nullptr;  // [chunks, columns]
  std::int64_t columns = 0;

  __device__ explicit operator bool() const { return static_cast<bool>(target); }
  template <int kWidth>
  __device__ void store(const EdgeSpan& span, std::int64_t column, const Pack<T, kWidth>& sum) const {
    if (span.chunk < 0) {
      store_streamed<kWidth>(target[span.row] + column, sum);
    } else {
      store_streamed<kWidth>(partial + span.chunk * columns + column, sum);
    }
  }
};

template <class S, class Score>
struct AttentionBackwardArguments {
  using T = Accumulator<S>;
  Adjacency edges;  // in-edges or out-edges
  HeadTiles tiles;  // of the wider of score and value
  AttentionInputs<S, Score> inputs;
  EdgeDropout dropout;
  Rows<const S> dy;
  const T* terms;  // [destinations, H, kSoftmaxTerms]
  // By destination.
  RowGradient<S> dquery;
  RowGradient<T> dvector;  // each destination's part
  Rows<S> dedge_key;
  Rows<S> dedge_value;
  Rows<T> dedge_bias;
  bool joins_edge_values;  // dedge_key gains what dedge_value would be
  // By source.
  RowGradient<S> dkey;
  RowGradient<S> dvalue;
  bool joins_values;  // dkey gains what dvalue would be
};

/// What one edge and head pass on.
template <class T>
struct AttentionGradient {
  T dl;      // to the score
  T weight;  // the weight after dropout, as a factor of dy
};

template <class T>
__device__ AttentionGradient<T> attention_gradient(const SoftmaxTerms<T>& terms, T l, T dot, T kept_scale) {
  const T alpha = std::exp(l - terms.base) * terms.inverse;
  return AttentionGradient<T>{alpha * (kept_scale * dot - terms.delta), kept_scale * alpha};
}

template <class T, int kWidth, class Score>
__device__ Pack<T, kWidth> key_gradients(const Score& score, T g, const ScorePacks<T, kWidth>& packs) {
  Pack<T, kWidth> gradient;
#pragma unroll
  for (int v = 0; v < kWidth; ++v) {
    gradient[v] = score.key_gradient(g, packs.kept[v], packs.query[v], packs.vector[v]);
  }
  return gradient;
}
template <class T, int kWidth, class Score>
__device__ void add_query_gradients(const Score& score, T g, const ScorePacks<T, kWidth>& packs, Pack<T, kWidth>& sum) {
#pragma unroll
  for (int v = 0; v < kWidth; ++v) sum[v] += score.query_gradient(g, packs.kept[v], packs.vector[v]);
}
template <class T, int kWidth, class Score>
__device__ void add_vector_gradients(const Score& score, T g, const ScorePacks<T, kWidth>& packs,
                                     Pack<T, kWidth>& sum) {
#pragma unroll
  for (int v = 0; v < kWidth; ++v) sum[v] += score.vector_gradient(g, packs.kept[v]);
}

/// Edges whose rows a lane has in flight: two rows of each.
inline constexpr int kAttentionEdgesInFlight = kEdgesInFlight / 2;

/// One group of lanes per (span of in-edges, tile of heads); a lane holds one pack of its head's query and dy.
template <class S, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, kAttentionBlocks<Accumulator<S>>)
    attention_backward_by_destination(AttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  const Adjacency& edges = arguments.edges;
  const AttentionInputs<S, Score>& inputs = arguments.inputs;
  const HeadTiles& tiles = arguments.tiles;
  const LaneGroup group = LaneGroup::of_size(tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), tiles.tiles, tile);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;
  const HeadPlace place = place_of(tiles, tile, group.lane, 1);
  const AttentionColumns columns = columns_of<kWidth>(inputs, place);
  const int bit = place.head - place.first_head;
  ScorePacks<T, kWidth> own{};
  Pack<T, kWidth> dy{}, dquery{}, dvector{};
  if (columns.scores) own.query = load_read_only<kWidth>(inputs.query[span.row] + columns.score);
  if (columns.values) dy = load_read_only<kWidth>(arguments.dy[span.row] + columns.value);
  own.vector = load_vector<kWidth>(inputs, columns);
  const SoftmaxTerms<T> terms = load_terms(arguments.terms + (span.row * tiles.heads + place.head) * kSoftmaxTerms);

  const auto fetch = [&](std::int64_t slot) {
    return AttentionEdge::fetch(edges, slot, arguments.dropout, place.first_head, tiles.heads_per_tile);
  };
  for_each_batch<kAttentionEdgesInFlight>(group, span, fetch, [&](const AttentionEdge& mine, int k, int count) {
    EdgePacks<T, kWidth> packs[kAttentionEdgesInFlight] = {};
#pragma unroll
    for (int u = 0; u < kAttentionEdgesInFlight; ++u) {
      const std::int64_t neighbor = group.broadcast(mine.neighbor, k + u);
      const std::int32_t id = group.broadcast(mine.id, k + u);
      if (k + u >= count) continue;
      load_source(inputs, columns, neighbor, packs[u]);
      add_edge(inputs, columns, id, packs[u]);
    }
#pragma unroll
    for (int u = 0; u < kAttentionEdgesInFlight; ++u) {
      own.kept = keep_pack(inputs.score, own.query, packs[u].key);
      const T sum = group.sum(terms_of(inputs.score, own.kept, own.query, own.vector), tiles.lanes_per_head);
      const T value_dot = group.sum(dot(dy, packs[u].value), tiles.lanes_per_head);
      const std::int32_t id = group.broadcast(mine.id, k + u);
      const bool kept = (group.broadcast(mine.kept, k + u) >> bit & 1u) != 0;
      if (k + u >= count) continue;
      const AttentionGradient<T> gradient = attention_gradient(terms, inputs.finish(sum, id, place.head), value_dot,
                                                               kept ? static_cast<T>(arguments.dropout.scale) : T(0));
      const T g = inputs.score.chain(gradient.dl);
      add_query_gradients(inputs.score, g, own, dquery);
      if constexpr (Score::kHasVector) add_vector_gradients(inputs.score, g, own, dvector);
      if (arguments.dedge_bias && place.leader) arguments.dedge_bias[id][place.head] = gradient.dl;
      if (arguments.dedge_key && columns.scores) {
        Pack<T, kWidth> dedge = key_gradients(inputs.score, g, own);
        if (arguments.joins_edge_values) add_scaled_to(dedge, gradient.weight, dy);
        store_streamed<kWidth>(arguments.dedge_key[id] + columns.score, dedge);
      }
      if (arguments.dedge_value && columns.values) {
        store_streamed<kWidth>(arguments.dedge_value[id] + columns.value, scaled(gradient.weight, dy));
      }
    }
  });
  if (!columns.scores) return;
  if (arguments.dquery) arguments.dquery.store(span, columns.score, dquery);
  if constexpr (Score::kHasVector) {
    if (arguments.dvector) arguments.dvector.store(span, columns.score, dvector);
  }
}

/// One group of lanes per (span of out-edges, tile of heads); a lane holds one pack of its head's key and value.
template <class S, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, kAttentionBlocks<Accumulator<S>>)
    attention_backward_by_source(AttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  const Adjacency& edges = arguments.edges;
  const AttentionInputs<S, Score>& inputs = arguments.inputs;
  const HeadTiles& tiles = arguments.tiles;
  const LaneGroup group = LaneGroup::of_size(tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), tiles.tiles, tile);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;
  const HeadPlace place = place_of(tiles, tile, group.lane, 1);
  const AttentionColumns columns = columns_of<kWidth>(inputs, place);
  const int bit = place.head - place.first_head;
  EdgePacks<T, kWidth> own{};
  load_source(inputs, columns, span.row, own);
  const Pack<T, kWidth> vector = load_vector<kWidth>(inputs, columns);
  Pack<T, kWidth> dkey{}, dvalue{};

  const auto fetch = [&](std::int64_t slot) {
    return AttentionEdge::fetch(edges, slot, arguments.dropout, place.first_head, tiles.heads_per_tile);
  };
  for_each_batch<kAttentionEdgesInFlight>(group, span, fetch, [&](const AttentionEdge& mine, int k, int count) {
    Pack<T, kWidth> query[kAttentionEdgesInFlight] = {}, dy[kAttentionEdgesInFlight] = {};
    SoftmaxTerms<T> terms[kAttentionEdgesInFlight] = {};
#pragma unroll
    for (int u = 0; u < kAttentionEdgesInFlight; ++u) {
      const std::int64_t neighbor = group.broadcast(mine.neighbor, k + u);
      if (k + u >= count) continue;
      if (columns.scores) query[u] = load_read_only<kWidth>(inputs.query[neighbor] + columns.score);
      if (columns.values) dy[u] = load_read_only<kWidth>(arguments.dy[neighbor] + columns.value);
      terms[u] = load_terms(arguments.terms + (neighbor * tiles.heads + place.head) * kSoftmaxTerms);
    }
#pragma unroll
    for (int u = 0; u < kAttentionEdgesInFlight; ++u) {
      const std::int32_t id = group.broadcast(mine.id, k + u);
      EdgePacks<T, kWidth> packs = own;
      if (k + u < count) add_edge(inputs, columns, id, packs);
      const ScorePacks<T, kWidth> scores{query[u], keep_pack(inputs.score, query[u], packs.key), vector};
      const T sum = group.sum(terms_of(inputs.score, scores.kept, scores.query, vector), tiles.lanes_per_head);
      const T value_dot = group.sum(dot(dy[u], packs.value), tiles.lanes_per_head);
      const bool kept = (group.broadcast(mine.kept, k + u) >> bit & 1u) != 0;
      if (k + u >= count) continue;
      const AttentionGradient<T> gradient = attention_gradient(terms[u], inputs.finish(sum, id, place.head), value_dot,
                                                               kept ? static_cast<T>(arguments.dropout.scale) : T(0));
      add_to(dkey, key_gradients(inputs.score, inputs.score.chain(gradient.dl), scores));
      add_scaled_to(dvalue, gradient.weight, dy[u]);
    }
  });
  if (arguments.joins_values) add_to(dkey, dvalue);
  if (arguments.dkey && columns.scores) arguments.dkey.store(span, columns.score, dkey);
  if (arguments.dvalue && columns.values) arguments.dvalue.store(span, columns.value, dvalue);
}

/// A destination's part of dvector, a term of the column sums that make it.
template <class T, int kWidth>
struct VectorPart {
  const T* parts;
  std::int64_t columns;

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<double, kWidth> (&sum)[1]) const {
    const Pack<T, kWidth> part = load_streamed<kWidth>(parts + row * columns + column);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) sum[0][v] += static_cast<double>(part[v]);
  }
};

template <class T>
struct StoreVector {
  T* target;
  __device__ void operator()(std::int64_t column, const double (&total)[1]) const {
    target[column] = static_cast<T>(total[0]);
  }
};

}  // namespace warpgnn::kernels
