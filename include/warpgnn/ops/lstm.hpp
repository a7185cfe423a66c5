// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// The element-wise part of an LSTM cell; the products come before, from Linear. With the rows of `gates` cut into
/// a_i, a_f, a_g, a_o: c = sigmoid(a_f) c_previous + sigmoid(a_i) tanh(a_g), h = sigmoid(a_o) tanh(c).
///
/// Shapes. gates [N, 4F], F >= 1; c_previous [N, F] (optional: zeros), c [N, F], h [N, F]; one real dtype.
/// Saved for backward. gates, c_previous and c.
/// Writes. Outputs are overwritten and may not overlap each other or an input.
/// Determinism. Bit-identical reruns; stream-ordered, no allocation, no workspace, can be captured.
/// Errors. `invalid_argument` names the argument.
/// Source. Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
struct LstmCell {
  ConstTensorView gates{};
  ConstTensorView c_previous{};
};

/// What lstm_cell_forward writes and lstm_cell_backward reads.
struct LstmCellResult {
  TensorView c{};
  TensorView h{};
};

/// From dh and dc, the gradients of h and of c by its other uses (optional: none), with t = dc + dh o (1 - tanh(c)^2):
/// dgates = (t g i (1 - i), t c_previous f (1 - f), t i (1 - g^2), dh tanh(c) o (1 - o)) and
/// dc_previous = t f. Each is optional and overwritten; dgates may be gates, and dc_previous may be dc.
struct LstmCellGradients {
  ConstTensorView dh{};
  ConstTensorView dc{};
  TensorView dgates{};
  TensorView dc_previous{};
};

Owned<LstmCellResult> allocate(const Context& context, const LstmCell& op, Purpose purpose = Purpose::training);
void lstm_cell_forward(const Context& context, const LstmCell& op, const LstmCellResult& result);
void lstm_cell_backward(const Context& context, const LstmCell& op, const LstmCellResult& result,
                        const LstmCellGradients& gradients);

}  // namespace warpgnn
