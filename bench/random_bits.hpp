#pragma once

#include <cstdint>

#include "warpgnn/tensor.hpp"

namespace warpgnn::bench {

/// SplitMix64 (Steele, Lea and Flood 2014): small, fast and the same everywhere.
class RandomBits {
 public:
  explicit RandomBits(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// Uniform in [0, limit).
  std::int64_t below(std::int64_t limit) { return static_cast<std::int64_t>(unit() * static_cast<double>(limit)); }

 private:
  std::uint64_t state_;
};

/// A tensor of uniform values in [-1, 1), the same for the same shape; float32, or those rounded to 16 bits.
Tensor random_tensor(const Context& context, std::initializer_list<std::int64_t> shape, Dtype dtype = Dtype::float32);

}  // namespace warpgnn::bench
