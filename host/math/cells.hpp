// SPDX-License-Identifier: MIT
#pragma once

/// The element-wise parts of recurrent cells, for one feature.

#include "host/math/activations.hpp"

namespace warpgnn::math {

/// The gates of an LSTM cell after their functions. They travel by value: by reference GCC keeps them in memory, and
/// the loop around them is not vectorised.
template <class T>
struct LstmGates {
  T input, forget, candidate, output;

  template <class M>
  static WARPGNN_MATH LstmGates of(T input, T forget, T candidate, T output) {
    return {sigmoid<M>(input), sigmoid<M>(forget), M::tanh(candidate), sigmoid<M>(output)};
  }
};

template <class T>
struct LstmState {
  T c, h;
};
template <class M, class T>
WARPGNN_MATH LstmState<T> lstm_cell(LstmGates<T> gates, T c_previous) {
  const T c = gates.forget * c_previous + gates.input * gates.candidate;
  return {c, gates.output * M::tanh(c)};
}

/// Gradients of the gates before their functions, and of the state before.
template <class T>
struct LstmGradients {
  T input, forget, candidate, output, c_previous;
};
template <class M, class T>
WARPGNN_MATH LstmGradients<T> lstm_gradients(LstmGates<T> gates, T c_previous, T c, T dh, T dc) {
  const T i = gates.input, f = gates.forget, g = gates.candidate, o = gates.output, squashed = M::tanh(c);
  const T total = dc + dh * o * (T(1) - squashed * squashed);
  return {total * g * i * (T(1) - i), total * c_previous * f * (T(1) - f), total * i * (T(1) - g * g),
          dh * squashed * o * (T(1) - o), total * f};
}

/// The gates of a GRU cell after their functions, from what they get from the input and from the state before.
template <class T>
struct GruGates {
  T reset, update, candidate;

  template <class M>
  static WARPGNN_MATH GruGates of(T reset, T update, T input_candidate, T hidden_candidate) {
    const T r = sigmoid<M>(reset);
    return {r, sigmoid<M>(update), M::tanh(input_candidate + r * hidden_candidate)};
  }
};
template <class T>
WARPGNN_MATH T gru_cell(GruGates<T> gates, T h_previous) {
  return (T(1) - gates.update) * gates.candidate + gates.update * h_previous;
}

/// Gradients of the gates before their functions, of the candidate's part from the state, and of the state itself.
template <class T>
struct GruGradients {
  T reset, update, input_candidate, hidden_candidate, h_previous;
};
template <class T>
WARPGNN_MATH GruGradients<T> gru_gradients(GruGates<T> gates, T hidden_candidate, T h_previous, T dh) {
  const T r = gates.reset, z = gates.update, n = gates.candidate;
  const T dn = dh * (T(1) - z) * (T(1) - n * n);
  return {dn * hidden_candidate * r * (T(1) - r), dh * (h_previous - n) * z * (T(1) - z), dn, dn * r, dh * z};
}

}  // namespace warpgnn::math
