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
  static constexpr bool kHasSource = kMessage != EdgeMessage::edge;
  static constexpr int kInFlight = kHasSource ? kEdgesInFlight / 2 : kEdgesInFlight;
  struct Raw {
    RawPack<S, kWidth> source;
    RawPack<S, kWidth> edge;
  };
  GatheredRows<const S> x;  // rows of sources
  GatheredRows<const S> edge;

  __device__ EdgeMessages from(std::int64_t column) const {
    return {kHasSource ? x.from(column) : x, edge.from(column)};
  }
  __device__ Raw load(const EdgeNumbers& numbers) const {
    Raw raw{};
    if constexpr (kHasSource) raw.source = load_raw<kWidth>(x[numbers.neighbor]);
    raw.edge = load_raw_streamed<kWidth>(edge[numbers.id]);
    return raw;
  }
  __device__ Pack<Accumulator<S>, kWidth> message(const Raw& raw) const {
    return edge_message<kMessage>(unpack<S, kWidth>(raw.source), unpack<S, kWidth>(raw.edge));
  }
};

/// One group of lanes per (span, tile), as aggregate_sum_by_row. Of the arguments, x, weight, neighbor_offset, arg
/// and scales are not looked at.
template <class S, int kWidth, EdgeMessage kMessage>
__global__ void __launch_bounds__(kSpanThreads)
    message_aggregate_sum_by_row(SumArguments<S> arguments, EdgeMessages<kMessage, S, kWidth> all_messages) {
  using T = Accumulator<S>;
  using Messages = EdgeMessages<kMessage, S, kWidth>;
  constexpr int kInFlight = Messages::kInFlight;
  const WarpGroup group = WarpGroup::of_size(arguments.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), arguments.tiles.tiles, tile);
  bool active;
  const EdgeSpan span = span_or_none(arguments.edges, item, active);
  std::int64_t column = (static_cast<std::int64_t>(tile) * group.size + group.lane) * kWidth;
  active = active && column < arguments.columns;
  if (!active) column = 0;
  const Messages messages = all_messages.from(column);

  Pack<T, kWidth> sum{};
  const auto fetch = [&](std::int64_t slot) { return fetch_numbers(arguments.edges, slot); };
  for_each_batch<kInFlight>(group, span, fetch, [&](const EdgeNumbers& mine, int k, int held) {
    typename Messages::Raw raw[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) raw[u] = messages.load(mine.of_edge(group, k + u));
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const Pack<T, kWidth> message = messages.message(raw[u]);
      if (k + u >= held) continue;
#pragma unroll
      for (int v = 0; v < kWidth; ++v) sum[v] += message[v];
    }
  });
  if (active) store_sum(arguments, span, column, sum);
}

// --- Gradients -------------------------------------------------------------------------------------------------------

template <class S>
struct EdgeGradientArguments {
  SumArguments<S> sum;  // edges: out-edges; x and self: dy; y: dx, null where it is not wanted; no weight
  Rows<const S> source;
  GatheredRows<const S> edge;
  GatheredRows<S> dedge;  // null: not wanted
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

/// One group of lanes per (span of out-edges, tile): one walk serves dx and dedge alike. An edge's destination passes
/// back dy, or the part of it that the edge has won, times a share.
template <class S, int kWidth, EdgeMessage kMessage>
__global__ void __launch_bounds__(kSpanThreads)
    message_aggregate_backward_by_source(EdgeGradientArguments<S> arguments) {
  using T = Accumulator<S>;
  constexpr int kInFlight = kEdgesInFlight / 2;
  constexpr bool kProduct = kMessage == EdgeMessage::multiply, kRelu = kMessage == EdgeMessage::relu_add;
  const SumArguments<S>& base = arguments.sum;
  const WarpGroup group = WarpGroup::of_size(base.tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), base.tiles.tiles, tile);
  bool active;
  const EdgeSpan span = span_or_none(base.edges, item, active);
  std::int64_t column = (static_cast<std::int64_t>(tile) * group.size + group.lane) * kWidth;
  active = active && column < base.columns;
  if (!active) column = 0;
  const bool wants_dx = static_cast<bool>(base.y), wants_dedge = static_cast<bool>(arguments.dedge);
  const bool reads_edge = kRelu || (kProduct && wants_dx), selects = static_cast<bool>(base.arg);
  const GatheredRows<const S> dy = base.x.from(column);
  Pack<T, kWidth> source{};
  if (active && (kRelu || (kProduct && wants_dedge))) {
    source = load_read_only<kWidth>(arguments.source[span.row] + column);
  }

  Pack<T, kWidth> sum{};
  const auto fetch = [&](std::int64_t slot) { return fetch_share(base, slot); };
  for_each_batch<kInFlight>(group, span, fetch, [&](const EdgeShare<T>& mine, int k, int held) {
    EdgeNumbers numbers[kInFlight];
    RawPack<S, kWidth> raw[kInFlight], raw_edge[kInFlight] = {};
    RawPack<std::int32_t, kWidth> raw_winner[kInFlight] = {};
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      numbers[u] = mine.numbers.of_edge(group, k + u);
      raw[u] = load_raw<kWidth>(dy[numbers[u].neighbor]);
      if (selects) raw_winner[u] = load_raw<kWidth>(base.arg[numbers[u].neighbor] + column);
      if (reads_edge) raw_edge[u] = load_raw_streamed<kWidth>(arguments.edge[numbers[u].id] + column);
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const T share = group.broadcast(mine.share, k + u);
      const Pack<T, kWidth> gradient = unpack<S, kWidth>(raw[u]), edge = unpack<S, kWidth>(raw_edge[u]);
      const Pack<std::int32_t, kWidth> winner = unpack<std::int32_t, kWidth>(raw_winner[u]);
      Pack<T, kWidth> dx, dedge;
#pragma unroll
      for (int v = 0; v < kWidth; ++v) {
        const bool won = !selects || winner[v] == static_cast<std::int32_t>(numbers[u].id);
        const T inner = math::inner_gradient<kMessage>(source[v], edge[v], share * (won ? gradient[v] : T(0)));
        dx[v] = kProduct ? inner * edge[v] : inner;
        dedge[v] = kProduct ? inner * source[v] : inner;
      }
      if (k + u >= held) continue;
#pragma unroll
      for (int v = 0; v < kWidth; ++v) sum[v] += dx[v];
      if (wants_dedge && active) store_streamed<kWidth>(arguments.dedge[numbers[u].id] + column, dedge);
    }
  });

  if (active && wants_dx) store_sum(base, span, column, sum);
}

}  // namespace warpgnn::kernels
