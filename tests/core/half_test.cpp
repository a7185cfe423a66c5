// SPDX-License-Identifier: MIT
#include "warpgnn/half.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace warpgnn {
namespace {

/// The value that the bits of a binary format stand for, from the definition of such formats.
double value_of(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  const std::uint32_t fraction = bits & ((1u << fraction_bits) - 1);
  const std::uint32_t exponent = bits >> fraction_bits & ((1u << exponent_bits) - 1);
  const double sign = bits >> (exponent_bits + fraction_bits) != 0 ? -1 : 1;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  if (exponent == (1u << exponent_bits) - 1) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  const double significand = exponent == 0 ? fraction : fraction + std::ldexp(1.0, fraction_bits);
  return sign * std::ldexp(significand, static_cast<int>(exponent == 0 ? 1 : exponent) - bias - fraction_bits);
}

template <class Half>
struct Format;
template <>
struct Format<Float16> {
  static constexpr int kExponent = 5, kFraction = 10;
};
template <>
struct Format<BFloat16> {
  static constexpr int kExponent = 8, kFraction = 7;
};

template <class Half>
double value_of(Half half) {
  return value_of(half.bits, Format<Half>::kExponent, Format<Half>::kFraction);
}

template <class Half>
class HalfTest : public ::testing::Test {};
using Halves = ::testing::Types<Float16, BFloat16>;
TYPED_TEST_SUITE(HalfTest, Halves);

TYPED_TEST(HalfTest, EveryValueGoesToFloatAndBack) {
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const TypeParam half{static_cast<std::uint16_t>(bits)};
    const double want = value_of(half);
    const float got = to_float(half);
    if (std::isnan(want)) {
      ASSERT_TRUE(std::isnan(got)) << bits;
      ASSERT_TRUE(std::isnan(to_float(from_float<TypeParam>(got)))) << bits;
      continue;
    }
    ASSERT_EQ(static_cast<double>(got), want) << bits;
    ASSERT_EQ(std::signbit(got), bits >= 0x8000u) << bits;
    ASSERT_EQ(from_float<TypeParam>(got).bits, bits);
  }
}

/// Numbers around the middle of two neighbours go to the nearer one, and the middle itself to the even one.
TYPED_TEST(HalfTest, RoundsToNearestEven) {
  const std::uint32_t infinity = ((1u << Format<TypeParam>::kExponent) - 1) << Format<TypeParam>::kFraction;
  for (std::uint32_t bits = 0; bits + 1 < infinity; ++bits) {
    const TypeParam low{static_cast<std::uint16_t>(bits)}, high{static_cast<std::uint16_t>(bits + 1)};
    const auto middle = static_cast<float>((value_of(low) + value_of(high)) / 2);
    const auto even = static_cast<std::uint16_t>(bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(from_float<TypeParam>(middle).bits, even) << bits;
    ASSERT_EQ(from_float<TypeParam>(-middle).bits, even | 0x8000u) << bits;
    ASSERT_EQ(from_float<TypeParam>(std::nextafter(middle, 0.0f)).bits, bits);
    ASSERT_EQ(from_float<TypeParam>(std::nextafter(middle, INFINITY)).bits, bits + 1);
  }
}

TYPED_TEST(HalfTest, WhatIsTooLargeBecomesInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(to_float(from_float<TypeParam>(std::numeric_limits<float>::max())), infinity);
  EXPECT_EQ(to_float(from_float<TypeParam>(-infinity)), -infinity);
  EXPECT_EQ(to_float(from_float<Float16>(65519.0f)), 65504.0f);
  EXPECT_EQ(to_float(from_float<Float16>(65520.0f)), infinity);
}

}  // namespace
}  // namespace warpgnn
