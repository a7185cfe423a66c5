// SPDX-License-Identifier: MIT
#pragma once

// Attention between pairs of feature vectors, forward: one pass over the in-edges with an online softmax, and the
// weights on request.

#include "kernels/attention/attention_scores.cuh"
#include "kernels/attention/gat_scores.cuh"
#include "kernels/attention/softmax_state.cuh"
#include "kernels/base/heads.cuh"

namespace warpgnn::kernels {

/// Blocks of kSpanThreads that should fit a multiprocessor at once: the register budget of these kernels.
template <class T, bool kPlain, int kWidth>
inline constexpr int kAttentionBlocks = blocks_left(for_real<T>(kTuning.attention_blocks), kPlain,
                                                    kWidth > kMaxPackWidth<T>);

template <class S, class Score>
struct AttentionForwardArguments {
  using T = Accumulator<S>;
  Adjacency edges;  // in-edges
  HeadTiles tiles;  // of the wider of score and value
  AttentionInputs<S, Score> inputs;
  EdgeDropout dropout;
  Rows<S> y;
  Rows<T> maximum;
  Rows<T> sum;
  SoftmaxPartials<T> partials;
};

/// A lane's columns in rows of scores and of values, and whether it has any.
struct AttentionColumns {
  std::int64_t score;
  std::int64_t value;
  bool scores;
  bool values;
};

template <int kWidth, class S, class Score>
__device__ AttentionColumns columns_of(const AttentionInputs<S, Score>& inputs, const HeadPlace& place) {
  const std::int64_t column = static_cast<std::int64_t>(place.first_pack) * kWidth;
  return AttentionColumns{place.head * inputs.channels + column, place.head * inputs.values + column,
                          !place.idle && column < inputs.channels, !place.idle && column < inputs.values};
}

/// A lane's neighbours of a batch of edges of a span: lane k holds those of edge first + k.
struct EdgeBatch {
  std::uint32_t my_neighbor;
  std::uint32_t my_id;
  int count;

  __device__ static EdgeBatch load(const Adjacency& edges, const EdgeSpan& span, std::int64_t first,
                                   const LaneGroup& group) {
    EdgeBatch batch{0, 0, static_cast<int>(span.end - first < group.size ? span.end - first : group.size)};
    if (first + group.lane < span.end) {
      const EdgeNumbers numbers = fetch_numbers(edges, first + group.lane);
      batch.my_neighbor = numbers.neighbor;
      batch.my_id = numbers.id;
    }
    return batch;
  }

  /// kept_heads of the lane's edge; none beyond the last.
  __device__ std::uint32_t my_kept(const LaneGroup& group, const EdgeDropout& dropout, int first_head,
                                   int heads) const {
    return group.lane < count ? kept_heads(dropout, my_id, first_head, heads) : 0;
  }
};

/// A lane's packs of an edge's key and value.
template <class T, int kWidth>
struct EdgePacks {
  Pack<T, kWidth> key;
  Pack<T, kWidth> value;
};

/// What a lane reads of edges and their sources: its columns of their rows, in two steps. A lane without columns reads
/// the row's first. Plain is an attention without dropout and without anything of the edges' own.
template <class S, int kWidth, bool kPlain>
struct EdgeRows {
  using T = Accumulator<S>;
  GatheredRows<const S> key;
  GatheredRows<const S> value;
  GatheredRows<const S> edge_key;    // null: none
  GatheredRows<const S> edge_value;  // null: none, or the key over again
  bool value_is_key;
  bool edge_value_is_key;

  template <class Score>
  __device__ EdgeRows(const AttentionInputs<S, Score>& inputs, const AttentionColumns& columns)
      : value_is_key(inputs.value_is_key), edge_value_is_key(inputs.edge_value_is_key) {
    const std::int64_t score = columns.scores ? columns.score : 0, values = columns.values ? columns.value : 0;
    key = inputs.key.from(score);
    value = inputs.value.from(values);
    if (inputs.edge_key) edge_key = inputs.edge_key.from(score);
    if (inputs.edge_value && !edge_value_is_key) edge_value = inputs.edge_value.from(values);
  }

  /// Of a batch of edges, as it lies in memory.
  template <int kCount>
  struct Raw {
    RawPack<S, kWidth> key[kCount];
    RawPack<S, kWidth> value[kCount];
    RawPack<S, kWidth> edge_key[kCount];
    RawPack<S, kWidth> edge_value[kCount];
  };

  template <int kCount>
  __device__ void load_sources(const EdgeNumbers (&edges)[kCount], Raw<kCount>& raw) const {
#pragma unroll
    for (int u = 0; u < kCount; ++u) raw.key[u] = load_raw<kWidth>(key[edges[u].neighbor]);
    if (value_is_key) return;
#pragma unroll
    for (int u = 0; u < kCount; ++u) raw.value[u] = load_raw<kWidth>(value[edges[u].neighbor]);
  }
  template <int kCount>
  __device__ void load_edges(const EdgeNumbers (&edges)[kCount], Raw<kCount>& raw) const {
    if constexpr (kPlain) return;
    if (edge_key) {
#pragma unroll
      for (int u = 0; u < kCount; ++u) raw.edge_key[u] = load_raw_streamed<kWidth>(edge_key[edges[u].id]);
    }
    if (edge_value) {
#pragma unroll
      for (int u = 0; u < kCount; ++u) raw.edge_value[u] = load_raw_streamed<kWidth>(edge_value[edges[u].id]);
    }
  }

  template <int kCount>
  __device__ EdgePacks<T, kWidth> source(const Raw<kCount>& raw, int u) const {
    const Pack<T, kWidth> key_pack = unpack<S, kWidth>(raw.key[u]);
    return {key_pack, value_is_key ? key_pack : unpack<S, kWidth>(raw.value[u])};
  }
  /// Adds the edge's own key and value.
  template <int kCount>
  __device__ void add_edge(const Raw<kCount>& raw, int u, EdgePacks<T, kWidth>& packs) const {
    if constexpr (kPlain) return;
    if (edge_key) {
      const Pack<T, kWidth> edge = unpack<S, kWidth>(raw.edge_key[u]);
      add_to(packs.key, edge);
      if (edge_value_is_key) add_to(packs.value, edge);
    }
    if (edge_value) add_to(packs.value, unpack<S, kWidth>(raw.edge_value[u]));
  }
};

/// Numbers of a batch of edges; without ids where nobody asks for them.
template <bool kPlain, int kCount>
__device__ void broadcast_numbers(const WarpGroup& group, const AttentionEdge& mine, int k,
                                  EdgeNumbers (&numbers)[kCount]) {
#pragma unroll
  for (int u = 0; u < kCount; ++u) {
    numbers[u].neighbor = group.broadcast(mine.neighbor, k + u);
    if constexpr (!kPlain) numbers[u].id = group.broadcast(mine.id, k + u);
  }
}

/// Which of a batch of edges dropout keeps, for the head of bit `bit`.
template <bool kPlain, int kCount>
__device__ void broadcast_kept(const WarpGroup& group, const EdgeDropout& dropout, const AttentionEdge& mine, int bit,
                               int k, bool (&kept)[kCount]) {
#pragma unroll
  for (int u = 0; u < kCount; ++u) kept[u] = true;
  if constexpr (!kPlain) {
    if (!dropout.active) return;
#pragma unroll
    for (int u = 0; u < kCount; ++u) kept[u] = (group.broadcast(mine.kept, k + u) >> bit & 1u) != 0;
  }
}

template <int kWidth, class S, class Score>
__device__ Pack<Accumulator<S>, kWidth> load_vector(const AttentionInputs<S, Score>& inputs,
                                                    const AttentionColumns& columns) {
  if constexpr (Score::kHasVector) {
    if (columns.scores) return load_read_only<kWidth>(inputs.vector + columns.score);
  }
  return {};
}

template <class S, int kWidth, class Score>
__device__ void store_state(const AttentionForwardArguments<S, Score>& arguments, const EdgeSpan& span,
                            const HeadPlace& place, const AttentionColumns& columns,
                            SoftmaxState<Accumulator<S>, kWidth, false>& state) {
  using T = Accumulator<S>;
  if (span.chunk >= 0) {
    const std::int64_t heads = arguments.tiles.heads;
    const std::int64_t place_of_y = span.chunk * heads * arguments.inputs.values + columns.value;
    return arguments.partials.store(state, span.chunk * heads + place.head, place_of_y, columns.values, place.leader);
  }
  if (columns.values) {
    const bool empty = state.sum == T(0);  // no edges, or nothing but -inf
    const T factor = empty ? T(0) : arguments.dropout.template scale_as<T>() / state.sum;
#pragma unroll
    for (int v = 0; v < kWidth; ++v) state.y[v] = empty ? T(0) : state.y[v] * factor;
    store_streamed<kWidth>(arguments.y[span.row] + columns.value, state.y);
  }
  if (!place.leader) return;
  arguments.maximum[span.row][place.head] = state.maximum;
  arguments.sum[span.row][place.head] = state.sum;
}

/// One group of lanes per (span, tile of heads). Each lane carries the softmax of its own head, the same in all lanes
/// of the head, and one pack of that head's score channels and values.
template <class S, int kWidth, bool kPlain, class Score>
__global__ void __launch_bounds__(kSpanThreads, kAttentionBlocks<Accumulator<S>, kPlain, kWidth>)
    attention_forward_by_destination(AttentionForwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  const Adjacency& edges = arguments.edges;
  const AttentionInputs<S, Score>& inputs = arguments.inputs;
  const WarpGroup group = WarpGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles, tile);
  bool exists;
  const EdgeSpan span = span_or_none(edges, item, exists);
  const HeadPlace place = place_of(arguments.tiles, tile, group.lane, 1);
  const AttentionColumns columns = columns_of<kWidth>(inputs, place);
  const int bit = place.head - place.first_head;
  const EdgeRows<S, kWidth, kPlain> rows(inputs, columns);
  Pack<T, kWidth> query{};
  if (columns.scores) query = load_read_only<kWidth>(inputs.query[span.node()] + columns.score);
  const Pack<T, kWidth> vector = load_vector<kWidth>(inputs, columns);

  SoftmaxState<T, kWidth, false> state;
  const auto fetch = [&](std::int64_t slot) {
    return AttentionEdge::fetch<kPlain>(edges, slot, arguments.dropout, place.first_head,
                                        arguments.tiles.heads_per_tile);
  };
  for_each_batch<kEdgesInFlight>(group, span, fetch, [&](const AttentionEdge& mine, int k, int held) {
    EdgeNumbers numbers[kEdgesInFlight];
    typename EdgeRows<S, kWidth, kPlain>::template Raw<kEdgesInFlight> raw;
    broadcast_numbers<kPlain>(group, mine, k, numbers);
    rows.load_sources(numbers, raw);
    rows.load_edges(numbers, raw);
    EdgePacks<T, kWidth> packs[kEdgesInFlight];
    T l[kEdgesInFlight];
    bool kept[kEdgesInFlight];
    constexpr bool kPositive[kEdgesInFlight] = {};
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      packs[u] = rows.source(raw, u);
      rows.add_edge(raw, u, packs[u]);
      const T part = terms_of(inputs.score, keep_pack(inputs.score, query, packs[u].key), query, vector);
      l[u] = columns.scores ? part : T(0);
    }
    WarpGroup::sum(l, arguments.tiles.lanes_per_head);
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      l[u] = inputs.template finish<kPlain>(l[u], numbers[u].id, place.head);
      if (k + u >= held) l[u] = -math::kInfinity<T>;
    }
    broadcast_kept<kPlain>(group, arguments.dropout, mine, bit, k, kept);
    state.absorb(held - k, l, kPositive, kept, [&](int u) { return packs[u].value; });
  });
  if (exists) store_state(arguments, span, place, columns, state);
}

/// The same for heads too wide for a warp's registers: one warp per (span, head) first finds the scores of all edges,
/// one per lane in each batch of kWarpSize, and then adds their values to y, one tile of columns after the other. A
/// lane reads nothing in shared memory but what it wrote.
template <class S, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, 4)
    attention_forward_by_destination_wide(AttentionForwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  constexpr int kBatches = kChunkEdges / kWarpSize;
  __shared__ T shared_weight[kBatches][kSpanThreads];  // after dropout, relative to the maximum up to the batch
  __shared__ T shared_factor[kBatches][kSpanThreads];  // which brings the batches before to that maximum
  const Adjacency& edges = arguments.edges;
  const AttentionInputs<S, Score>& inputs = arguments.inputs;
  const int heads = arguments.tiles.heads;
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  int head;
  const std::int64_t item = split_tile(group_number(kWarpSize), heads, head);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;

  T maximum = -math::kInfinity<T>, sum = 0;
  for (std::int64_t first = span.begin; first < span.end; first += kWarpSize) {
    const EdgeBatch batch = EdgeBatch::load(edges, span, first, warp);
    T my_l = -math::kInfinity<T>;
#pragma unroll 1
    for (int k = 0; k < batch.count; ++k) {
      const T l = score_of_edge<kWidth>(inputs, warp, head, span.node(), warp.broadcast(batch.my_neighbor, k),
                                        warp.broadcast(batch.my_id, k));
      if (warp.lane == k) my_l = l;
    }
    const T largest = std::fmax(maximum, warp.max(my_l)), base = math::softmax_base(largest);
    const T factor = std::exp(maximum - base), my_weight = std::exp(my_l - base);
    maximum = largest;
    sum = sum * factor + warp.sum(my_weight);
    const bool kept = (batch.my_kept(warp, arguments.dropout, head, 1) & 1u) != 0;
    const std::int64_t number = (first - span.begin) / kWarpSize;
    shared_weight[number][threadIdx.x] = kept ? my_weight : T(0);
    shared_factor[number][threadIdx.x] = factor;
  }

  const bool whole = span.chunk < 0, empty = sum == T(0);
  const T scale = empty ? T(0) : arguments.dropout.template scale_as<T>() / sum;
#pragma unroll 1
  for (std::int64_t start = 0; start < inputs.values; start += kWarpSize * kWidth) {
    const bool active = start + warp.lane * kWidth < inputs.values;
    const std::int64_t column = head * inputs.values + start + warp.lane * kWidth;
    Pack<T, kWidth> total{};
#pragma unroll 1
    for (std::int64_t first = span.begin; first < span.end; first += kWarpSize) {
      const EdgeBatch batch = EdgeBatch::load(edges, span, first, warp);
      const std::int64_t number = (first - span.begin) / kWarpSize;
      const T my_weight = shared_weight[number][threadIdx.x];
      if (number > 0) total = scaled(shared_factor[number][threadIdx.x], total);
#pragma unroll 1
      for (int k = 0; k < batch.count; ++k) {
        const std::uint32_t neighbor = warp.broadcast(batch.my_neighbor, k);
        const std::uint32_t id = warp.broadcast(batch.my_id, k);
        const T weight = warp.broadcast(my_weight, k);
        if (active) add_scaled_to(total, weight, load_value<kWidth>(inputs, neighbor, id, column));
      }
    }
    if (!active) continue;
    if (whole) {
#pragma unroll
      for (int v = 0; v < kWidth; ++v) total[v] = empty ? T(0) : total[v] * scale;
      store_streamed<kWidth>(arguments.y[span.row] + column, total);
    } else {
      store_streamed<kWidth>(arguments.partials.y + span.chunk * heads * inputs.values + column, total);
    }
  }

  if (warp.lane != 0) return;
  (whole ? arguments.maximum[span.row] : arguments.partials.maximum + span.chunk * heads)[head] = maximum;
  (whole ? arguments.sum[span.row] : arguments.partials.sum + span.chunk * heads)[head] = sum;
}

// --- Weights ---------------------------------------------------------------------------------------------------------

template <class S, class Score>
struct AttentionWeightsArguments {
  using T = Accumulator<S>;
  Adjacency edges;  // in-edges
  int group;        // lanes per head
  int heads;
  AttentionInputs<S, Score> inputs;
  EdgeDropout dropout;
  Rows<const T> maximum;
  Rows<const T> sum;
  Rows<T> weight;
};

/// One group of lanes per (span, head), edge after edge.
template <class S, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, 8)
    attention_weights_by_destination(AttentionWeightsArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  const Adjacency& edges = arguments.edges;
  const LaneGroup group = LaneGroup::of_size(arguments.group);
  int head;
  const std::int64_t item = split_tile(group_number(group.size), arguments.heads, head);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;
  const T base = math::softmax_base(__ldg(arguments.maximum[span.row] + head));
  const T sum = __ldg(arguments.sum[span.row] + head);
  const T inverse = math::inverse_sum(sum);
  for (std::int64_t slot = span.begin; slot < span.end; ++slot) {
    const std::uint32_t id = static_cast<std::uint32_t>(edge_id_of(edges, slot));
    const T l = score_of_edge<kWidth>(arguments.inputs, group, head, span.node(),
                                      static_cast<std::uint32_t>(edges.neighbor[slot]), id);
    if (group.lane != 0) continue;
    const bool kept = (kept_heads(arguments.dropout, id, head, 1) & 1u) != 0;
    const T scale = kept ? arguments.dropout.template scale_as<T>() : T(0);
    arguments.weight[id][head] = scale * (std::exp(l - base) * inverse);
  }
}

}  // namespace warpgnn::kernels
