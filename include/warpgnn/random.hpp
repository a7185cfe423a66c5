// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#ifndef WARPGNN_HOST_DEVICE
#ifdef __CUDACC__
#define WARPGNN_HOST_DEVICE __host__ __device__
#else
#define WARPGNN_HOST_DEVICE
#endif
#endif

namespace warpgnn {

/// Four random words for one counter: Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011). A pure function of its arguments, so any order of evaluation sees the same numbers.
struct PhiloxWords {
  std::uint32_t word[4];
};

/// The words of a counter of 128 bits under a key of 64.
WARPGNN_HOST_DEVICE inline PhiloxWords philox(std::uint64_t key, std::uint64_t counter_low,
                                              std::uint64_t counter_high) {
  constexpr std::uint32_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  std::uint32_t key0 = static_cast<std::uint32_t>(key), key1 = static_cast<std::uint32_t>(key >> 32);
  std::uint32_t c0 = static_cast<std::uint32_t>(counter_low), c1 = static_cast<std::uint32_t>(counter_low >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(counter_high), c3 = static_cast<std::uint32_t>(counter_high >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = static_cast<std::uint64_t>(kMultiplier0) * c0;
    const std::uint64_t product1 = static_cast<std::uint64_t>(kMultiplier1) * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<std::uint32_t>(product1);
    c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<std::uint32_t>(product0);
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return PhiloxWords{{c0, c1, c2, c3}};
}

/// An element is kept when its random word is at least this: p = 0 keeps all.
WARPGNN_HOST_DEVICE inline std::uint32_t dropout_threshold(double probability) {
  return static_cast<std::uint32_t>(probability * 4294967296.0);
}

/// The seed in force where dropout has a counter beside its seed: seed + counter * 0xD1342543DE82EF95, modulo 2^64. A
/// counter of 0 leaves the seed as it is. Two million seeds that lie 0x9E3779B97F4A7C15 apart, as those of one session
/// and step do, meet none of each other's within 2^41 counts.
WARPGNN_HOST_DEVICE inline std::uint64_t dropout_seed(std::uint64_t seed, std::int64_t counter) {
  return seed + static_cast<std::uint64_t>(counter) * 0xD1342543DE82EF95u;
}

/// Whether dropout keeps element (row, column) under `seed`: word column % 4 of philox(seed, row, column / 4).
/// Rows are edge ids in the caller's order for attention and row numbers for features; columns are heads or features.
WARPGNN_HOST_DEVICE inline bool dropout_keeps(std::uint64_t seed, std::uint32_t threshold, std::int64_t row,
                                              std::int64_t column) {
  const PhiloxWords words = philox(seed, static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(column) / 4);
  return words.word[column % 4] >= threshold;
}

}  // namespace warpgnn
