// SPDX-License-Identifier: MIT
#pragma once

/// Losses between a prediction x and its target t, and their derivatives by x. NaN stays NaN.

#include <type_traits>

#include "host/math/activations.hpp"
#include "warpgnn/ops/pointwise_loss.hpp"

namespace warpgnn::math {

template <class M, PointwiseLossKind kKind, class T>
WARPGNN_MATH T pointwise_loss(T x, T t, T delta) {
  const T d = x - t, size = d < T(0) ? -d : d;
  if constexpr (kKind == PointwiseLossKind::squared) return d * d;
  if constexpr (kKind == PointwiseLossKind::absolute) return size;
  if constexpr (kKind == PointwiseLossKind::huber) {
    return size <= delta ? T(0.5) * d * d : delta * (size - T(0.5) * delta);
  }
  if constexpr (kKind == PointwiseLossKind::binary_cross_entropy) {
    // The exponential is of a number that is not positive, so nothing overflows.
    const T magnitude = x < T(0) ? -x : x;
    return (x > T(0) ? x : T(0)) - x * t + M::log1p(M::exp(-magnitude));
  }
}

template <class M, PointwiseLossKind kKind, class T>
WARPGNN_MATH T pointwise_loss_derivative(T x, T t, T delta) {
  const T d = x - t;
  if constexpr (kKind == PointwiseLossKind::squared) return T(2) * d;
  if constexpr (kKind == PointwiseLossKind::absolute) return d > T(0) ? T(1) : d < T(0) ? T(-1) : d;
  if constexpr (kKind == PointwiseLossKind::huber) return d > delta ? delta : d < -delta ? -delta : d;
  if constexpr (kKind == PointwiseLossKind::binary_cross_entropy) return sigmoid<M>(x) - t;
}

/// Calls function(constant) with the kind as a std::integral_constant.
template <class Function>
void with_pointwise_loss(PointwiseLossKind kind, Function&& function) {
  using Kind = PointwiseLossKind;
  switch (kind) {
    case Kind::squared: return function(std::integral_constant<Kind, Kind::squared>{});
    case Kind::absolute: return function(std::integral_constant<Kind, Kind::absolute>{});
    case Kind::huber: return function(std::integral_constant<Kind, Kind::huber>{});
    case Kind::binary_cross_entropy: return function(std::integral_constant<Kind, Kind::binary_cross_entropy>{});
  }
}

}  // namespace warpgnn::math
