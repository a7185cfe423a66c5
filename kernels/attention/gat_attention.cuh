// SPDX-License-Identifier: MIT
#pragma once

// Attention forward: one pass over the in-edges with an online softmax, and the weights on request.

#include "kernels/attention/gat_scores.cuh"
#include "kernels/attention/softmax_state.cuh"
#include "kernels/base/heads.cuh"

namespace warpgnn::kernels {

/// Softmax states of chunks, which the merge brings to one maximum.
template <class T>
struct GatAttentionPartials {
  T* maximum = nullptr;       // [chunks, H]
  T* sum = nullptr;           // [chunks, H]
  T* positive_sum = nullptr;  // [chunks, H], with positive parts
  T* y = nullptr;             // [chunks, H * C], not yet divided by the sum
  T* positive_y = nullptr;    // [chunks, H * C], with positive parts
};

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
  GatAttentionPartials<T> partials;
};

template <class S, int kWidth, bool kPositive, class Score>
__device__ void store_chunk(const GatAttentionForwardArguments<S, Score>& arguments, const HeadPlace& place,
                            std::int64_t chunk, bool active,
                            const SoftmaxState<Accumulator<S>, kWidth, kPositive>& state) {
  using T = Accumulator<S>;
  const GatAttentionPartials<T>& partials = arguments.partials;
  const std::int64_t row = chunk * arguments.tiles.heads + place.head;
  if (active) {
    const std::int64_t at = row * arguments.channels + place.first_pack * kWidth;
    store_streamed<kWidth>(partials.y + at, state.y);
    if constexpr (kPositive) store_streamed<kWidth>(partials.positive_y + at, state.positive_y);
  }
  if (!place.leader) return;
  partials.maximum[row] = state.maximum;
  partials.sum[row] = state.sum;
  if constexpr (kPositive) partials.positive_sum[row] = state.positive_sum;
}

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
    store_chunk(arguments, place, span.chunk, active, state);
  } else {
    store_row(arguments, place, span.row, active, state);
  }
}

/// Brings the chunks of a long row to their common maximum and adds them, in fp64 and in order.
template <class S, bool kPositive, class Score>
__global__ void __launch_bounds__(kMergeThreads, 2)
    gat_attention_forward_merge(GatAttentionForwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  constexpr int kSums = kPositive ? 4 : 2;  // sum, y, positive sum, positive y
  __shared__ T shared_maximum[kMergeParts][kWarpSize];
  __shared__ double shared[kSums][kMergeParts][kWarpSize];
  const GatAttentionPartials<T>& partials = arguments.partials;
  const std::int64_t columns = arguments.tiles.heads * arguments.channels;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kWarpSize + threadIdx.x;
  const bool active = column < columns;
  const std::int64_t head = active ? column / arguments.channels : 0;
  ChunkRange chunks = chunks_of_part(arguments.edges.long_rows, blockIdx.x, static_cast<int>(threadIdx.y));
  if (!active) chunks.end = chunks.begin;

  T maximum = -math::kInfinity<T>;
  for (std::int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
    maximum = std::fmax(maximum, partials.maximum[chunk * arguments.tiles.heads + head]);
  }
  shared_maximum[threadIdx.y][threadIdx.x] = maximum;
  __syncthreads();
  for (int part = 0; part < kMergeParts; ++part) maximum = std::fmax(maximum, shared_maximum[part][threadIdx.x]);
  const double base = static_cast<double>(math::softmax_base(maximum));

  double sum[kSums] = {};
  for (std::int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
    const std::int64_t row = chunk * arguments.tiles.heads + head;
    const double factor = std::exp(static_cast<double>(partials.maximum[row]) - base);
    sum[0] += factor * static_cast<double>(partials.sum[row]);
    sum[1] += factor * static_cast<double>(partials.y[chunk * columns + column]);
    if constexpr (kPositive) {
      sum[2] += factor * static_cast<double>(partials.positive_sum[row]);
      sum[3] += factor * static_cast<double>(partials.positive_y[chunk * columns + column]);
    }
  }
#pragma unroll
  for (int s = 0; s < kSums; ++s) shared[s][threadIdx.y][threadIdx.x] = sum[s];
  __syncthreads();
  if (threadIdx.y != 0 || !active) return;
#pragma unroll
  for (int s = 0; s < kSums; ++s) {
    sum[s] = 0;
    for (int part = 0; part < kMergeParts; ++part) sum[s] += shared[s][part][threadIdx.x];
  }

  const std::int64_t row = arguments.edges.long_rows.row[blockIdx.x];
  const bool empty = sum[0] == 0;
  const double inverse = math::inverse_sum(sum[0]);
  const double factor = inverse * arguments.dropout.scale;
  const bool leader = column % arguments.channels == 0;
  arguments.y[row][column] = to_storage<S>(empty ? T(0) : static_cast<T>(sum[1] * factor));
  if (leader) {
    arguments.maximum[row][head] = maximum;
    arguments.sum[row][head] = static_cast<T>(sum[0]);
  }
  if constexpr (kPositive) {
    arguments.positive_y[row][column] = to_storage<S>(empty ? T(0) : static_cast<T>(sum[3] * factor));
    if (leader) arguments.positive_weight[row][head] = static_cast<T>(sum[2] * inverse);
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
