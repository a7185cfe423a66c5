// SPDX-License-Identifier: MIT
#pragma once

// Dot products of every node's heads with one vector per head.

#include "kernels/base/heads.cuh"
#include "kernels/base/reduce.cuh"

namespace warpgnn::kernels {

template <class S>
struct HeadDotArguments {
  using T = Accumulator<S>;
  std::int64_t nodes;
  int heads;
  std::int64_t channels;
  int lanes;  // per (node, head), a power of two
  Rows<const S> x;
  Rows<const T> vector, second_vector;  // the second of each: null, if not wanted
  Rows<T> score, second_score;
};

template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads) head_dot_forward_by_head(HeadDotArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t number = group_number(group.size);
  if (number >= arguments.nodes * arguments.heads) return;
  const std::int64_t node = number / arguments.heads;
  const int head = static_cast<int>(number % arguments.heads);
  const S* const x = arguments.x[node] + head * arguments.channels;
  T dot = 0, second_dot = 0;
  for (std::int64_t column = group.lane * kWidth; column < arguments.channels; column += group.size * kWidth) {
    const Pack<T, kWidth> a = load_read_only<kWidth>(x + column);
    const Pack<T, kWidth> b = load_read_only<kWidth>(arguments.vector[head] + column);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) dot += a[v] * b[v];
    if (!arguments.second_vector) continue;
    const Pack<T, kWidth> c = load_read_only<kWidth>(arguments.second_vector[head] + column);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) second_dot += a[v] * c[v];
  }
  dot = group.sum(dot);
  if (group.lane == 0) arguments.score[node][head] = dot;
  if (!arguments.second_vector) return;
  second_dot = group.sum(second_dot);
  if (group.lane == 0) arguments.second_score[node][head] = second_dot;
}

template <class S>
struct HeadDotGradientArguments {
  using T = Accumulator<S>;
  std::int64_t nodes;
  int heads;
  std::int64_t channels;
  int lanes;                            // per (node, head), a power of two
  Rows<const T> vector, second_vector;  // the second of each: null, if there is none
  Rows<const T> dscore, dsecond_score;
  Rows<S> dx;
};

/// dx += dscore vector + dsecond_score second_vector.
template <class S, int kWidth>
__global__ void __launch_bounds__(kSpanThreads) head_dot_backward_x(HeadDotGradientArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t number = group_number(group.size);
  if (number >= arguments.nodes * arguments.heads) return;
  const std::int64_t node = number / arguments.heads;
  const int head = static_cast<int>(number % arguments.heads);
  S* const dx = arguments.dx[node] + head * arguments.channels;
  const T dscore = arguments.dscore[node][head];
  const T dsecond_score = arguments.second_vector ? arguments.dsecond_score[node][head] : T(0);
  for (std::int64_t column = group.lane * kWidth; column < arguments.channels; column += group.size * kWidth) {
    Pack<T, kWidth> sum = load<kWidth>(dx + column);
    const Pack<T, kWidth> vector = load_read_only<kWidth>(arguments.vector[head] + column);
#pragma unroll
    for (int v = 0; v < kWidth; ++v) sum[v] += dscore * vector[v];
    if (arguments.second_vector) {
      const Pack<T, kWidth> second_vector = load_read_only<kWidth>(arguments.second_vector[head] + column);
#pragma unroll
      for (int v = 0; v < kWidth; ++v) sum[v] += dsecond_score * second_vector[v];
    }
    store<kWidth>(dx + column, sum);
  }
}

/// dscore_nh x_nh of each of kVectors scores: terms of the column sums that make the gradients of their vectors.
template <class S, int kWidth, int kVectors>
struct ScaledRowTerm {
  using T = Accumulator<S>;
  std::int64_t channels;
  Rows<const S> x;
  Rows<const T> dscore[kVectors];

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<T, kWidth> (&sum)[kVectors]) const {
    const Pack<T, kWidth> value = load_read_only<kWidth>(x[row] + column);
#pragma unroll
    for (int s = 0; s < kVectors; ++s) {
      const T scale = __ldg(dscore[s][row] + column / channels);
#pragma unroll
      for (int v = 0; v < kWidth; ++v) sum[s][v] += scale * value[v];
    }
  }
};

template <class T, int kVectors>
struct StoreHeadColumns {
  std::int64_t channels;
  Rows<T> target[kVectors];

  __device__ void operator()(std::int64_t column, const double (&total)[kVectors]) const {
#pragma unroll
    for (int s = 0; s < kVectors; ++s) target[s][column / channels][column % channels] = static_cast<T>(total[s]);
  }
};

}  // namespace warpgnn::kernels
