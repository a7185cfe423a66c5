// SPDX-License-Identifier: MIT
#pragma once

// fp16 as storage: conversions only. Kernels compute in float; arithmetic on __half does not compile here.

#include <cuda_runtime.h>

#include <bit>

// Names and signatures are CUDA's.
// NOLINTBEGIN(bugprone-reserved-identifier, performance-unnecessary-value-param, readability-identifier-naming)
struct alignas(2) __half {
  _Float16 value;
};
using half = __half;
using __half2 = simt::Vector2<__half>;
using half2 = __half2;

inline float __half2float(__half h) {
  return static_cast<float>(h.value);
}
inline __half __float2half(float f) {
  return __half{static_cast<_Float16>(f)};
}
inline __half __float2half_rn(float f) {
  return __float2half(f);
}
inline __half __ushort_as_half(unsigned short bits) {
  return std::bit_cast<__half>(bits);
}
inline unsigned short __half_as_ushort(__half h) {
  return std::bit_cast<unsigned short>(h);
}
inline float2 __half22float2(__half2 h) {
  return {__half2float(h.x), __half2float(h.y)};
}
inline __half2 __floats2half2_rn(float x, float y) {
  return {__float2half(x), __float2half(y)};
}
// NOLINTEND(bugprone-reserved-identifier, performance-unnecessary-value-param, readability-identifier-naming)
