// SPDX-License-Identifier: MIT
#pragma once

/// What every softmax shares. Its maximum and its sum are kept apart: one log-sum-exp would carry the rounding of large
/// scores into every weight that is made from it.

#include <limits>

#include "host/math/functions.hpp"

namespace warpgnn::math {

template <class T>
inline constexpr T kInfinity = std::numeric_limits<T>::infinity();

/// What a maximum is subtracted as: 0 stands in for -inf, so that exp(-inf - base) is 0 and never NaN.
template <class T>
WARPGNN_MATH T softmax_base(T maximum) {
  return maximum == -kInfinity<T> ? T(0) : maximum;
}

/// A sum of 0 is that of no elements, or of nothing but -inf.
template <class T>
WARPGNN_MATH T inverse_sum(T sum) {
  return sum == T(0) ? T(0) : T(1) / sum;
}

/// The weight of a score, divided by a temperature of 1 / sharpness.
template <class M, class T>
WARPGNN_MATH T softmax_weight(T score, T maximum, T sum, T sharpness = T(1)) {
  return M::exp((score - softmax_base(maximum)) * sharpness) * inverse_sum(sum);
}

}  // namespace warpgnn::math
