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
  GatheredRows<const S> dy;
  GatheredRows<const T> terms;  // [destinations, H, kSoftmaxTerms]
  // By destination.
  RowGradient<S> dquery;
  RowGradient<T> dvector;  // each destination's part
  GatheredRows<S> dedge_key;
  GatheredRows<S> dedge_value;
  GatheredRows<T> dedge_bias;
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

/// What an edge's own key, value and bias get.
template <class S, int kWidth, class Score, class T = Accumulator<S>>
__device__ void store_edge_gradients(const AttentionBackwardArguments<S, Score>& arguments,
                                     const AttentionColumns& columns, const HeadPlace& place, std::uint32_t id, T g,
                                     const AttentionGradient<T>& gradient, const ScorePacks<T, kWidth>& packs,
                                     const Pack<T, kWidth>& dy) {
  if (arguments.dedge_bias && place.leader) arguments.dedge_bias[id][place.head] = gradient.dl;
  if (arguments.dedge_key && columns.scores) {
    Pack<T, kWidth> dedge = key_gradients(arguments.inputs.score, g, packs);
    if (arguments.joins_edge_values) add_scaled_to(dedge, gradient.weight, dy);
    store_streamed<kWidth>(arguments.dedge_key[id] + columns.score, dedge);
  }
  if (arguments.dedge_value && columns.values) {
    store_streamed<kWidth>(arguments.dedge_value[id] + columns.value, scaled(gradient.weight, dy));
  }
}

/// Edges whose rows a lane has in flight: two rows of each.
inline constexpr int kAttentionEdgesInFlight = kEdgesInFlight / 2;

/// One group of lanes per (span of in-edges, tile of heads); a lane holds one pack of its head's query and dy. Plain is
/// what has no dropout, nothing of the edges' own and no gradient of it.
template <class S, int kWidth, bool kPlain, class Score>
__global__ void __launch_bounds__(kSpanThreads, kAttentionBlocks<Accumulator<S>, kPlain, kWidth>)
    attention_backward_by_destination(AttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  constexpr int kInFlight = kAttentionEdgesInFlight;
  const Adjacency& edges = arguments.edges;
  const AttentionInputs<S, Score>& inputs = arguments.inputs;
  const HeadTiles& tiles = arguments.tiles;
  const WarpGroup group = WarpGroup::of_size(tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), tiles.tiles, tile);
  bool exists;
  const EdgeSpan span = span_or_none(edges, item, exists);
  const HeadPlace place = place_of(tiles, tile, group.lane, 1);
  const AttentionColumns columns = columns_of<kWidth>(inputs, place);
  const int bit = place.head - place.first_head;
  const EdgeRows<S, kWidth, kPlain> rows(inputs, columns);
  ScorePacks<T, kWidth> own{};
  Pack<T, kWidth> dy{}, dquery{}, dvector{};
  if (columns.scores) own.query = load_read_only<kWidth>(inputs.query[span.node()] + columns.score);
  if (columns.values) dy = load_read_only<kWidth>(arguments.dy[span.node()] + columns.value);
  own.vector = load_vector<kWidth>(inputs, columns);
  const SoftmaxTerms<T> terms = load_terms(arguments.terms[span.node()] + place.head * kSoftmaxTerms);

  const auto fetch = [&](std::int64_t slot) {
    return AttentionEdge::fetch<kPlain>(edges, slot, arguments.dropout, place.first_head, tiles.heads_per_tile);
  };
  for_each_batch<kInFlight>(group, span, fetch, [&](const AttentionEdge& mine, int k, int held) {
    EdgeNumbers numbers[kInFlight];
    typename EdgeRows<S, kWidth, kPlain>::template Raw<kInFlight> raw;
    broadcast_numbers<kPlain>(group, mine, k, numbers);
    rows.load_sources(numbers, raw);
    rows.load_edges(numbers, raw);
    bool kept[kInFlight];
    broadcast_kept<kPlain>(group, arguments.dropout, mine, bit, k, kept);
    Pack<T, kWidth> kept_packs[kInFlight];
    T sums[2 * kInFlight];  // of scores, and of values times dy
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      EdgePacks<T, kWidth> packs = rows.source(raw, u);
      rows.add_edge(raw, u, packs);
      kept_packs[u] = keep_pack(inputs.score, own.query, packs.key);
      const T part = terms_of(inputs.score, kept_packs[u], own.query, own.vector);
      sums[u] = columns.scores ? part : T(0);
      sums[kInFlight + u] = columns.values ? dot(dy, packs.value) : T(0);
    }
    WarpGroup::sum(sums, tiles.lanes_per_head);
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      own.kept = kept_packs[u];
      const T l = inputs.template finish<kPlain>(sums[u], numbers[u].id, place.head);
      const AttentionGradient<T> gradient =
          attention_gradient(terms, l, sums[kInFlight + u], kept[u] ? arguments.dropout.template scale_as<T>() : T(0));
      const T g = inputs.score.chain(gradient.dl);
      if (k + u >= held) continue;
      add_query_gradients(inputs.score, g, own, dquery);
      if constexpr (Score::kHasVector) add_vector_gradients(inputs.score, g, own, dvector);
      if constexpr (!kPlain) store_edge_gradients(arguments, columns, place, numbers[u].id, g, gradient, own, dy);
    }
  });
  if (!exists || !columns.scores) return;
  if (arguments.dquery) arguments.dquery.store(span, columns.score, dquery);
  if constexpr (Score::kHasVector) {
    if (arguments.dvector) arguments.dvector.store(span, columns.score, dvector);
  }
}

/// One group of lanes per (span of out-edges, tile of heads); a lane holds one pack of its head's key and value. Plain
/// as above.
template <class S, int kWidth, bool kPlain, class Score>
__global__ void __launch_bounds__(kSpanThreads, kAttentionBlocks<Accumulator<S>, kPlain, kWidth>)
    attention_backward_by_source(AttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  constexpr int kInFlight = kAttentionEdgesInFlight;
  const Adjacency& edges = arguments.edges;
  const AttentionInputs<S, Score>& inputs = arguments.inputs;
  const HeadTiles& tiles = arguments.tiles;
  const WarpGroup group = WarpGroup::of_size(tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), tiles.tiles, tile);
  bool exists;
  const EdgeSpan span = span_or_none(edges, item, exists);
  const HeadPlace place = place_of(tiles, tile, group.lane, 1);
  const AttentionColumns columns = columns_of<kWidth>(inputs, place);
  const int bit = place.head - place.first_head;
  const EdgeRows<S, kWidth, kPlain> rows(inputs, columns);
  const GatheredRows<const S> query_rows = inputs.query.from(columns.scores ? columns.score : 0);
  const GatheredRows<const S> dy_rows = arguments.dy.from(columns.values ? columns.value : 0);
  const GatheredRows<const T> terms_rows = arguments.terms.from(place.head * kSoftmaxTerms);
  EdgePacks<T, kWidth> own{};
  if (columns.scores) own.key = load_read_only<kWidth>(inputs.key[span.node()] + columns.score);
  if (columns.values) own.value = load_read_only<kWidth>(inputs.value[span.node()] + columns.value);
  const Pack<T, kWidth> vector = load_vector<kWidth>(inputs, columns);
  Pack<T, kWidth> dkey{}, dvalue{};

  const auto fetch = [&](std::int64_t slot) {
    return AttentionEdge::fetch<kPlain>(edges, slot, arguments.dropout, place.first_head, tiles.heads_per_tile);
  };
  for_each_batch<kInFlight>(group, span, fetch, [&](const AttentionEdge& mine, int k, int held) {
    EdgeNumbers numbers[kInFlight];
    RawPack<S, kWidth> raw_query[kInFlight], raw_dy[kInFlight];
    SoftmaxTerms<T> terms[kInFlight];
    typename EdgeRows<S, kWidth, kPlain>::template Raw<kInFlight> raw;
    broadcast_numbers<kPlain>(group, mine, k, numbers);
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      raw_query[u] = load_raw<kWidth>(query_rows[numbers[u].neighbor]);
      raw_dy[u] = load_raw<kWidth>(dy_rows[numbers[u].neighbor]);
      terms[u] = load_terms(terms_rows[numbers[u].neighbor]);
    }
    rows.load_edges(numbers, raw);
    bool kept[kInFlight];
    broadcast_kept<kPlain>(group, arguments.dropout, mine, bit, k, kept);
    ScorePacks<T, kWidth> scores[kInFlight];
    Pack<T, kWidth> dy[kInFlight];
    T sums[2 * kInFlight];  // of scores, and of values times dy
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      EdgePacks<T, kWidth> packs = own;
      rows.add_edge(raw, u, packs);
      const Pack<T, kWidth> query = unpack<S, kWidth>(raw_query[u]);
      dy[u] = unpack<S, kWidth>(raw_dy[u]);
      scores[u] = {query, keep_pack(inputs.score, query, packs.key), vector};
      const T part = terms_of(inputs.score, scores[u].kept, query, vector);
      sums[u] = columns.scores ? part : T(0);
      sums[kInFlight + u] = columns.values ? dot(dy[u], packs.value) : T(0);
    }
    WarpGroup::sum(sums, tiles.lanes_per_head);
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const T l = inputs.template finish<kPlain>(sums[u], numbers[u].id, place.head);
      const AttentionGradient<T> gradient = attention_gradient(
          terms[u], l, sums[kInFlight + u], kept[u] ? arguments.dropout.template scale_as<T>() : T(0));
      const Pack<T, kWidth> key_gradient = key_gradients(inputs.score, inputs.score.chain(gradient.dl), scores[u]);
      if (k + u >= held) continue;
      add_to(dkey, key_gradient);
      add_scaled_to(dvalue, gradient.weight, dy[u]);
    }
  });
  if (!exists) return;
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
