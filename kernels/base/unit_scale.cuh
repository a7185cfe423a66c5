// SPDX-License-Identifier: MIT
#pragma once

// Powers of two that keep sums of squares in range.

#include <cuda_runtime.h>

#include <limits>

namespace warpgnn::kernels {

template <class T>
inline constexpr T kLargest = std::numeric_limits<T>::max();
template <class T>
inline constexpr T kSmallest = std::numeric_limits<T>::min();

/// A power of two that brings numbers of this size to about 1, where their squares are safe; 1 for 0, infinity and NaN.
/// Its exponent is that of `size` turned round, as far as both are normal numbers.
__device__ inline float unit_scale(float size) {
  if (!(size > 0.0f && size <= kLargest<float>)) return 1.0f;
  const int exponent = __float_as_int(size) >> 23, turned = 254 - exponent;
  return __int_as_float((turned < 1 ? 1 : turned > 253 ? 253 : turned) << 23);
}
__device__ inline double unit_scale(double size) {
  if (!(size > 0.0 && size <= kLargest<double>)) return 1.0;
  const long long exponent = __double_as_longlong(size) >> 52, turned = 2046 - exponent;
  return __longlong_as_double((turned < 1 ? 1 : turned > 2045 ? 2045 : turned) << 52);
}

/// The reciprocal of such a power of two.
__device__ inline float reciprocal_scale(float scale) {
  return __int_as_float((254 << 23) - __float_as_int(scale));
}
__device__ inline double reciprocal_scale(double scale) {
  return __longlong_as_double((2046LL << 52) - __double_as_longlong(scale));
}

}  // namespace warpgnn::kernels
