// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "host/cpu/base/vec.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// So many counters go through philox (random.hpp) side by side.
inline constexpr std::int64_t kPhiloxLanes = 16;

/// Counters of four words each, which become the random words of philox.
struct PhiloxLanes {
  std::uint32_t word0[kPhiloxLanes], word1[kPhiloxLanes], word2[kPhiloxLanes], word3[kPhiloxLanes];

  WARPGNN_INLINE void set(std::int64_t lane, std::uint64_t counter_low, std::uint64_t counter_high) {
    word0[lane] = static_cast<std::uint32_t>(counter_low);
    word1[lane] = static_cast<std::uint32_t>(counter_low >> 32);
    word2[lane] = static_cast<std::uint32_t>(counter_high);
    word3[lane] = static_cast<std::uint32_t>(counter_high >> 32);
  }

  /// The ten rounds, of the first `lanes`. (Shared with philox, a round would cost kernels registers.)
  WARPGNN_INLINE void draw(std::uint64_t seed, std::int64_t lanes) {
    constexpr std::uint32_t kStep0 = 0x9E3779B9u, kStep1 = 0xBB67AE85u;
    auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
#pragma omp simd
      for (std::int64_t l = 0; l < lanes; ++l) {
        const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * word0[l],
                            product1 = std::uint64_t{0xCD9E8D57u} * word2[l];
        const std::uint32_t second = word1[l], fourth = word3[l];
        word0[l] = static_cast<std::uint32_t>(product1 >> 32) ^ second ^ key0;
        word1[l] = static_cast<std::uint32_t>(product1);
        word2[l] = static_cast<std::uint32_t>(product0 >> 32) ^ fourth ^ key1;
        word3[l] = static_cast<std::uint32_t>(product0);
      }
      key0 += kStep0;
      key1 += kStep1;
    }
  }
};

/// Random words of up to so many columns are drawn together.
inline constexpr std::int64_t kDropoutColumns = 4 * kPhiloxLanes;

/// words[k] is that of element (row, column + k) in dropout_keeps, for `count` columns, rounded up to a multiple of 4.
/// column % 4 == 0.
WARPGNN_INLINE void dropout_words(std::uint64_t seed, std::int64_t row, std::int64_t column, std::int64_t count,
                                  std::uint32_t* words) {
  const std::int64_t lanes = (count + 3) / 4;
  PhiloxLanes drawn;
  for (std::int64_t l = 0; l < lanes; ++l) {
    drawn.set(l, static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(column / 4 + l));
  }
  drawn.draw(seed, lanes);
  for (std::int64_t l = 0; l < lanes; ++l) {
    words[4 * l] = drawn.word0[l];
    words[4 * l + 1] = drawn.word1[l];
    words[4 * l + 2] = drawn.word2[l];
    words[4 * l + 3] = drawn.word3[l];
  }
}

}  // namespace warpgnn::backend::WARPGNN_ISA
