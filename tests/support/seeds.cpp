// SPDX-License-Identifier: MIT
#include "tests/support/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

namespace warpgnn::test {

std::string test_name() {
  const ::testing::TestInfo* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  return info == nullptr ? "none" : std::string(info->test_suite_name()) + "." + info->name();
}

std::uint64_t test_seed() {
  if (const char* const given = std::getenv("WARPGNN_TEST_SEED")) return std::strtoull(given, nullptr, 0);
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : test_name()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

double rounded_to(Dtype storage, double value) {
  const auto single = static_cast<float>(value);
  switch (storage) {
    case Dtype::float64: return value;
    case Dtype::float16: return static_cast<double>(to_float(from_float<Float16>(single)));
    case Dtype::bfloat16: return static_cast<double>(to_float(from_float<BFloat16>(single)));
    default: return static_cast<double>(single);
  }
}

std::uint64_t Rng::next() {
  state_ += 0x9E3779B97F4A7C15u;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::int64_t Rng::below(std::int64_t limit) {
  return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(limit));
}

double Rng::real(double low, double high) {
  const double unit = static_cast<double>(next() >> 11) * 0x1p-53;
  return rounded_to(storage_, low + (high - low) * unit);
}

oracle::Reals Rng::reals(std::size_t count, double low, double high) {
  oracle::Reals values(count);
  for (double& value : values) value = real(low, high);
  return values;
}

oracle::Reals Rng::integers(std::size_t count, std::int64_t low, std::int64_t high) {
  oracle::Reals values(count);
  for (double& value : values) value = static_cast<double>(low + below(high - low + 1));
  return values;
}

oracle::Reals Rng::distinct(std::size_t count) {
  oracle::Reals values(count);
  const oracle::Ids order = permutation(count);
  for (std::size_t k = 0; k < count; ++k) {
    values[k] = (static_cast<double>(order[k]) - static_cast<double>(count) / 2) / 64;
  }
  return values;
}

oracle::Ids Rng::permutation(std::size_t count) {
  oracle::Ids order(count);
  for (std::size_t k = 0; k < count; ++k) order[k] = static_cast<std::int64_t>(k);
  for (std::size_t k = count; k > 1; --k) {
    std::swap(order[k - 1], order[static_cast<std::size_t>(below(static_cast<std::int64_t>(k)))]);
  }
  return order;
}

oracle::Reals away_from_zero(oracle::Reals values, double distance) {
  for (double& value : values) {
    if (std::abs(value) < distance) value = value < 0 ? value - distance : value + distance;
  }
  return values;
}

}  // namespace warpgnn::test
