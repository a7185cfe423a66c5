// SPDX-License-Identifier: MIT
#pragma once

// Elementary functions in a form that the compiler can turn into vector code: no calls, no branches.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "host/cpu/base/vec.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// exp(x) within 2 ulp. Exactly 0 for -inf and below -104, inf above 89, NaN for NaN.
WARPGNN_INLINE float vector_exp(float x) {
  // x = n ln2 + r with |r| <= ln2 / 2; adding 1.5 * 2^23 rounds n to an integer and leaves it in the low bits.
  constexpr float kRound = 12582912.0f;
  const float low = x < -110.0f ? -110.0f : x;
  const float clamped = low > 100.0f ? 100.0f : low;
  const float shifted = clamped * 1.44269504088896341f + kRound;
  const float n = shifted - kRound;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  // 2^n in two factors, so that results in the subnormal range stay exact to the last bit they have.
  const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kRound);
  const std::int32_t half = exponent >> 1;
  const auto power = [](std::int32_t e) { return std::bit_cast<float>(static_cast<std::uint32_t>(e + 127) << 23); };
  return p * power(half) * power(exponent - half);
}

WARPGNN_INLINE double vector_exp(double x) {
  return std::exp(x);
}

WARPGNN_INLINE float vector_tanh(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float large = 1.0f - 2.0f / (vector_exp(2.0f * magnitude) + 1.0f);
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = p * z * x + x;
  const float signed_large = x < 0 ? -large : large;
  return magnitude < 0.625f ? small : signed_large;
}

WARPGNN_INLINE double vector_tanh(double x) {
  return std::tanh(x);
}

/// exp(x) - 1 without the digits that the difference would lose near 0, for x <= 0; what it is above does not matter.
WARPGNN_INLINE float vector_expm1(float x) {
  float series = 1.0f / 5040;
  for (const int factorial : {720, 120, 24, 6, 2, 1}) series = series * x + 1.0f / static_cast<float>(factorial);
  series *= x;
  return x > -0.25f ? series : vector_exp(x > 0 ? 0.0f : x) - 1.0f;
}

WARPGNN_INLINE double vector_expm1(double x) {
  return std::expm1(x);
}

/// What the formulas of host/math are made of here.
struct Math {
  template <class T>
  static WARPGNN_INLINE T exp(T x) {
    return vector_exp(x);
  }
  template <class T>
  static WARPGNN_INLINE T tanh(T x) {
    return vector_tanh(x);
  }
  template <class T>
  static WARPGNN_INLINE T expm1(T x) {
    return vector_expm1(x);
  }
  template <class T>
  static WARPGNN_INLINE T log1p(T x) {
    return std::log1p(x);
  }
  template <class T>
  static WARPGNN_INLINE T sqrt(T x) {
    return std::sqrt(x);
  }
  template <class V>
  static WARPGNN_INLINE V rounded_product(V a, V b) {
#if !defined(__clang__)  // which reads the code, but does not build it
    // Vectors have no branches into which an addition could be pulled, and the builtin would take them apart.
    if constexpr (std::is_arithmetic_v<V>) return __builtin_assoc_barrier(a * b);
#endif
    return a * b;
  }
};

/// Sums of squares below this may have lost some that are too small to be numbers.
template <class T>
inline constexpr T kSafeSquares = sizeof(T) == 4 ? T(0x1p-62) : T(0x1p-510);

template <class T>
WARPGNN_INLINE bool are_safe(T squares) {
  return squares >= kSafeSquares<T> && squares <= std::numeric_limits<T>::max();
}

/// A power of two that brings numbers of this size to about 1, where their squares are safe; 1 for 0, infinity and NaN.
template <class T>
WARPGNN_INLINE T unit_scale(T size) {
  if (!(size > 0 && size <= std::numeric_limits<T>::max())) return T(1);
  constexpr int kMost = std::numeric_limits<T>::max_exponent - 2;
  return std::ldexp(T(1), std::clamp(-std::ilogb(size), -kMost, kMost));
}

template <class T>
WARPGNN_INLINE T largest_magnitude(const T* x, std::int64_t width) {
  T largest = 0;
#pragma omp simd reduction(max : largest)
  for (std::int64_t c = 0; c < width; ++c) {
    const T magnitude = std::abs(x[c]);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

/// Whether `candidate` replaces `best` in a maximum in which the first of equals stays and a NaN beats any number.
template <class T>
WARPGNN_INLINE bool beats(T candidate, T best) {
  // Without short circuits, which would be branches.
  return (candidate > best) | ((candidate != candidate) & (best == best));
}

}  // namespace warpgnn::backend::WARPGNN_ISA
