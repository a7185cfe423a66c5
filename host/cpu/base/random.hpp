// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "host/cpu/base/vec.hpp"
#include "warpgnn/random.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// Random words for up to so many columns are made side by side.
inline constexpr std::int64_t kDropoutColumns = 64;

/// words[k] is that of element (row, column + k) in dropout_keeps, for `count` columns, rounded up to a multiple of 4.
/// column % 4 == 0.
WARPGNN_INLINE void dropout_words(std::uint64_t seed, std::int64_t row, std::int64_t column, std::int64_t count,
                                  std::uint32_t* words) {
  constexpr int kMostBlocks = kDropoutColumns / 4;
  const int blocks = static_cast<int>((count + 3) / 4);
  const auto low = static_cast<std::uint32_t>(row), high = static_cast<std::uint32_t>(row >> 32);
  const auto first = static_cast<std::uint64_t>(column) / 4;
  std::uint32_t c0[kMostBlocks], c1[kMostBlocks], c2[kMostBlocks], c3[kMostBlocks];
#pragma omp simd
  for (int b = 0; b < blocks; ++b) {
    c0[b] = low;
    c1[b] = high;
    c2[b] = static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(b);
    c3[b] = static_cast<std::uint32_t>((first + static_cast<std::uint64_t>(b)) >> 32);
  }
  // The rounds of philox, which as a function of its own would cost kernels registers.
  constexpr std::uint32_t kStep0 = 0x9E3779B9u, kStep1 = 0xBB67AE85u;
  auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int b = 0; b < blocks; ++b) {
      const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * c0[b], product1 = std::uint64_t{0xCD9E8D57u} * c2[b];
      const std::uint32_t word1 = c1[b], word3 = c3[b];
      c0[b] = static_cast<std::uint32_t>(product1 >> 32) ^ word1 ^ key0;
      c1[b] = static_cast<std::uint32_t>(product1);
      c2[b] = static_cast<std::uint32_t>(product0 >> 32) ^ word3 ^ key1;
      c3[b] = static_cast<std::uint32_t>(product0);
    }
    key0 += kStep0;
    key1 += kStep1;
  }
  for (int b = 0; b < blocks; ++b) {
    words[4 * b] = c0[b];
    words[4 * b + 1] = c1[b];
    words[4 * b + 2] = c2[b];
    words[4 * b + 3] = c3[b];
  }
}

}  // namespace warpgnn::backend::WARPGNN_ISA
