// SPDX-License-Identifier: MIT
#include "tests/oracle/random.hpp"

namespace oracle {
namespace {

std::uint32_t low(std::uint64_t word) {
  return static_cast<std::uint32_t>(word & 0xFFFFFFFFu);
}
std::uint32_t high(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 32);
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    if (round > 0) {
      key[0] += 0x9E3779B9u;  // the golden ratio
      key[1] += 0xBB67AE85u;  // sqrt(3) - 1
    }
    const std::uint64_t left = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t right = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {high(right) ^ counter[1] ^ key[0], low(right), high(left) ^ counter[3] ^ key[1], low(left)};
  }
  return counter;
}

std::uint64_t counted_seed(std::uint64_t seed, std::int64_t counter) {
  return 0xD1342543DE82EF95u * static_cast<std::uint64_t>(counter) + seed;
}

double dropout_factor(double probability, std::uint64_t seed, std::int64_t row, std::int64_t column) {
  const auto row_bits = static_cast<std::uint64_t>(row);
  const auto group = static_cast<std::uint64_t>(column / 4);
  const auto words = philox4x32({low(row_bits), high(row_bits), low(group), high(group)}, {low(seed), high(seed)});
  const double word = words[static_cast<std::size_t>(column % 4)];
  return word >= std::floor(probability * 4294967296.0) ? 1.0 / (1.0 - probability) : 0.0;
}

Reals dropout(const Reals& x, std::int64_t columns, double probability, std::uint64_t seed) {
  Reals y(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    const auto index = static_cast<std::int64_t>(k);
    y[k] = x[k] * dropout_factor(probability, seed, index / columns, index % columns);
  }
  return y;
}

}  // namespace oracle
