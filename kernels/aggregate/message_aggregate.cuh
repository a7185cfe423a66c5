// SPDX-License-Identifier: MIT
#pragma once

// Aggregation of messages that are made of the neighbour's row and the edge's own row, and their gradients. Rows of
// edges are read once each, so they bypass the caches that hold the nodes' rows.

#include "host/math/messages.hpp"
#include "kernels/aggregate/aggregate.cuh"

namespace warpgnn::kernels {

/// Of zeros it is zero, so that lanes without an edge add nothing.
template <EdgeMessage kMessage, class T, int kWidth>
__device__ Pack<T, kWidth> edge_message(const Pack<T, kWidth>& source, const Pack<T, kWidth>& edge) {
  Pack<T, kWidth> message;
#pragma unroll
  for (int v = 0; v < kWidth; ++v) message[v] = math::message_of<kMessage>(source[v], edge[v]);
  return message;
}

/// What edges send, one pack of columns at a time.
template <EdgeMessage kMessage, class S, int kWidth>
struct EdgeMessages {
  /// Each edge loads two packs unless it speaks alone.
  static constexpr int kInFlight = kMessage == EdgeMessage::edge ? kEdgesInFlight : kEdgesInFlight / 2;
  Rows<const S> x;  // rows of sources
  Rows<const S> edge;

  __device__ Pack<Accumulator<S>, kWidth> operator()(const EdgeNumbers& numbers, std::int64_t column) const {
    Pack<Accumulator<S>, kWidth> source{};
    if constexpr (kMessage != EdgeMessage::edge) source = load_read_only<kWidth>(x[numbers.neighbor] + column);
    return edge_message<kMessage>(source, load_streamed<kWidth>(edge[numbers.id] + column));
  }
};

/// One group of lanes per (span, tile), as aggregate_sum_by_row. Of the arguments, x, weight, neighbor_offset and arg
/// are not looked at.
template <class S, int kWidth, EdgeMessage kMessage>
__global__ void __launch_bounds__(kSpanThreads)
    message_aggregate_sum_by_row(SumArguments<S> arguments, EdgeMessages<kMessage, S, kWidth> messages) {
  using T = Accumulator<S>;
  constexpr int kInFlight = messages.kInFlight;
  const LaneGroup group = LaneGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles, tile);
  EdgeSpan span;
  if (!find_span(arguments.edges, item, span)) return;
  const std::int64_t column = (static_cast<std::int64_t>(tile) * group.size + group.lane) * kWidth;
  const bool active = column < arguments.columns;

  Pack<T, kWidth> sum{};
  const auto fetch = [&](std::int64_t slot) { return fetch_numbers(arguments.edges, slot); };
  for_each_batch<kInFlight>(group, span, fetch, [&](const EdgeNumbers& mine, int k, int count) {
    Pack<T, kWidth> message[kInFlight] = {};
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const EdgeNumbers numbers{group.broadcast(mine.neighbor, k + u), group.broadcast(mine.id, k + u)};
      if (active && k + u < count) message[u] = messages(numbers, column);
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
#pragma unroll
      for (int v = 0; v < kWidth; ++v) sum[v] += message[u][v];
    }
  });
  if (active) store_sum(arguments, span, column, sum);
}

// --- Gradients -------------------------------------------------------------------------------------------------------

template <class S>
struct EdgeGradientArguments {
  SumArguments<S> sum;  // edges: out-edges; x and self: dy; y: dx, null where it is not wanted; no weight
  Rows<const S> source;
  Rows<const S> edge;
  Rows<S> dedge;  // null: not wanted
};

/// An edge as the lane that fetched it holds it, with its share in the mean of its destination.
template <class T>
struct EdgeShare {
  EdgeNumbers numbers;
  T share = T(1);
};

template <class S, class T = Accumulator<S>>
__device__ EdgeShare<T> fetch_share(const SumArguments<S>& arguments, std::int64_t slot) {
  EdgeShare<T> edge{fetch_numbers(arguments.edges, slot), T(1)};
  if (arguments.neighbor_offset != nullptr) {
    const std::int64_t* const offset = arguments.neighbor_offset + edge.numbers.neighbor;
    edge.share = T(1) / static_cast<T>(offset[1] - offset[0]);
  }
  return edge;
}

/// What an edge's destination passes back to the message: dy, or the part of it that the edge has won, times a share.
template <int kWidth, class S, class T = Accumulator<S>>
__device__ Pack<T, kWidth> load_gradient(const SumArguments<S>& base, const EdgeNumbers& numbers, T share,
                                         std::int64_t column) {
  Pack<T, kWidth> gradient = load_read_only<kWidth>(base.x[numbers.neighbor] + column);
  if (base.arg) {
    const Pack<std::int32_t, kWidth> winner = load_read_only<kWidth>(base.arg[numbers.neighbor] + column);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) gradient[v] = winner[v] == numbers.id ? gradient[v] : T(0);
  }
#pragma unroll
  for (int v = 0; v < kWidth; ++v) gradient[v] *= share;
  return gradient;
}

/// One group of lanes per (span of out-edges, tile): one walk serves dx and dedge alike.
template <class S, int kWidth, EdgeMessage kMessage>
__global__ void __launch_bounds__(kSpanThreads)
    message_aggregate_backward_by_source(EdgeGradientArguments<S> arguments) {
  using T = Accumulator<S>;
  constexpr int kInFlight = kEdgesInFlight / 2;
  constexpr bool kProduct = kMessage == EdgeMessage::multiply, kRelu = kMessage == EdgeMessage::relu_add;
  const SumArguments<S>& base = arguments.sum;
  const LaneGroup group = LaneGroup::of_size(base.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), base.tiles.tiles, tile);
  EdgeSpan span;
  if (!find_span(base.edges, item, span)) return;
  const std::int64_t column = (static_cast<std::int64_t>(tile) * group.size + group.lane) * kWidth;
  const bool active = column < base.columns;
  const bool wants_dx = static_cast<bool>(base.y), wants_dedge = static_cast<bool>(arguments.dedge);
  Pack<T, kWidth> source{};
  if (active && (kRelu || (kProduct && wants_dedge))) {
    source = load_read_only<kWidth>(arguments.source[span.row] + column);
  }

  Pack<T, kWidth> sum{};
  const auto fetch = [&](std::int64_t slot) { return fetch_share(base, slot); };
  for_each_batch<kInFlight>(group, span, fetch, [&](const EdgeShare<T>& mine, int k, int count) {
    Pack<T, kWidth> gradient[kInFlight] = {}, edge[kInFlight] = {};
    std::int32_t id[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const EdgeNumbers numbers{group.broadcast(mine.numbers.neighbor, k + u), group.broadcast(mine.numbers.id, k + u)};
      const T share = group.broadcast(mine.share, k + u);
      id[u] = numbers.id;
      if (!active || k + u >= count) continue;
      gradient[u] = load_gradient<kWidth>(base, numbers, share, column);
      if (kRelu || (kProduct && wants_dx)) edge[u] = load_streamed<kWidth>(arguments.edge[numbers.id] + column);
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      Pack<T, kWidth> dedge;
#pragma unroll
      for (int v = 0; v < kWidth; ++v) {
        gradient[u][v] = math::inner_gradient<kMessage>(source[v], edge[u][v], gradient[u][v]);
        sum[v] += kProduct ? gradient[u][v] * edge[u][v] : gradient[u][v];
        dedge[v] = kProduct ? gradient[u][v] * source[v] : gradient[u][v];
      }
      if (wants_dedge && active && k + u < count) store_streamed<kWidth>(arguments.dedge[id[u]] + column, dedge);
    }
  });

  if (active && wants_dx) store_sum(base, span, column, sum);
}

}  // namespace warpgnn::kernels
