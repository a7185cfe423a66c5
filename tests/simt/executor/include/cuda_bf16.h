// SPDX-License-Identifier: MIT
#pragma once

// bf16 as storage: conversions only. Kernels compute in float; arithmetic on __nv_bfloat16 does not compile here.

#include <cuda_runtime.h>

#include <bit>
#include <cmath>

// Names and signatures are CUDA's.
// NOLINTBEGIN(bugprone-reserved-identifier, performance-unnecessary-value-param, readability-identifier-naming)
/// The upper half of a float.
struct alignas(2) __nv_bfloat16 {
  std::uint16_t bits;
};
using __nv_bfloat162 = simt::Vector2<__nv_bfloat16>;

inline float __bfloat162float(__nv_bfloat16 b) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(b.bits) << 16);
}
/// Rounds to nearest, ties to even.
inline __nv_bfloat16 __float2bfloat16(float f) {
  if (std::isnan(f)) return __nv_bfloat16{0x7fff};
  const auto bits = std::bit_cast<std::uint32_t>(f);
  const std::uint32_t half_of_the_lost_part = 0x7fffu + (bits >> 16 & 1u);
  return __nv_bfloat16{static_cast<std::uint16_t>((bits + half_of_the_lost_part) >> 16)};
}
inline __nv_bfloat16 __float2bfloat16_rn(float f) {
  return __float2bfloat16(f);
}
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) {
  return __nv_bfloat16{bits};
}
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 b) {
  return b.bits;
}
inline float2 __bfloat1622float2(__nv_bfloat162 b) {
  return {__bfloat162float(b.x), __bfloat162float(b.y)};
}
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) {
  return {__float2bfloat16(x), __float2bfloat16(y)};
}
// NOLINTEND(bugprone-reserved-identifier, performance-unnecessary-value-param, readability-identifier-naming)
