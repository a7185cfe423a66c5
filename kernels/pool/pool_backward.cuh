// SPDX-License-Identifier: MIT
#pragma once

// The gradients of pooling, and its weights: a group of lanes for each node and head.

#include "kernels/base/graph_of.cuh"
#include "kernels/pool/pool.cuh"

namespace warpgnn::kernels {

/// a_n of one head, from its node's score and what the forward saved of its graph's softmax.
template <class T, class Arguments>
__device__ T gate_weight(const Arguments& arguments, std::int64_t node, std::int64_t graph, std::int64_t head) {
  if (arguments.gate == PoolGate::none) return T(1);
  const T score = arguments.score[node][head];
  if (arguments.gate != PoolGate::softmax) return own_gate_weight(arguments.gate, score);
  return math::softmax_weight<Math>(score, arguments.maximum[graph][head], arguments.sum[graph][head],
                                    arguments.sharpness);
}

/// Splits the number of a pair into node and head.
__device__ inline std::int64_t split_head(std::int64_t pair, std::int64_t heads, std::int64_t& head) {
  head = heads == 1 ? 0 : pair % heads;
  return heads == 1 ? pair : pair / heads;
}

template <class S>
struct PoolBackwardArguments {
  using T = Accumulator<S>;
  const std::int64_t* offsets;
  std::int64_t graphs;
  std::int64_t nodes;
  std::int64_t heads;
  std::int64_t channels;  // of a head
  int lanes;              // per node and head, a power of two
  T sharpness;
  PoolGate gate;
  bool mean;
  Rows<const S> x;
  Rows<const T> score;
  Rows<const S> y;
  Rows<const T> maximum;
  Rows<const T> sum;
  Rows<const std::int32_t> arg;  // max only
  Rows<const S> dy;
  Rows<S> dx;
  Rows<T> dscore;
};

/// The lane's share of <dy, c x - y> over columns [first, last), where y counts for a softmax gate only.
template <int kWidth, class S, class T = Accumulator<S>>
__device__ T pool_score_dot(const PoolBackwardArguments<S>& arguments, std::int64_t node, std::int64_t graph,
                            std::int64_t first, std::int64_t last, T scale, const LaneGroup& group) {
  const bool centred = arguments.gate == PoolGate::softmax;
  T dot = 0;
  for (std::int64_t column = first + group.lane * kWidth; column < last; column += group.size * kWidth) {
    const Pack<T, kWidth> dy = load_read_only<kWidth>(arguments.dy[graph] + column);
    const Pack<T, kWidth> x = load_streamed<kWidth>(arguments.x[node] + column);
    Pack<T, kWidth> y{};
    if (centred) y = load_read_only<kWidth>(arguments.y[graph] + column);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) dot += dy[k] * (scale * x[k] - y[k]);
  }
  return dot;
}

/// One group of lanes per node and head.
template <class S, int kWidth>
__global__ void __launch_bounds__(kPoolThreads) pool_backward_by_node(PoolBackwardArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  std::int64_t head;
  const std::int64_t node = split_head(group_number(group.size), arguments.heads, head);
  if (node >= arguments.nodes) return;
  const std::int64_t first = head * arguments.channels, last = first + arguments.channels;
  const std::int64_t graph = graph_of(arguments.offsets, arguments.graphs, node);
  T scale = T(1);
  if (arguments.mean) scale /= static_cast<T>(arguments.offsets[graph + 1] - arguments.offsets[graph]);
  const T weight = gate_weight<T>(arguments, node, graph, head);

  if (arguments.dscore) {
    T dot = pool_score_dot<kWidth>(arguments, node, graph, first, last, scale, group);
    dot = group.sum(dot);
    if (arguments.gate == PoolGate::softmax) dot *= weight * arguments.sharpness;
    if (arguments.gate == PoolGate::sigmoid) dot *= math::sigmoid_derivative(weight);
    if (group.lane == 0) arguments.dscore[node][head] = dot;
  }
  if (!arguments.dx) return;
  for (std::int64_t column = first + group.lane * kWidth; column < last; column += group.size * kWidth) {
    Pack<T, kWidth> gradient = load_read_only<kWidth>(arguments.dy[graph] + column);
    if (arguments.arg) {
      const Pack<std::int32_t, kWidth> arg = load_read_only<kWidth>(arguments.arg[graph] + column);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) gradient[k] = arg[k] == node ? gradient[k] : T(0);
    }
#pragma unroll
    for (int k = 0; k < kWidth; ++k) gradient[k] *= scale * weight;
    store_streamed<kWidth>(arguments.dx[node] + column, gradient);
  }
}

/// The same where every column has a score of its own, which a sigmoid or raw gate turns into its weight: a group of
/// lanes per node, no dot product.
template <class S, int kWidth>
__global__ void __launch_bounds__(kPoolThreads) pool_backward_by_feature(PoolBackwardArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t node = group_number(group.size);
  if (node >= arguments.nodes) return;
  const std::int64_t graph = graph_of(arguments.offsets, arguments.graphs, node);
  T scale = T(1);
  if (arguments.mean) scale /= static_cast<T>(arguments.offsets[graph + 1] - arguments.offsets[graph]);
  for (std::int64_t column = group.lane * kWidth; column < arguments.channels; column += group.size * kWidth) {
    const Pack<T, kWidth> dy = load_read_only<kWidth>(arguments.dy[graph] + column);
    const Pack<T, kWidth> score = load_streamed<kWidth>(arguments.score[node] + column);
    Pack<T, kWidth> x{}, dx, dscore;
    if (arguments.dscore) x = load_streamed<kWidth>(arguments.x[node] + column);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const T weight = own_gate_weight(arguments.gate, score[k]);
      const T slope = arguments.gate == PoolGate::sigmoid ? math::sigmoid_derivative(weight) : T(1);
      dx[k] = scale * weight * dy[k];
      dscore[k] = slope * scale * dy[k] * x[k];
    }
    if (arguments.dx) store_streamed<kWidth>(arguments.dx[node] + column, dx);
    if (arguments.dscore) store_streamed<kWidth>(arguments.dscore[node] + column, dscore);
  }
}

template <class T>
struct PoolWeightsArguments {
  const std::int64_t* offsets;
  std::int64_t graphs;
  std::int64_t nodes;
  std::int64_t heads;
  T sharpness;
  PoolGate gate;
  Rows<const T> score;
  Rows<const T> maximum;
  Rows<const T> sum;
  Rows<T> weight;
};

template <class T>
__global__ void __launch_bounds__(kPoolThreads) pool_weights_by_node(PoolWeightsArguments<T> arguments) {
  std::int64_t head;
  const std::int64_t node = split_head(group_number(1), arguments.heads, head);
  if (node >= arguments.nodes) return;
  const std::int64_t graph =
      arguments.gate == PoolGate::softmax ? graph_of(arguments.offsets, arguments.graphs, node) : 0;
  arguments.weight[node][head] = gate_weight<T>(arguments, node, graph, head);
}

}  // namespace warpgnn::kernels
