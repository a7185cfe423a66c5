// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// The element-wise part of a GRU cell; the products come before, from Linear, of the input and of the state apart.
/// With the rows of `input` and `hidden` cut into a_r, a_z, a_n and b_r, b_z, b_n:
///   r = sigmoid(a_r + b_r),  z = sigmoid(a_z + b_z),  n = tanh(a_n + r b_n),  h = (1 - z) n + z h_previous.
///
/// Shapes. input, hidden [N, 3F], F >= 1; h_previous, h [N, F]; one real dtype.
/// Saved for backward. All inputs.
/// Writes. h is overwritten; it may be h_previous, and overlaps nothing otherwise.
/// Determinism. Bit-identical reruns; stream-ordered, no allocation, no workspace, can be captured.
/// Errors. `invalid_argument` names the argument.
/// Source. Cho et al. 2014, with the reset gate behind the product, as in PyTorch and cuDNN.
struct GruCell {
  ConstTensorView input{};
  ConstTensorView hidden{};
  ConstTensorView h_previous{};
};

/// What gru_cell_forward writes.
struct GruCellResult {
  TensorView h{};
};

/// With dn = dh (1 - z) (1 - n^2): dinput = (dn b_n r (1 - r), dh (h_previous - n) z (1 - z), dn),
/// dhidden = (the same, the same, dn r), dh_previous = dh z, the part of the gradient that does not go through
/// `hidden`. Each is optional and overwritten; dinput may be input, dhidden may be hidden, and dh_previous may be dh.
struct GruCellGradients {
  ConstTensorView dh{};
  TensorView dinput{};
  TensorView dhidden{};
  TensorView dh_previous{};
};

Owned<GruCellResult> allocate(const Context& context, const GruCell& op, Purpose purpose = Purpose::training);
void gru_cell_forward(const Context& context, const GruCell& op, const GruCellResult& result);
void gru_cell_backward(const Context& context, const GruCell& op, const GruCellGradients& gradients);

}  // namespace warpgnn
