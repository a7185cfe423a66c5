// SPDX-License-Identifier: MIT
#pragma once

/// Activations and their gradients. Comparisons are written so that NaN takes the branch that keeps it.

#include <type_traits>

#include "host/math/functions.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn::math {

/// 1 / (1 + exp(-x)), from the side on which exp does not overflow: the lower tail keeps its digits.
template <class M, class T>
WARPGNN_MATH T sigmoid(T x) {
  const T e = M::exp(x < T(0) ? x : -x), upper = T(1) / (T(1) + e);
  return x < T(0) ? e * upper : upper;
}

/// From y = sigmoid(x).
template <class T>
WARPGNN_MATH T sigmoid_derivative(T y) {
  return y * (T(1) - y);
}

template <class M, class V, class T>
WARPGNN_MATH V leaky_relu(V x, T slope) {
  return x > V{} ? x : M::rounded_product(filled<V>(slope), x);
}
/// At 0 that of the negative side.
template <class V, class T>
WARPGNN_MATH V leaky_relu_derivative(V x, T slope) {
  return x > V{} ? filled<V>(T(1)) : filled<V>(slope);
}

/// max(x, 0); +0 for -0.
template <class V>
WARPGNN_MATH V relu(V x) {
  return x <= V{} ? V{} : x;
}
/// dy where it came through relu(x), which may be x itself or the result.
template <class V>
WARPGNN_MATH V relu_gradient(V x, V dy) {
  return x <= V{} ? V{} : dy;
}

/// y = activation(x); slope is that of leaky_relu and the alpha of elu.
template <class M, Activation kKind, class T>
WARPGNN_MATH T activation(T x, T slope) {
  if constexpr (kKind == Activation::relu) return relu(x);
  if constexpr (kKind == Activation::leaky_relu) return leaky_relu<M>(x, slope);
  if constexpr (kKind == Activation::elu) return x > T(0) ? x : slope * M::expm1(x);
  if constexpr (kKind == Activation::tanh) return M::tanh(x);
  if constexpr (kKind == Activation::sigmoid) return sigmoid<M>(x);
  if constexpr (kKind == Activation::identity) return x;
}

/// dx from y and dy.
template <Activation kKind, class T>
WARPGNN_MATH T activation_gradient(T y, T dy, T slope) {
  if constexpr (kKind == Activation::relu) return relu_gradient(y, dy);
  if constexpr (kKind == Activation::leaky_relu) return y > T(0) ? dy : slope * dy;
  if constexpr (kKind == Activation::elu) return y > T(0) ? dy : dy * (y + slope);
  if constexpr (kKind == Activation::tanh) return dy * (T(1) - y * y);
  if constexpr (kKind == Activation::sigmoid) return dy * sigmoid_derivative(y);
  if constexpr (kKind == Activation::identity) return dy;
}

/// Calls function(constant) with the activation as a std::integral_constant.
template <class Function>
void with_activation(Activation kind, Function&& function) {
  switch (kind) {
    case Activation::identity: return function(std::integral_constant<Activation, Activation::identity>{});
    case Activation::relu: return function(std::integral_constant<Activation, Activation::relu>{});
    case Activation::leaky_relu: return function(std::integral_constant<Activation, Activation::leaky_relu>{});
    case Activation::elu: return function(std::integral_constant<Activation, Activation::elu>{});
    case Activation::tanh: return function(std::integral_constant<Activation, Activation::tanh>{});
    case Activation::sigmoid: return function(std::integral_constant<Activation, Activation::sigmoid>{});
  }
}

}  // namespace warpgnn::math
