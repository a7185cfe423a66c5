// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Normalises every row by its own mean and (biased) variance:
/// y_n = gamma (x_n - mean_n) / sqrt(var_n + epsilon) + beta.
///
/// Shapes. x, y [N, F], F >= 1; gamma, beta [F]; mean, inv_std [N], optional; one real dtype.
/// Saved for backward. mean and inv_std = 1 / sqrt(var + epsilon).
/// Writes. Outputs are overwritten; y may be x, and overlaps nothing otherwise.
/// Determinism. Bit-identical reruns; stream-ordered, no allocation, no workspace, can be captured.
/// Errors. `invalid_argument` names the argument.
/// Source. Ba et al. 2016.
struct LayerNorm {
  double epsilon = 1e-5;
  ConstTensorView x{};
  ConstTensorView gamma{};
  ConstTensorView beta{};
};

/// What layer_norm_forward writes and layer_norm_backward reads.
struct LayerNormResult {
  TensorView y{};
  TensorView mean{};
  TensorView inv_std{};
};

/// With z = (x - mean) inv_std and g = gamma dy: dx = inv_std (g - avg(g) - z avg(g z)), avg over the row;
/// dgamma = sum_n dy z, dbeta = sum_n dy. Each gradient is optional and overwritten; dx may be dy.
/// Workspace. partial sums for dgamma and dbeta.
struct LayerNormGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dgamma{};
  TensorView dbeta{};
};

Owned<LayerNormResult> allocate(const Context& context, const LayerNorm& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const LayerNorm& op, const LayerNormResult& result,
                           const LayerNormGradients& gradients);
void layer_norm_forward(const Context& context, const LayerNorm& op, const LayerNormResult& result);
void layer_norm_backward(const Context& context, const LayerNorm& op, const LayerNormResult& result,
                         const LayerNormGradients& gradients, const WorkspaceSource& workspace = {});

}  // namespace warpgnn
