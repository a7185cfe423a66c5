// SPDX-License-Identifier: MIT
#pragma once

// Operations of the form "reduce over each row's edges, then rewrite every edge with the row's result", head by head.
// The operation says what is reduced: the log-sum-exp parts of softmax, or the row sum of its gradient.

#include <algorithm>
#include <cstdint>

#include "host/math/softmax.hpp"
#include "kernels/base/spans.cuh"

namespace warpgnn::kernels {

template <class T>
struct EdgeSoftmaxForwardOp {
  struct State {
    T maximum;
    T sum;
  };
  Rows<const T> score;
  Rows<T> weight;  // may be the memory of score, which is why loads are coherent ones

  __device__ static State identity() { return State{-math::kInfinity<T>, T(0)}; }

  __device__ State state_of(std::int64_t id, int head) const { return State{score[id][head], T(1)}; }
  __device__ static State combine(const State& a, const State& b) {
    const T maximum = std::fmax(a.maximum, b.maximum);  // passes NaN by; the sums carry it
    const T base = math::softmax_base(maximum);
    return State{maximum, a.sum * std::exp(a.maximum - base) + b.sum * std::exp(b.maximum - base)};
  }
  __device__ static State exchange(const LaneGroup& group, const State& state, int distance) {
    return State{__shfl_xor_sync(group.mask, state.maximum, distance, group.size),
                 __shfl_xor_sync(group.mask, state.sum, distance, group.size)};
  }
  __device__ static State broadcast(const LaneGroup& group, const State& state, int from) {
    return State{group.broadcast(state.maximum, from), group.broadcast(state.sum, from)};
  }
  __device__ void apply(std::int64_t id, int head, const State& row) const {
    const T inverse = math::inverse_sum(row.sum);
    weight[id][head] = std::exp(score[id][head] - math::softmax_base(row.maximum)) * inverse;
  }
};

template <class T>
struct EdgeSoftmaxBackwardOp {
  struct State {
    T sum;
  };
  Rows<const T> weight;
  Rows<const T> dweight;
  Rows<T> dscore;  // may be the memory of dweight

  __device__ static State identity() { return State{T(0)}; }
  __device__ State state_of(std::int64_t id, int head) const { return State{weight[id][head] * dweight[id][head]}; }
  __device__ static State combine(const State& a, const State& b) { return State{a.sum + b.sum}; }
  __device__ static State exchange(const LaneGroup& group, const State& state, int distance) {
    return State{__shfl_xor_sync(group.mask, state.sum, distance, group.size)};
  }
  __device__ static State broadcast(const LaneGroup& group, const State& state, int from) {
    return State{group.broadcast(state.sum, from)};
  }
  __device__ void apply(std::int64_t id, int head, const State& row) const {
    dscore[id][head] = weight[id][head] * (dweight[id][head] - row.sum);
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

/// Both steps for a short row; the first for a chunk of a long row.
template <class Op>
__global__ void __launch_bounds__(kSpanThreads, 8) edge_rows_short(EdgeRowsArguments<Op> arguments) {
  using State = typename Op::State;
  const Adjacency& edges = arguments.edges;
  const EdgeTiles& tiles = arguments.tiles;
  const LaneGroup group = LaneGroup::of_size(tiles.group);
  int tile;
  const std::int64_t item = split_tile(group_number(group.size), tiles.tiles, tile);
  EdgeSpan span;
  if (!find_span(edges, item, span)) return;
  const int head_lane = group.lane & (tiles.head_lanes - 1);
  const int head = tile * tiles.head_lanes + head_lane;
  const bool active = head < tiles.heads;
  const int step = group.size / tiles.head_lanes;
  const std::int64_t begin = span.begin + group.lane / tiles.head_lanes;

  State state = Op::identity();
  if (active) {
    for (std::int64_t slot = begin; slot < span.end; slot += step) {
      state = Op::combine(state, arguments.op.state_of(edge_id_of(edges, slot), head));
    }
  }
  for (int distance = tiles.head_lanes; distance < group.size; distance *= 2) {
    state = Op::combine(state, Op::exchange(group, state, distance));
  }
  state = Op::broadcast(group, state, head_lane);  // lanes may have rounded differently
  if (!active) return;
  if (span.chunk >= 0) {
    if (group.lane < tiles.head_lanes) arguments.partial[span.chunk * tiles.heads + head] = state;
    return;
  }
  for (std::int64_t slot = begin; slot < span.end; slot += step) {
    arguments.op.apply(edge_id_of(edges, slot), head, state);
  }
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
    for (std::int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
      state = Op::combine(state, arguments.partial[chunk * heads + head]);
    }
  }
  shared[threadIdx.y][threadIdx.x] = state;
  __syncthreads();
  if (threadIdx.y != 0 || head >= heads) return;
  for (int part = 1; part < kMergeParts; ++part) state = Op::combine(state, shared[part][threadIdx.x]);
  arguments.total[blockIdx.x * static_cast<std::int64_t>(heads) + head] = state;
}

/// The second step for the chunks of long rows: one block per chunk.
template <class Op>
__global__ void __launch_bounds__(kSpanThreads) edge_rows_long(EdgeRowsArguments<Op> arguments) {
  const Adjacency& edges = arguments.edges;
  const int heads = arguments.tiles.heads;
  EdgeSpan span;
  if (!find_span(edges, blockIdx.x, span)) return;
  const std::int64_t owner = edges.long_rows.chunk_owner[blockIdx.x];
  const std::int64_t pairs = (span.end - span.begin) * heads;
  for (std::int64_t pair = threadIdx.x; pair < pairs; pair += blockDim.x) {
    const int head = static_cast<int>(pair % heads);
    const std::int64_t id = edge_id_of(edges, span.begin + pair / heads);
    arguments.op.apply(id, head, arguments.total[owner * heads + head]);
  }
}

}  // namespace warpgnn::kernels
