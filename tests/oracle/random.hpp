// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "tests/oracle/types.hpp"

namespace oracle {

/// Philox-4x32-10 as published (Salmon et al. 2011): ten rounds over a four-word counter, keys bumped between rounds.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// The seed of a mask that has a counter beside its seed; counter 0: the seed itself.
std::uint64_t counted_seed(std::uint64_t seed, std::int64_t counter);

/// 1/(1-p) where element (row, column) is kept, 0 where it is dropped.
double dropout_factor(double probability, std::uint64_t seed, std::int64_t row, std::int64_t column);

/// x [rows, columns] times its factors.
Reals dropout(const Reals& x, std::int64_t columns, double probability, std::uint64_t seed);

}  // namespace oracle
