// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace warpgnn {

/// The two 16-bit formats that tensors may be stored in. They are storage only: whatever computes converts to float
/// first. Conversions to float are exact; from float they round to nearest, ties to even, overflow to infinity, keep
/// subnormals, and keep NaN a NaN.

/// IEEE 754 binary16: 11 significant bits, up to 65504.
struct Float16 {
  std::uint16_t bits = 0;
};

/// The upper half of a float32: 8 significant bits, the range of float32.
struct BFloat16 {
  std::uint16_t bits = 0;
};

/// The number itself: exact.
[[gnu::always_inline]] constexpr float to_float(BFloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

/// The number itself: exact.
[[gnu::always_inline]] constexpr float to_float(Float16 value) {
  const std::uint32_t sign = static_cast<std::uint32_t>(value.bits & 0x8000u) << 16;
  const std::uint32_t magnitude = value.bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | magnitude << 13);  // infinity and NaN
  // Read as a float, the shifted bits are the value times 2^-112; the product is exact, subnormals included.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
}

/// The nearest number of the 16-bit type, of two the even one.
template <class Half>
constexpr Half from_float(float value);

template <>
[[gnu::always_inline]] constexpr BFloat16 from_float<BFloat16>(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return BFloat16{static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
  return BFloat16{static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

template <>
[[gnu::always_inline]] constexpr Float16 from_float<Float16>(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const auto with_sign = [&](std::uint32_t half) { return Float16{static_cast<std::uint16_t>(sign | half)}; };
  if (magnitude > 0x7f800000u) return with_sign(0x7e00u | (magnitude >> 13 & 0x1ffu));
  if (magnitude >= 0x477ff000u) return with_sign(0x7c00u);  // 65520 and more round to infinity
  if (magnitude < 0x38800000u) {
    // Below 2^-14 a half counts in steps of 2^-24: adding 1/2 leaves those steps in the low bits, rounded.
    const float stepped = std::bit_cast<float>(magnitude) + 0.5f;
    return with_sign(std::bit_cast<std::uint32_t>(stepped) - std::bit_cast<std::uint32_t>(0.5f));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return with_sign((rounded - 0x38000000u) >> 13);
}

/// Whether T is one of the two.
template <class T>
inline constexpr bool is_half_type = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

/// What ops compute in when a tensor is stored as S: float for the 16-bit formats, S itself otherwise.
template <class S>
using Accumulator = std::conditional_t<is_half_type<S>, float, S>;

}  // namespace warpgnn
