// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Batch normalisation over rows (Ioffe and Szegedy 2015): y = gamma (x - mean) / sqrt(var + epsilon) + beta.
///
/// Training: mean and (biased) variance of the batch, and running = (1 - momentum) running + momentum batch, with the
/// unbiased variance, as PyTorch does; needs N >= 1 (a single row has variance 0 and leaves running_var untouched).
/// Evaluation: the running statistics; saved_* are then not written.
/// Shapes. x, y [N, F]; gamma, beta, running_mean, running_var, saved_mean, saved_inv_std [F].
/// Saved for backward. saved_mean, saved_inv_std.
struct BatchNorm {
  bool training = true;
  double epsilon = 1e-5;
  double momentum = 0.1;
  ConstTensorView x{};
  ConstTensorView gamma{};
  ConstTensorView beta{};
};

/// What batch_norm_forward writes and batch_norm_backward reads.
struct BatchNormResult {
  TensorView y{};
  TensorView running_mean{};
  TensorView running_var{};
  TensorView saved_mean{};
  TensorView saved_inv_std{};
};

/// With z = (x - mean) inv_std: dgamma = sum dy z, dbeta = sum dy,
/// dx = gamma inv_std (dy - dbeta / N - z dgamma / N) for a training forward. Each is optional.
struct BatchNormGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dgamma{};
  TensorView dbeta{};
};

std::size_t workspace_size(const Context& context, const BatchNorm& op, const BatchNormResult& result);
std::size_t workspace_size(const Context& context, const BatchNorm& op, const BatchNormResult& result,
                           const BatchNormGradients& gradients);
void batch_norm_forward(const Context& context, const BatchNorm& op, const BatchNormResult& result,
                        const WorkspaceSource& workspace = {});
void batch_norm_backward(const Context& context, const BatchNorm& op, const BatchNormResult& result,
                         const BatchNormGradients& gradients, const WorkspaceSource& workspace = {});

}  // namespace warpgnn
