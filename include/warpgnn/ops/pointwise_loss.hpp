// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// What lies between a prediction x and its target t.
enum class PointwiseLossKind {
  squared,               ///< (x - t)^2
  absolute,              ///< |x - t|
  huber,                 ///< d^2 / 2 where d = |x - t| <= delta, delta (d - delta / 2) beyond
  binary_cross_entropy,  ///< -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)): x is a logit, t a chance
};

/// The mean over elements of a loss between predictions and targets, for regression and for labels that do not exclude
/// each other:
///   loss = sum_nk w_nk l(x_nk, t_nk) / total_weight,   total_weight = sum_nk w_nk.
///
/// An element of weight 0 is not there, whatever stands in its place (an unknown target may be NaN). Where no element
/// counts, the loss is 0.
/// Shapes. prediction, target, weight [N, K] (weight optional: all ones); loss, total_weight [1]. delta > 0, finite.
/// Saved for backward. total_weight.
/// Determinism. The sums are over fixed parts of the rows, in order.
/// Source. Huber 1964; the mean and the form of binary cross entropy that does not overflow as in PyTorch.
struct PointwiseLoss {
  PointwiseLossKind kind = PointwiseLossKind::squared;
  double delta = 1;  ///< of huber
  ConstTensorView prediction{};
  ConstTensorView target{};
  ConstTensorView weight{};
};

/// What pointwise_loss_forward writes and pointwise_loss_backward reads.
struct PointwiseLossResult {
  TensorView loss{};
  TensorView total_weight{};
};

/// dprediction_nk = w_nk l'(x_nk, t_nk) / total_weight; 0 where w_nk = 0, and for `absolute` where x = t. l' is
/// 2 (x - t), the sign of x - t, x - t between -delta and delta, and sigmoid(x) - t.
/// Shapes, options and errors as in PointwiseLoss.
struct PointwiseLossGradients {
  TensorView dprediction{};
};

Owned<PointwiseLossResult> allocate(const Context& context, const PointwiseLoss& op,
                                    Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const PointwiseLoss& op, const PointwiseLossResult& result);
void pointwise_loss_forward(const Context& context, const PointwiseLoss& op, const PointwiseLossResult& result,
                            const WorkspaceSource& workspace = {});
void pointwise_loss_backward(const Context& context, const PointwiseLoss& op, const PointwiseLossResult& result,
                             const PointwiseLossGradients& gradients);

}  // namespace warpgnn
