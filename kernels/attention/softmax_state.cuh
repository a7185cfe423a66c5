// SPDX-License-Identifier: MIT
#pragma once

// The online softmax that every attention forward carries along the edges of a row.

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

  /// Adds kEdgesInFlight edges at one rescale. Absent edges have l = -inf and a value of zeros.
  __device__ void absorb(const T (&l)[kEdgesInFlight], const bool (&positive)[kEdgesInFlight],
                         const bool (&kept)[kEdgesInFlight], const Pack<T, kWidth> (&value)[kEdgesInFlight]) {
    T largest = maximum;
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) largest = std::fmax(largest, l[u]);  // passes NaN by; the weights carry it
    const T base = math::softmax_base(largest);
    rescale(std::exp(maximum - base));
    maximum = largest;
#pragma unroll
    for (int u = 0; u < kEdgesInFlight; ++u) {
      const T weight = std::exp(l[u] - base);
      const T dropped = kept[u] ? weight : T(0);
      sum += weight;
#pragma unroll
      for (int v = 0; v < kWidth; ++v) y[v] += dropped * value[u][v];
      if constexpr (kPositive) {
        positive_sum += positive[u] ? weight : T(0);
        const T positive_weight = positive[u] ? dropped : T(0);
#pragma unroll
        for (int v = 0; v < kWidth; ++v) positive_y[v] += positive_weight * value[u][v];
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

}  // namespace warpgnn::kernels
