#pragma once

// What every softmax here shares.

#include <cuda_runtime.h>

#include <cmath>
#include <limits>

namespace warpgnn::kernels {

template <class T>
inline constexpr T kInfinity = std::numeric_limits<T>::infinity();

/// What a maximum is subtracted as: 0 stands in for -inf, so that exp(-inf - base) is 0 and never NaN.
template <class T>
__device__ T softmax_base(T maximum) {
  return maximum == -kInfinity<T> ? T(0) : maximum;
}

/// exp(l - lse); 0 in rows without any weight, where lse is -inf.
template <class T>
__device__ T softmax_weight(T l, T lse) {
  return lse == -kInfinity<T> ? T(0) : std::exp(l - lse);
}

}  // namespace warpgnn::kernels
