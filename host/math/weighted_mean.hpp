// SPDX-License-Identifier: MIT
#pragma once

#include "host/math/functions.hpp"

namespace warpgnn::math {

/// Two sums make a mean: of the weighted terms, and of their weights.
inline constexpr int kMeanSums = 2;

/// The mean, 0 where nothing counts, and the weight of all terms.
template <class T>
WARPGNN_MATH void store_mean(const double (&sums)[kMeanSums], T* mean, T* total_weight) {
  *mean = static_cast<T>(sums[1] == 0 && sums[0] == 0 ? 0.0 : sums[0] / sums[1]);
  *total_weight = static_cast<T>(sums[1]);
}

}  // namespace warpgnn::math
