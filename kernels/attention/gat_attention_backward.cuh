// SPDX-License-Identifier: MIT
#pragma once

// Attention backward: a pass over nodes for what a destination contributes to all its edges, then one pass over the
// out-edges in which every lane recomputes the weights of its head from the saved maximum and sum.

#include "kernels/attention/gat_scores.cuh"
#include "kernels/attention/softmax_state.cuh"
#include "kernels/base/heads.cuh"

namespace warpgnn::kernels {

/// What the gradients of a node's scores add to that of its value. Null: nothing.
template <class T>
struct ScoreVectors {
  Rows<const T> source, destination;  // [H, C]

  template <int kWidth>
  __device__ void add(int head, std::int64_t channel, T dsource, T ddestination, Pack<T, kWidth>& sum) const {
    const auto add_scaled = [&](const Rows<const T>& vector, T scale) {
      if (!vector) return;
      const Pack<T, kWidth> direction = load_read_only<kWidth>(vector[head] + channel);
#pragma unroll
      for (int v = 0; v < kWidth; ++v) sum[v] += scale * direction[v];
    };
    add_scaled(source, dsource);
    add_scaled(destination, ddestination);
  }
};

template <class S, class Score>
struct GatAttentionBackwardArguments {
  using T = Accumulator<S>;
  Adjacency edges;  // out-edges
  HeadTiles tiles;
  std::int64_t channels;
  std::int64_t destinations;
  Score score;
  EdgeDropout dropout;
  Rows<const S> value;
  Rows<const S> y;
  Rows<const T> maximum;
  Rows<const T> sum;
  Rows<const S> positive_y;
  Rows<const T> positive_weight;
  GatheredRows<const S> dy;
  // Null: not wanted.
  Rows<S> dvalue;
  Rows<T> dsource_score;
  Rows<T> ddestination_score;
  GatheredRows<T> dedge_score;
  ScoreVectors<T> vectors;
  GatheredRows<T> terms;     // [destinations, H, kSoftmaxTerms]
  T* partial_dvalue;         // [chunks, H * C]
  T* partial_dsource_score;  // [chunks, H]
};

/// delta = <dy, y> and the gradient of the destination's score term. One head's lanes per (destination, head).
template <class S, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads)
    gat_attention_backward_by_destination(GatAttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  const HeadTiles& tiles = arguments.tiles;
  const LaneGroup group = LaneGroup::of_size(tiles.lanes_per_head);
  const std::int64_t number = group_number(group.size);
  if (number >= arguments.destinations * tiles.heads) return;
  const std::uint32_t node = static_cast<std::uint32_t>(number / tiles.heads);
  const int head = static_cast<int>(number % tiles.heads);

  T delta = 0, positive_dot = 0;
  for (int pack = group.lane; pack < tiles.packs; pack += group.size) {
    const std::int64_t column = head * arguments.channels + pack * kWidth;
    const Pack<T, kWidth> dy = load_read_only<kWidth>(arguments.dy[node] + column);
    const Pack<T, kWidth> y = load_streamed<kWidth>(arguments.y[node] + column);
    Pack<T, kWidth> positive_y{};
    if (arguments.ddestination_score) positive_y = load_streamed<kWidth>(arguments.positive_y[node] + column);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) {
      delta += dy[v] * y[v];
      positive_dot += dy[v] * positive_y[v];
    }
  }
  delta = group.sum(delta);
  positive_dot = group.sum(positive_dot);
  if (group.lane != 0) return;
  T* const terms = arguments.terms[node] + head * kSoftmaxTerms;
  store_terms(terms, arguments.maximum[node][head], arguments.sum[node][head], delta,
              arguments.score.from(head).destination_term(node));
  if (!arguments.ddestination_score) return;
  arguments.ddestination_score[node][head] =
      arguments.score.activation.destination_gradient(positive_dot, delta, arguments.positive_weight[node][head]);
}

/// What one edge and head pass on: to the source's score, and, as a factor of dy, to the source's value.
template <class T>
struct EdgeGradient {
  T score;   // dp
  T weight;  // the weight after dropout
};

template <class T, class Score>
__device__ EdgeGradient<T> edge_gradient(const Score& score, const SoftmaxTerms<T>& terms, T source_term, T edge_term,
                                         T dot, T kept_scale) {
  const T p = source_term + terms.score + edge_term;
  const T weight = std::exp(score.activation(p) - terms.base) * terms.inverse;
  const T dl = weight * (kept_scale * dot - terms.delta);
  return EdgeGradient<T>{dl * score.activation.derivative(p), kept_scale * weight};
}

/// One group of lanes per (span of out-edges, tile of heads); a lane holds kPacks packs of its head's channels, so no
/// head is cut into parts. Plain is what has no dropout, no edges' own terms and no gradient of them.
template <class S, int kWidth, int kPacks, bool kPlain, class Score>
__global__ void __launch_bounds__(kSpanThreads, kGatAttentionBlocks<Accumulator<S>, kPlain, kWidth, 2>)
    gat_attention_backward_by_source(GatAttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  constexpr int kInFlight = kEdgesInFlight / kPacks;
  const Adjacency& edges = arguments.edges;
  const HeadTiles& tiles = arguments.tiles;
  const WarpGroup group = WarpGroup::of_size(tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), tiles.tiles, tile);
  bool exists;
  const EdgeSpan span = span_or_none(edges, item, exists);
  const HeadPlace place = place_of(tiles, tile, group.lane, kPacks);
  const int bit = place.head - place.first_head;
  const std::int64_t column = place.head * arguments.channels + place.first_pack * kWidth;
  const std::int64_t step = tiles.lanes_per_head * kWidth;
  bool active[kPacks];
  GatheredRows<const S> dy_rows[kPacks];
  Pack<T, kWidth> value[kPacks] = {}, sum[kPacks] = {};  // idle lanes hold zeros, which dot products add
#pragma unroll
  for (int n = 0; n < kPacks; ++n) {
    active[n] = exists && !place.idle && place.first_pack + n * tiles.lanes_per_head < tiles.packs;
    dy_rows[n] = arguments.dy.from(active[n] ? column + n * step : 0);
    if (active[n]) value[n] = load_read_only<kWidth>(arguments.value[span.row] + column + n * step);
  }
  const Score score = arguments.score.from(place.head);
  const GatheredRows<T> terms_rows = arguments.terms.from(place.head * kSoftmaxTerms);
  const T source_term = score.source_term(span.node());
  const bool drops = !kPlain && arguments.dropout.active, has_edge_term = !kPlain && score.has_edge_term();
  const bool wants_dedge = !kPlain && arguments.dedge_score && place.leader;
  const T scale_of_kept = drops ? arguments.dropout.template scale_as<T>() : T(1);
  T score_sum = 0;

  const auto fetch = [&](std::int64_t slot) {
    return AttentionEdge::fetch<kPlain>(edges, slot, arguments.dropout, place.first_head, tiles.heads_per_tile);
  };
  for_each_batch<kInFlight>(group, span, fetch, [&](const AttentionEdge& mine, int k, int held) {
    RawPack<S, kWidth> raw[kInFlight][kPacks];
    SoftmaxTerms<T> terms[kInFlight];
    std::uint32_t id[kInFlight] = {};
    T dot[kInFlight] = {}, edge_term[kInFlight] = {}, kept_scale[kInFlight];
    Pack<T, kWidth> dy[kInFlight][kPacks];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const std::uint32_t neighbor = group.broadcast(mine.neighbor, k + u);
#pragma unroll
      for (int n = 0; n < kPacks; ++n) raw[u][n] = load_raw<kWidth>(dy_rows[n][neighbor]);
      terms[u] = load_terms(terms_rows[neighbor]);
      if constexpr (!kPlain) id[u] = group.broadcast(mine.id, k + u);
      kept_scale[u] = scale_of_kept;
    }
    if (has_edge_term) {
#pragma unroll
      for (int u = 0; u < kInFlight; ++u) edge_term[u] = score.edge_term(id[u]);
    }
    if (drops) {
#pragma unroll
      for (int u = 0; u < kInFlight; ++u) {
        if ((group.broadcast(mine.kept, k + u) >> bit & 1u) == 0) kept_scale[u] = 0;
      }
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
#pragma unroll
      for (int n = 0; n < kPacks; ++n) {
        dy[u][n] = unpack<S, kWidth>(raw[u][n]);
#pragma unroll
        for (int v = 0; v < kWidth; ++v) dot[u] += dy[u][n][v] * value[n][v];
      }
    }
    WarpGroup::sum(dot, tiles.lanes_per_head);
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const EdgeGradient<T> gradient = edge_gradient(score, terms[u], source_term, edge_term[u], dot[u], kept_scale[u]);
      if (k + u >= held) continue;
      score_sum += gradient.score;
      if (wants_dedge) *arguments.dedge_score.from(place.head)[id[u]] = gradient.score;
#pragma unroll
      for (int n = 0; n < kPacks; ++n) {
#pragma unroll
        for (int v = 0; v < kWidth; ++v) sum[n][v] += gradient.weight * dy[u][n][v];
      }
    }
  });

  if (!exists) return;
  const bool whole = span.chunk < 0;
  if (arguments.dvalue && whole) {
    const T ddestination = arguments.vectors.destination ? arguments.ddestination_score[span.row][place.head] : T(0);
#pragma unroll
    for (int n = 0; n < kPacks; ++n) {
      if (active[n]) {
        arguments.vectors.add(place.head, place.first_pack * kWidth + n * step, score_sum, ddestination, sum[n]);
      }
    }
  }
  const auto store_dvalue = [&](auto* dvalue) {
#pragma unroll
    for (int n = 0; n < kPacks; ++n) {
      if (active[n]) store_streamed<kWidth>(dvalue + column + n * step, sum[n]);
    }
  };
  if (arguments.dvalue && whole) {
    store_dvalue(arguments.dvalue[span.row]);
  } else if (arguments.dvalue) {
    store_dvalue(arguments.partial_dvalue + span.chunk * tiles.heads * arguments.channels);
  }
  if (!arguments.dsource_score || !place.leader) return;
  T* const dsource =
      whole ? arguments.dsource_score[span.row] : arguments.partial_dsource_score + span.chunk * tiles.heads;
  dsource[place.head] = score_sum;
}

/// The same for heads too wide for a warp's registers: one warp per (span, head) first finds the weights of all edges,
/// one per lane in each batch of kWarpSize, and then adds their rows to dvalue, one tile of columns after the other. A
/// lane reads none but its own of the weights in shared memory.
template <class S, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, 4)
    gat_attention_backward_by_source_wide(GatAttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  __shared__ T shared_weight[kChunkEdges / kWarpSize][kSpanThreads];
  const Adjacency& edges = arguments.edges;
  const int heads = arguments.tiles.heads;
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  int head;
  const std::int64_t item = split_tile(group_number(kWarpSize), heads, head);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;
  const bool whole = span.chunk < 0;
  const std::int64_t head_column = head * arguments.channels;
  const S* const value = arguments.value[span.row] + head_column;
  const GatheredRows<const S> dy = arguments.dy.from(head_column);
  const Score score = arguments.score.from(head);
  const T source_term = score.source_term(span.node());
  T score_sum = 0;

  for (std::int64_t first = span.begin; first < span.end; first += kWarpSize) {
    const bool present = first + warp.lane < span.end;
    const int count = static_cast<int>(span.end - first < kWarpSize ? span.end - first : kWarpSize);
    const std::uint32_t my_neighbor =
        present ? static_cast<std::uint32_t>(__ldg(edges.neighbor + first + warp.lane)) : 0;
    T my_dot = 0;
#pragma unroll 1
    for (int k = 0; k < count; ++k) {
      const S* const gradient = dy[warp.broadcast(my_neighbor, k)];
      T dot = 0;
#pragma unroll 2
      for (std::int64_t column = warp.lane * kWidth; column < arguments.channels; column += kWarpSize * kWidth) {
        const Pack<T, kWidth> a = load_read_only<kWidth>(gradient + column);
        const Pack<T, kWidth> b = load_read_only<kWidth>(value + column);
#pragma unroll
        for (int v = 0; v < kWidth; ++v) dot += a[v] * b[v];
      }
      dot = warp.sum(dot);
      if (warp.lane == k) my_dot = dot;
    }
    EdgeGradient<T> mine{T(0), T(0)};
    if (present) {
      const std::uint32_t id = static_cast<std::uint32_t>(edge_id_of(edges, first + warp.lane));
      const bool kept = (kept_heads(arguments.dropout, id, head, 1) & 1u) != 0;
      mine = edge_gradient(score, load_terms(arguments.terms[my_neighbor] + head * kSoftmaxTerms), source_term,
                           score.edge_term(id), my_dot, kept ? arguments.dropout.template scale_as<T>() : T(0));
      if (arguments.dedge_score) arguments.dedge_score[id][head] = mine.score;
    }
    score_sum += mine.score;
    shared_weight[(first - span.begin) / kWarpSize][threadIdx.x] = mine.weight;
  }

  score_sum = warp.sum(score_sum);
  const T ddestination = arguments.vectors.destination ? arguments.ddestination_score[span.row][head] : T(0);
  const std::int64_t wanted = arguments.dvalue ? arguments.channels : 0;
#pragma unroll 1
  for (std::int64_t base = 0; base < wanted; base += kWarpSize * kWidth) {
    const std::int64_t column = base + warp.lane * kWidth;
    const bool active = column < arguments.channels;
    Pack<T, kWidth> sum{};
#pragma unroll 1
    for (std::int64_t first = span.begin; first < span.end; first += kWarpSize) {
      const int count = static_cast<int>(span.end - first < kWarpSize ? span.end - first : kWarpSize);
      const std::uint32_t my_neighbor =
          warp.lane < count ? static_cast<std::uint32_t>(__ldg(edges.neighbor + first + warp.lane)) : 0;
      const T my_weight = shared_weight[(first - span.begin) / kWarpSize][threadIdx.x];
#pragma unroll 1
      for (int k = 0; k < count; k += kEdgesInFlight) {
        Pack<T, kWidth> gradient[kEdgesInFlight] = {};
#pragma unroll
        for (int u = 0; u < kEdgesInFlight; ++u) {
          const std::uint32_t neighbor = warp.broadcast(my_neighbor, k + u);
          if (!active || k + u >= count) continue;
          gradient[u] = load_read_only<kWidth>(dy[neighbor] + column);
        }
#pragma unroll
        for (int u = 0; u < kEdgesInFlight; ++u) {
          const T weight = warp.broadcast(my_weight, k + u);  // 0 beyond the last edge
#pragma unroll
          for (int v = 0; v < kWidth; ++v) sum[v] += weight * gradient[u][v];
        }
      }
    }
    if (!active) continue;
    if (whole) {
      arguments.vectors.add(head, column, score_sum, ddestination, sum);
      store_streamed<kWidth>(arguments.dvalue[span.row] + head_column + column, sum);
    } else {
      store_streamed<kWidth>(arguments.partial_dvalue + span.chunk * heads * arguments.channels + head_column + column,
                             sum);
    }
  }

  if (!arguments.dsource_score || warp.lane != 0) return;
  T* const dsource = whole ? arguments.dsource_score[span.row] : arguments.partial_dsource_score + span.chunk * heads;
  dsource[head] = score_sum;
}

/// Finish of merge_chunk_sums for the gradient of the value, after that of the source's score.
template <class S>
struct StoreValueGradient {
  using T = Accumulator<S>;
  std::int64_t channels;
  Rows<S> dvalue;
  Rows<const T> dsource_score, ddestination_score;
  ScoreVectors<T> vectors;

  __device__ void operator()(std::int64_t row, std::int64_t column, T total) const {
    const int head = static_cast<int>(column / channels);
    Pack<T, 1> sum{};
    sum[0] = total;
    vectors.add(head, column % channels, vectors.source ? dsource_score[row][head] : T(0),
                vectors.destination ? ddestination_score[row][head] : T(0), sum);
    dvalue[row][column] = to_storage<S>(sum[0]);
  }
};

}  // namespace warpgnn::kernels
