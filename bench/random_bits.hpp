// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "warpgnn/random.hpp"

/// SplitMix64 (Steele, Lea and Flood 2014): small, fast and the same everywhere. Any draw can be had by its number, so
/// a GPU draws what the host would.
namespace warpgnn::bench {

/// Draw number `draw` of a sequence, from 0.
WARPGNN_HOST_DEVICE inline std::uint64_t random_word(std::uint64_t seed, std::uint64_t draw) {
  std::uint64_t z = seed + (draw + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Uniform in [0, 1).
WARPGNN_HOST_DEVICE inline double random_unit(std::uint64_t seed, std::uint64_t draw) {
  return static_cast<double>(random_word(seed, draw) >> 11) * 0x1p-53;
}

/// Uniform in [0, limit).
WARPGNN_HOST_DEVICE inline std::int64_t random_below(std::uint64_t seed, std::uint64_t draw, std::int64_t limit) {
  return static_cast<std::int64_t>(random_unit(seed, draw) * static_cast<double>(limit));
}

/// Uniform in [-1, 1).
WARPGNN_HOST_DEVICE inline float random_signed(std::uint64_t seed, std::uint64_t draw) {
  return static_cast<float>(static_cast<std::int32_t>(random_word(seed, draw) >> 32)) * 0x1p-31f;
}

/// One draw after the other.
class RandomBits {
 public:
  explicit RandomBits(std::uint64_t seed) : seed_(seed) {}

  double unit() { return random_unit(seed_, draw_++); }
  std::int64_t below(std::int64_t limit) { return random_below(seed_, draw_++, limit); }
  std::uint64_t draws() const { return draw_; }

 private:
  std::uint64_t seed_, draw_ = 0;
};

}  // namespace warpgnn::bench
