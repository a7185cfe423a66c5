// SPDX-License-Identifier: MIT
#pragma once

// Operations of the form "reduce over each row's edges, then rewrite every edge with the row's result", head by head.
// The operation says what is reduced: the log-sum-exp parts of softmax, or the row sum of its gradient.

#include <algorithm>
#include <cstdint>

#include "host/math/softmax.hpp"
#include "kernels/base/spans.cuh"

namespace warpgnn::kernels {

/// Edges of a row, of one head each, that a lane has in flight at a time.
inline constexpr int kElementsInFlight = kEdgesInFlight;

template <class T>
struct EdgeSoftmaxForwardOp {
  using Element = T;  // the score
  struct State {
    T maximum;
    T sum;
  };
  GatheredRows<const T> score;
  GatheredRows<T> weight;  // may be the memory of score, which is why loads are coherent ones

  __device__ EdgeSoftmaxForwardOp from(int head) const { return {score.from(head), weight.from(head)}; }
  __device__ static State identity() { return State{-math::kInfinity<T>, T(0)}; }
  __device__ static Element none() { return -math::kInfinity<T>; }  // weighs nothing
  __device__ Element load(std::uint32_t id) const { return *score[id]; }

  /// One exp for each element, and one for what has been summed before.
  __device__ static void absorb(State& state, const Element (&element)[kElementsInFlight]) {
    T maximum = state.maximum;
#pragma unroll
    for (const Element score : element) maximum = std::fmax(maximum, score);  // passes NaN by; the sums carry it
    const T base = math::softmax_base(maximum);
    state = State{maximum, state.sum * std::exp(state.maximum - base)};
#pragma unroll
    for (const Element score : element) state.sum += std::exp(score - base);
  }
  __device__ static State combine(const State& a, const State& b) {
    const T maximum = std::fmax(a.maximum, b.maximum);
    const T base = math::softmax_base(maximum);
    return State{maximum, a.sum * std::exp(a.maximum - base) + b.sum * std::exp(b.maximum - base)};
  }
  __device__ static State exchange(const State& state, int distance) {
    return State{__shfl_xor_sync(kAllLanes, state.maximum, distance), __shfl_xor_sync(kAllLanes, state.sum, distance)};
  }
  __device__ static State broadcast(const WarpGroup& group, const State& state, int from) {
    return State{group.broadcast(state.maximum, from), group.broadcast(state.sum, from)};
  }
  /// The row's state as apply wants it.
  __device__ static State settle(const State& row) {
    return State{math::softmax_base(row.maximum), math::inverse_sum(row.sum)};
  }
  __device__ void apply(std::uint32_t id, Element element, const State& row) const {
    *weight[id] = std::exp(element - row.maximum) * row.sum;
  }
};

template <class T>
struct EdgeSoftmaxBackwardOp {
  struct Element {
    T weight, dweight;
  };
  struct State {
    T sum;
  };
  GatheredRows<const T> weight;
  GatheredRows<const T> dweight;
  GatheredRows<T> dscore;  // may be the memory of dweight

  __device__ EdgeSoftmaxBackwardOp from(int head) const {
    return {weight.from(head), dweight.from(head), dscore.from(head)};
  }
  __device__ static State identity() { return State{T(0)}; }
  __device__ static Element none() { return Element{T(0), T(0)}; }
  __device__ Element load(std::uint32_t id) const { return Element{*weight[id], *dweight[id]}; }
  __device__ static void absorb(State& state, const Element (&element)[kElementsInFlight]) {
#pragma unroll
    for (const Element& e : element) state.sum += e.weight * e.dweight;
  }
  __device__ static State combine(const State& a, const State& b) {
    return State{a.sum + b.sum};
  }
  __device__ static State exchange(const State& state, int distance) {
    return State{__shfl_xor_sync(kAllLanes, state.sum, distance)};
  }
  __device__ static State broadcast(const WarpGroup& group, const State& state, int from) {
    return State{group.broadcast(state.sum, from)};
  }
  __device__ static State settle(const State& row) {
    return row;
  }
  __device__ void apply(std::uint32_t id, const Element& element, const State& row) const {
    *dscore[id] = element.weight * (element.dweight - row.sum);
  }
};

/// A group of lanes as (edges at a time) x (heads).
struct EdgeTiles {
  int heads;
  int head_lanes;  // a power of two
  int group;
  int tiles;  // of heads, per row

  static EdgeTiles of(const Adjacency& edges, std::int64_t heads) {
    EdgeTiles tiles{};
    tiles.heads = static_cast<int>(heads);
    tiles.head_lanes = lanes_for(heads);
    tiles.group = std::max(tiles.head_lanes, edge_lanes(edges, tiles.head_lanes));
    tiles.tiles = (tiles.heads + tiles.head_lanes - 1) / tiles.head_lanes;
    return tiles;
  }
};

template <class Op>
struct EdgeRowsArguments {
  Adjacency edges;  // in-edges
  EdgeTiles tiles;
  Op op;
  typename Op::State* partial;  // [chunks, H]
  typename Op::State* total;    // [long rows, H]
};

/// The elements of a span that a lane takes: of one head, every `step`-th edge. All lanes of a warp walk together, each
/// as far as its edges go.
template <class Op>
struct LaneElements {
  Op op;
  const std::int32_t* edge_id;  // of the span's edges; null: the slot itself
  std::uint32_t begin;          // slot
  int first, step;
  int count;    // edges of the span; 0 where the lane has no head
  int longest;  // of all spans of the warp
  std::uint32_t id[kElementsInFlight];
  typename Op::Element element[kElementsInFlight];
  bool there[kElementsInFlight];

  __device__ LaneElements(const EdgeRowsArguments<Op>& arguments, const WarpGroup& group, const EdgeSpan& span,
                          int head)
      : op(arguments.op.from(head < arguments.tiles.heads ? head : 0)),
        edge_id(arguments.edges.edge_id == nullptr ? nullptr : arguments.edges.edge_id + span.begin),
        begin(static_cast<std::uint32_t>(span.begin)),
        first(group.lane / arguments.tiles.head_lanes),
        step(group.size / arguments.tiles.head_lanes),
        count(static_cast<int>(span.end - span.begin)),
        longest(warp_max(count)) {
    if (head >= arguments.tiles.heads) count = 0;
  }

  /// Whether a batch holds all there is.
  __device__ bool fits() const { return longest <= kElementsInFlight * step; }

  __device__ void load(int from) {
#pragma unroll
    for (int u = 0; u < kElementsInFlight; ++u) {
      const int edge = from + first + u * step;
      there[u] = edge < count;
      id[u] = begin + static_cast<std::uint32_t>(edge);
      if (edge_id != nullptr && there[u]) id[u] = static_cast<std::uint32_t>(__ldcs(edge_id + edge));
    }
#pragma unroll
    for (int u = 0; u < kElementsInFlight; ++u) {
      element[u] = Op::none();
      if (there[u]) element[u] = op.load(id[u]);
    }
  }

  __device__ typename Op::State reduce() {
    typename Op::State state = Op::identity();
#pragma unroll 1
    for (int from = 0; from < longest; from += kElementsInFlight * step) {
      load(from);
      Op::absorb(state, element);
    }
    return state;
  }

  /// Rewrites every element; `loaded` if a batch held them all, and holds them still.
  __device__ void apply(const typename Op::State& row, bool loaded) {
    const typename Op::State settled = Op::settle(row);
#pragma unroll 1
    for (int from = 0; from < longest; from += kElementsInFlight * step) {
      if (!loaded) load(from);
#pragma unroll
      for (int u = 0; u < kElementsInFlight; ++u) {
        if (there[u]) op.apply(id[u], element[u], settled);
      }
    }
  }
};

/// Both steps for a short row; the first for a chunk of a long row.
template <class Op>
__global__ void __launch_bounds__(kSpanThreads, 8) edge_rows_short(EdgeRowsArguments<Op> arguments) {
  using State = typename Op::State;
  const EdgeTiles& tiles = arguments.tiles;
  const WarpGroup group = WarpGroup::of_size(tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), tiles.tiles, tile);
  bool exists;
  const EdgeSpan span = span_or_none(arguments.edges, item, exists);
  const int head_lane = group.lane & (tiles.head_lanes - 1);
  const int head = tile * tiles.head_lanes + head_lane;
  LaneElements<Op> elements(arguments, group, span, head);

  State state = elements.reduce();
#pragma unroll 1
  for (int distance = tiles.head_lanes; distance < group.size; distance *= 2) {
    state = Op::combine(state, Op::exchange(state, distance));
  }
  state = Op::broadcast(group, state, head_lane);  // lanes may have rounded differently
  const bool is_chunk = span.chunk >= 0;
  if (is_chunk && head < tiles.heads && group.lane < tiles.head_lanes) {
    arguments.partial[span.chunk * tiles.heads + head] = state;
  }
  if (is_chunk) elements.count = 0;
  elements.apply(state, elements.fits());
}

/// Combines the chunks of each long row, in order.
template <class Op>
__global__ void __launch_bounds__(kMergeThreads) edge_rows_merge(EdgeRowsArguments<Op> arguments) {
  using State = typename Op::State;
  __shared__ State shared[kMergeParts][kWarpSize];
  const int heads = arguments.tiles.heads;
  const std::int64_t head = static_cast<std::int64_t>(blockIdx.y) * kWarpSize + threadIdx.x;
  State state = Op::identity();
  if (head < heads) {
    const ChunkRange chunks = chunks_of_part(arguments.edges.long_rows, blockIdx.x, static_cast<int>(threadIdx.y));
    for_each_chunk(
        chunks, [&](std::int64_t chunk) { return arguments.partial[chunk * heads + head]; },
        [&](const State& of_chunk) { state = Op::combine(state, of_chunk); });
  }
  shared[threadIdx.y][threadIdx.x] = state;
  __syncthreads();
  if (threadIdx.y != 0 || head >= heads) return;
  for (int part = 1; part < kMergeParts; ++part) state = Op::combine(state, shared[part][threadIdx.x]);
  arguments.total[blockIdx.x * static_cast<std::int64_t>(heads) + head] = state;
}

/// The second step for the chunks of long rows, one group of lanes each, as in the first.
template <class Op>
__global__ void __launch_bounds__(kSpanThreads, 8) edge_rows_long(EdgeRowsArguments<Op> arguments) {
  const EdgeTiles& tiles = arguments.tiles;
  const WarpGroup group = WarpGroup::of_size(tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), tiles.tiles, tile);
  bool exists = item < arguments.edges.long_rows.chunks;
  EdgeSpan span{0, 0, 0, -1};
  if (exists) exists = find_span(arguments.edges, item, span);
  const int head = tile * tiles.head_lanes + (group.lane & (tiles.head_lanes - 1));
  LaneElements<Op> elements(arguments, group, span, head);
  typename Op::State total = Op::identity();
  if (exists && head < tiles.heads) {
    total =
        arguments.total[arguments.edges.long_rows.chunk_owner[item] * static_cast<std::int64_t>(tiles.heads) + head];
  }
  elements.apply(total, false);
}

}  // namespace warpgnn::kernels
