// SPDX-License-Identifier: MIT
#include "warpgnn/random.hpp"

#include <gtest/gtest.h>

#include "tests/oracle/random.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

TEST(Philox, KnownAnswers) {
  const auto expect_words = [](const PhiloxWords& got, std::array<std::uint32_t, 4> want) {
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(got.word[k], want[k]) << "word " << k;
  };
  expect_words(philox(0, 0, 0), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  expect_words(philox(~0ull, ~0ull, ~0ull), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  expect_words(philox(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e),
               {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST(Philox, AgreesWithTheOracle) {
  Rng rng;
  for (int k = 0; k < 1000; ++k) {
    const std::uint64_t key = rng.next(), low = rng.next(), high = rng.next();
    const PhiloxWords got = philox(key, low, high);
    const auto half = [](std::uint64_t word, int shift) { return static_cast<std::uint32_t>(word >> shift); };
    const auto want =
        oracle::philox4x32({half(low, 0), half(low, 32), half(high, 0), half(high, 32)}, {half(key, 0), half(key, 32)});
    for (std::size_t w = 0; w < 4; ++w) EXPECT_EQ(got.word[w], want[w]);
  }
}

TEST(Dropout, Threshold) {
  EXPECT_EQ(dropout_threshold(0), 0u);
  EXPECT_EQ(dropout_threshold(0.5), 0x80000000u);
  EXPECT_EQ(dropout_threshold(0.75), 0xC0000000u);
}

TEST(Dropout, KeepsWhatTheOracleKeeps) {
  Rng rng;
  for (const double probability : {0.0, 0.1, 0.5, 0.9}) {
    const std::uint64_t seed = rng.next();
    std::int64_t kept = 0;
    for (std::int64_t row = 0; row < 2000; ++row) {
      for (std::int64_t column = 0; column < 9; ++column) {
        const bool keeps = dropout_keeps(seed, dropout_threshold(probability), row, column);
        EXPECT_EQ(keeps, oracle::dropout_factor(probability, seed, row, column) > 0);
        kept += keeps;
      }
    }
    const double expected = 18000 * (1 - probability);
    EXPECT_NEAR(static_cast<double>(kept), expected, 5 * std::sqrt(expected * probability) + 0.5);
  }
}

TEST(Dropout, TheCounterMovesTheSeed) {
  EXPECT_EQ(dropout_seed(77, 0), 77u);
  EXPECT_EQ(dropout_seed(0, 1), 0xD1342543DE82EF95u);
  EXPECT_EQ(dropout_seed(0xD1342543DE82EF95u, -1), 0u);
  Rng rng;
  for (int k = 0; k < 100; ++k) {
    const std::uint64_t seed = rng.next();
    const auto counter = static_cast<std::int64_t>(rng.next());
    EXPECT_EQ(dropout_seed(seed, counter), oracle::counted_seed(seed, counter));
  }
}

TEST(Dropout, RowsBeyond32BitsAreDifferentRows) {
  int different = 0;
  for (std::int64_t row = 0; row < 100; ++row) {
    different +=
        dropout_keeps(7, 0x80000000u, row, 0) != dropout_keeps(7, 0x80000000u, row + (std::int64_t{1} << 32), 0);
  }
  EXPECT_GT(different, 20);
}

}  // namespace
}  // namespace warpgnn::test
