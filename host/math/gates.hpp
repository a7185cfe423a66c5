// SPDX-License-Identifier: MIT
#pragma once

/// The learnt gate between a result x and its residual r: y = gate r + (1 - gate) x with
/// gate = sigmoid(z), z = sum over channels of logit_term.

#include "host/math/functions.hpp"

namespace warpgnn::math {

/// A channel's weights: of x, of r, and of x - r. They travel by value: by reference GCC keeps them in memory, and the
/// loop around them is not vectorised.
template <class T>
struct GateWeights {
  T of_x, of_residual, of_difference;
};

template <class T>
WARPGNN_MATH T logit_term(GateWeights<T> weight, T x, T residual) {
  return weight.of_x * x + weight.of_residual * residual + weight.of_difference * (x - residual);
}
template <class T>
WARPGNN_MATH T mixed(T gate, T x, T residual) {
  return gate * residual + (T(1) - gate) * x;
}

/// dgate is the sum over channels of this.
template <class T>
WARPGNN_MATH T gate_gradient_term(T x, T residual, T dy) {
  return dy * (residual - x);
}
template <class T>
WARPGNN_MATH T logit_gradient(T gate, T dgate) {
  return gate * (T(1) - gate) * dgate;
}
/// dx and dresidual of a channel.
template <class T>
WARPGNN_MATH T mixed_gradient(GateWeights<T> weight, T gate, T dz, T dy) {
  return (T(1) - gate) * dy + dz * (weight.of_x + weight.of_difference);
}
template <class T>
WARPGNN_MATH T mixed_residual_gradient(GateWeights<T> weight, T gate, T dz, T dy) {
  return gate * dy + dz * (weight.of_residual - weight.of_difference);
}

}  // namespace warpgnn::math
