// SPDX-License-Identifier: MIT
#pragma once

/// Adam, for one parameter.

#include <limits>

#include "host/math/functions.hpp"

namespace warpgnn::math {

/// Moments of a parameter without gradient decay for ever; as subnormal numbers they would cost a processor a hundred
/// cycles each, and they change no parameter.
template <class T>
inline constexpr T kSmallestNormal = std::numeric_limits<T>::min();
template <class T>
WARPGNN_MATH T flush_subnormal(T x) {
  return x > -kSmallestNormal<T> && x < kSmallestNormal<T> ? T(0) : x;
}

/// One step's settings, computed in double: in float 1 - 0.999 is 1e-5 off.
template <class T>
struct AdamRates {
  T beta1, beta2, rest1, rest2;  // rest: 1 - beta
  T weight_decay, kept;          // added to the gradient; what the decoupled decay leaves of the value
  T epsilon;
  T step_size;     // learning rate / (1 - beta1^t)
  T second_scale;  // 1 / (1 - beta2^t)
};

/// @param settings an AdamStep, or what has its members; correction1 and 2 are 1 - beta1^t and 1 - beta2^t.
template <class T, class Settings>
WARPGNN_MATH AdamRates<T> adam_rates(const Settings& settings, double correction1, double correction2) {
  return {static_cast<T>(settings.beta1),
          static_cast<T>(settings.beta2),
          static_cast<T>(1 - settings.beta1),
          static_cast<T>(1 - settings.beta2),
          settings.decoupled ? T(0) : static_cast<T>(settings.weight_decay),
          settings.decoupled ? static_cast<T>(1 - settings.learning_rate * settings.weight_decay) : T(1),
          static_cast<T>(settings.epsilon),
          static_cast<T>(settings.learning_rate / correction1),
          static_cast<T>(1 / correction2)};
}

/// Updates a parameter and its moments.
template <class M, class T>
WARPGNN_MATH void adam_update(const AdamRates<T>& rates, T gradient, T& value, T& first_moment, T& second_moment) {
  const T g = gradient + rates.weight_decay * value;
  first_moment = flush_subnormal(rates.beta1 * first_moment + rates.rest1 * g);
  second_moment = flush_subnormal(rates.beta2 * second_moment + rates.rest2 * g * g);
  const T change = rates.step_size * first_moment / (M::sqrt(second_moment * rates.second_scale) + rates.epsilon);
  value = rates.kept * value - change;
}

}  // namespace warpgnn::math
