// SPDX-License-Identifier: MIT
#pragma once

// The online softmax that every attention forward carries along the edges of a row, the merge of a long row's chunks,
// and what every attention backward needs of a row's softmax.

#include "host/math/softmax.hpp"
#include "kernels/base/memory.cuh"
#include "kernels/base/spans.cuh"

namespace warpgnn::kernels {

/// The running softmax of one head of one row, with one pack of the weighted sum of values.
template <class T, int kWidth, bool kPositive>
struct SoftmaxState {
  T maximum = -math::kInfinity<T>;
  T sum = 0;
  T positive_sum = 0;
  Pack<T, kWidth> y{};
  Pack<T, kWidth> positive_y{};

  /// Adds the first `present` of a batch of edges at one rescale; the others have l = -inf.
  template <int kCount, class Value>
  __device__ void absorb(int present, const T (&l)[kCount], const bool (&positive)[kCount], const bool (&kept)[kCount],
                         const Value& value_of) {
    T largest = maximum;
#pragma unroll
    for (int u = 0; u < kCount; ++u) largest = std::fmax(largest, l[u]);  // passes NaN by; the weights carry it
    const T base = math::softmax_base(largest);
    rescale(std::exp(maximum - base));
    maximum = largest;
#pragma unroll
    for (int u = 0; u < kCount; ++u) {
      const T weight = std::exp(l[u] - base);
      const T dropped = kept[u] ? weight : T(0);
      const Pack<T, kWidth> value = value_of(u);
      if (u >= present) continue;
      sum += weight;
#pragma unroll
      for (int v = 0; v < kWidth; ++v) y[v] += dropped * value[v];
      if constexpr (kPositive) {
        positive_sum += positive[u] ? weight : T(0);
        const T positive_weight = positive[u] ? dropped : T(0);
#pragma unroll
        for (int v = 0; v < kWidth; ++v) positive_y[v] += positive_weight * value[v];
      }
    }
  }

 private:
  __device__ void rescale(T factor) {
    sum *= factor;
#pragma unroll
    for (int v = 0; v < kWidth; ++v) y[v] *= factor;
    if constexpr (kPositive) {
      positive_sum *= factor;
#pragma unroll
      for (int v = 0; v < kWidth; ++v) positive_y[v] *= factor;
    }
  }
};

// --- Long rows -------------------------------------------------------------------------------------------------------

/// States of chunks, which the merge brings to one maximum.
template <class T>
struct SoftmaxPartials {
  T* maximum = nullptr;       // [chunks, H]
  T* sum = nullptr;           // [chunks, H]
  T* positive_sum = nullptr;  // [chunks, H], with positive parts
  T* y = nullptr;             // [chunks, H * C], not yet divided by the sum
  T* positive_y = nullptr;    // [chunks, H * C], with positive parts

  /// A lane's part of a chunk's state; its columns begin at `place_of_y`, and the leader of a head stores its sums.
  template <int kWidth, bool kPositive>
  __device__ void store(const SoftmaxState<T, kWidth, kPositive>& state, std::int64_t row, std::int64_t place_of_y,
                        bool active, bool leader) const {
    if (active) {
      store_streamed<kWidth>(y + place_of_y, state.y);
      if constexpr (kPositive) store_streamed<kWidth>(positive_y + place_of_y, state.positive_y);
    }
    if (!leader) return;
    maximum[row] = state.maximum;
    sum[row] = state.sum;
    if constexpr (kPositive) positive_sum[row] = state.positive_sum;
  }
};

template <class S>
struct SoftmaxMergeArguments {
  using T = Accumulator<S>;
  LongRows long_rows;
  std::int64_t heads;
  std::int64_t channels;
  double dropout_scale;
  SoftmaxPartials<T> partials;
  Rows<S> y;
  Rows<T> maximum;
  Rows<T> sum;
  // With positive parts.
  Rows<S> positive_y{};
  Rows<T> positive_weight{};
};

/// Brings the chunks of a long row to their common maximum, by factors that are rounded as weights are, and adds them,
/// in fp64 and in order.
template <class S, bool kPositive>
__global__ void __launch_bounds__(kMergeThreads, 2) attention_forward_merge(SoftmaxMergeArguments<S> arguments) {
  using T = Accumulator<S>;
  constexpr int kSums = kPositive ? 4 : 2;  // sum, y, positive sum, positive y
  __shared__ T shared_maximum[kMergeParts][kWarpSize];
  __shared__ double shared[kSums][kMergeParts][kWarpSize];
  const SoftmaxPartials<T>& partials = arguments.partials;
  const std::int64_t columns = arguments.heads * arguments.channels;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kWarpSize + threadIdx.x;
  const bool active = column < columns;
  const std::int64_t head = active ? column / arguments.channels : 0;
  ChunkRange chunks = chunks_of_part(arguments.long_rows, blockIdx.x, static_cast<int>(threadIdx.y));
  if (!active) chunks.end = chunks.begin;

  T maximum = -math::kInfinity<T>;
  for_each_chunk(
      chunks, [&](std::int64_t chunk) { return partials.maximum[chunk * arguments.heads + head]; },
      [&](T of_chunk) { maximum = std::fmax(maximum, of_chunk); });
  shared_maximum[threadIdx.y][threadIdx.x] = maximum;
  __syncthreads();
  for (int part = 0; part < kMergeParts; ++part) maximum = std::fmax(maximum, shared_maximum[part][threadIdx.x]);
  const T base = math::softmax_base(maximum);

  struct Chunk {
    T maximum, sums[kSums];
  };
  const auto load = [&](std::int64_t chunk) {
    const std::int64_t row = chunk * arguments.heads + head, place = chunk * columns + column;
    Chunk loaded{partials.maximum[row], {partials.sum[row], partials.y[place]}};
    if constexpr (kPositive) {
      loaded.sums[2] = partials.positive_sum[row];
      loaded.sums[3] = partials.positive_y[place];
    }
    return loaded;
  };
  double sum[kSums] = {};
  for_each_chunk(chunks, load, [&](const Chunk& chunk) {
    const double factor = static_cast<double>(std::exp(chunk.maximum - base));
#pragma unroll
    for (int s = 0; s < kSums; ++s) sum[s] += factor * static_cast<double>(chunk.sums[s]);
  });
#pragma unroll
  for (int s = 0; s < kSums; ++s) shared[s][threadIdx.y][threadIdx.x] = sum[s];
  __syncthreads();
  if (threadIdx.y != 0 || !active) return;
#pragma unroll
  for (int s = 0; s < kSums; ++s) {
    sum[s] = 0;
    for (int part = 0; part < kMergeParts; ++part) sum[s] += shared[s][part][threadIdx.x];
  }

  const std::int64_t row = arguments.long_rows.row[blockIdx.x];
  const auto normal = [&](double total) { return sum[0] == 0 ? T(0) : static_cast<T>(total / sum[0]); };
  const bool leader = column % arguments.channels == 0;
  arguments.y[row][column] = to_storage<S>(normal(sum[1] * arguments.dropout_scale));
  if (leader) {
    arguments.maximum[row][head] = maximum;
    arguments.sum[row][head] = static_cast<T>(sum[0]);
  }
  if constexpr (kPositive) {
    arguments.positive_y[row][column] = to_storage<S>(normal(sum[3] * arguments.dropout_scale));
    if (leader) arguments.positive_weight[row][head] = normal(sum[2]);
  }
}

// --- Backward --------------------------------------------------------------------------------------------------------

/// What an edge needs of its destination and head, side by side: one 16-byte load in fp32.
template <class T>
struct SoftmaxTerms {
  T base;     // subtracted from scores
  T inverse;  // 1 / sum
  T delta;    // <dy, y>
  T score;    // the destination's part of the score, where it is a sum
};
inline constexpr int kSoftmaxTerms = 4;

/// Those of all heads, [destinations, H], as rows of destinations.
template <class T>
Rows<T> rows_of_terms(T* terms, std::int64_t heads) {
  return {terms, heads * kSoftmaxTerms};
}

/// Whose address is aligned to 16 bytes.
template <class T>
__device__ SoftmaxTerms<T> load_terms(const T* terms) {
  constexpr int kWidth = kMaxPackWidth<T>, kLoads = kSoftmaxTerms / kWidth;
  Pack<T, kWidth> packs[kLoads];
#pragma unroll
  for (int n = 0; n < kLoads; ++n) packs[n] = load_read_only<kWidth>(terms + n * kWidth);
  const auto term = [&](int k) { return packs[k / kWidth][k % kWidth]; };
  return {term(0), term(1), term(2), term(3)};
}

/// From what the forward has saved of the row.
template <class T>
__device__ void store_terms(T* terms, T maximum, T sum, T delta, T score) {
  terms[0] = math::softmax_base(maximum);
  terms[1] = math::inverse_sum(sum);
  terms[2] = delta;
  terms[3] = score;
}

}  // namespace warpgnn::kernels
