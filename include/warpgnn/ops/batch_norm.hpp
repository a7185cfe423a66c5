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
struct BatchNormForward {
  bool training = true;
  double epsilon = 1e-5;
  double momentum = 0.1;
  ConstTensorView x;
  ConstTensorView gamma;
  ConstTensorView beta;
  TensorView running_mean;
  TensorView running_var;
  TensorView y;
  TensorView saved_mean{};
  TensorView saved_inv_std{};
  Workspace workspace{};
};

/// With z = (x - mean) inv_std: dgamma = sum dy z, dbeta = sum dy,
/// dx = gamma inv_std (dy - dbeta / N - z dgamma / N) for a training forward.
struct BatchNormBackward {
  ConstTensorView x;
  ConstTensorView gamma;
  ConstTensorView saved_mean;
  ConstTensorView saved_inv_std;
  ConstTensorView dy;
  TensorView dx;
  TensorView dgamma;
  TensorView dbeta;
  Workspace workspace{};
};

std::size_t workspace_size(const Context& context, const BatchNormForward& op);
std::size_t workspace_size(const Context& context, const BatchNormBackward& op);
void batch_norm_forward(const Context& context, const BatchNormForward& op);
void batch_norm_backward(const Context& context, const BatchNormBackward& op);

}  // namespace warpgnn
