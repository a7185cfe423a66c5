// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "tests/oracle/types.hpp"
#include "warpgnn/dtype.hpp"

namespace warpgnn::test {

/// The full name of the running test, parameter included.
std::string test_name();
/// FNV-1a of the test's full name, or WARPGNN_TEST_SEED from the environment.
std::uint64_t test_seed();

/// A small generator (SplitMix64) whose numbers are the same everywhere.
class Rng {
 public:
  explicit Rng(std::uint64_t seed = test_seed()) : state_(seed) {}
  /// One whose real numbers are numbers of `storage` too: for tests of rows stored in 16 bits.
  explicit Rng(Dtype storage) : state_(test_seed()), storage_(storage) {}

  std::uint64_t next();
  std::int64_t below(std::int64_t limit);
  /// In [low, high), rounded to a float so that it is the same number in both precisions.
  double real(double low, double high);
  oracle::Reals reals(std::size_t count, double low = -1, double high = 1);
  /// Whole numbers in [low, high].
  oracle::Reals integers(std::size_t count, std::int64_t low, std::int64_t high);
  /// All different by at least 1/64, in random order, centred on zero.
  oracle::Reals distinct(std::size_t count);
  oracle::Ids permutation(std::size_t count);

 private:
  std::uint64_t state_;
  Dtype storage_ = Dtype::float32;
};

/// The number of `storage` nearest to a value; float64 keeps it.
double rounded_to(Dtype storage, double value);

/// Moves each value that is nearer to zero than `distance` away from it, so that a difference quotient stays on one
/// side of a kink there.
oracle::Reals away_from_zero(oracle::Reals values, double distance = 1e-3);

}  // namespace warpgnn::test
