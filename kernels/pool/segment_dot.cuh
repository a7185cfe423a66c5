// SPDX-License-Identifier: MIT
#pragma once

// Dot products of nodes with a row of their graph: a group of lanes per node.

#include <cstdint>

#include "kernels/base/graph_of.cuh"
#include "kernels/base/launch.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/warp.cuh"

namespace warpgnn::kernels {

inline constexpr int kSegmentThreads = 256;

template <class S>
struct SegmentDotForwardArguments {
  using T = Accumulator<S>;
  const std::int64_t* offsets;
  std::int64_t graphs;
  std::int64_t nodes;
  std::int64_t columns;
  int lanes;  // per node, a power of two
  Rows<const S> x, query;
  Rows<T> score;
};

template <class S, int kWidth>
__global__ void __launch_bounds__(kSegmentThreads)
    segment_dot_forward_by_node(SegmentDotForwardArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t node = group_number(group.size);
  if (node >= arguments.nodes) return;
  const S* const query_row = arguments.query[graph_of(arguments.offsets, arguments.graphs, node)];
  const S* const x_row = arguments.x[node];
  T dot = 0;
  for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
    const Pack<T, kWidth> x = load_read_only<kWidth>(x_row + column);
    const Pack<T, kWidth> query = load_read_only<kWidth>(query_row + column);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) dot += x[k] * query[k];
  }
  dot = group.sum(dot);
  if (group.lane == 0) *arguments.score[node] = dot;
}

template <class S>
struct SegmentDotBackwardArguments {
  using T = Accumulator<S>;
  const std::int64_t* offsets;
  std::int64_t graphs;
  std::int64_t nodes;
  std::int64_t columns;
  int lanes;  // per node, a power of two
  Rows<const S> query;
  Rows<const T> dscore;
  Rows<S> dx;
};

template <class S, int kWidth>
__global__ void __launch_bounds__(kSegmentThreads)
    segment_dot_backward_by_node(SegmentDotBackwardArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t node = group_number(group.size);
  if (node >= arguments.nodes) return;
  const S* const query_row = arguments.query[graph_of(arguments.offsets, arguments.graphs, node)];
  S* const dx_row = arguments.dx[node];
  const T factor = *arguments.dscore[node];
  for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
    const Pack<T, kWidth> query = load_read_only<kWidth>(query_row + column);
    Pack<T, kWidth> dx = load<kWidth>(dx_row + column);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) dx[k] += factor * query[k];
    store<kWidth>(dx_row + column, dx);
  }
}

}  // namespace warpgnn::kernels
