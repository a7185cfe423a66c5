// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataset.hpp"

namespace train::graphs {

/// Graph numbers, each part increasing. `valid` may be empty.
struct Split {
  std::vector<std::int64_t> train, valid, test;
};

/// Stratified k-fold: every class is dealt out evenly, so the parts' class counts differ by at most one. Fold k tests
/// on part k; with_valid takes part k + 1 out of the training set for validation.
/// Throws UsageError when there are fewer graphs than folds, or with_valid leaves nothing to train on.
std::vector<Split> make_folds(const Categories& labels, std::int64_t folds, std::uint64_t seed, bool with_valid);

/// One stratified split by fractions of each class (train, valid, test, summing to 1).
Split make_split(const Categories& labels, const std::array<double, 3>& fractions, std::uint64_t seed);

}  // namespace train::graphs
