#pragma once

// What every softmax here shares. Its maximum and its sum are kept apart: their log-sum-exp would carry the rounding of
// large scores into every weight that is made from it.

#include <limits>

#include "host/cpu/base/math.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

template <class T>
inline constexpr T kLowest = -std::numeric_limits<T>::infinity();

/// What a maximum is subtracted as: 0 stands in for -inf, so that exp(-inf - base) is 0 and never NaN.
template <class T>
WARPGNN_INLINE T softmax_base(T maximum) {
  return maximum == kLowest<T> ? T(0) : maximum;
}
/// A sum of 0 is that of no elements, or of nothing but -inf.
template <class T>
WARPGNN_INLINE T inverse_sum(T sum) {
  return sum == T(0) ? T(0) : T(1) / sum;
}
/// The weight of a score, divided by a temperature of 1 / sharpness.
template <class T>
WARPGNN_INLINE T softmax_weight(T score, T maximum, T sum, T sharpness = T(1)) {
  return vector_exp((score - softmax_base(maximum)) * sharpness) * inverse_sum(sum);
}

}  // namespace warpgnn::backend::WARPGNN_ISA
