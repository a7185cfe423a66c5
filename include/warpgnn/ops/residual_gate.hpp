// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// A gate between a result and its residual, row by row: with w the three rows of `weight`,
///   gate_n = sigmoid(<w_0, x_n> + <w_1, residual_n> + <w_2, x_n - residual_n>),
///   y_n = gate_n residual_n + (1 - gate_n) x_n.
///
/// Shapes. x, residual and y [N, F], weight [3, F], gate [N]; F at least 1.
/// Dtypes. x, residual and y: float32, float64, float16 or bfloat16; weight and gate: what that is computed in,
/// accumulator_of().
/// Saved for backward. gate.
/// Writes. Outputs are overwritten and may not overlap each other or an input.
/// Determinism. Bit-identical reruns. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. The gated residual connection of Shi et al. 2021.
struct ResidualGate {
  ConstTensorView x{};
  ConstTensorView residual{};
  ConstTensorView weight{};
};

/// What residual_gate_forward writes and residual_gate_backward reads.
struct ResidualGateResult {
  TensorView y{};
  TensorView gate{};
};

/// dz_n = gate_n (1 - gate_n) <dy_n, residual_n - x_n>;
/// dx_n = (1 - gate_n) dy_n + dz_n (w_0 + w_2),   dresidual_n = gate_n dy_n + dz_n (w_1 - w_2),
/// dweight = the sums over n of dz_n x_n, dz_n residual_n and dz_n (x_n - residual_n). Each is optional.
/// Dtypes as forward, with dy, dx and dresidual like x, dweight like weight.
/// Workspace. dz, and partial sums of dweight.
struct ResidualGateGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dresidual{};
  TensorView dweight{};
};

Owned<ResidualGateResult> allocate(const Context& context, const ResidualGate& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const ResidualGate& op, const ResidualGateResult& result,
                           const ResidualGateGradients& gradients);
void residual_gate_forward(const Context& context, const ResidualGate& op, const ResidualGateResult& result);
void residual_gate_backward(const Context& context, const ResidualGate& op, const ResidualGateResult& result,
                            const ResidualGateGradients& gradients, const WorkspaceSource& workspace = {});

}  // namespace warpgnn
