// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Cross entropy between the classes' chances and targets that are chances themselves, or counts: several labels of one
/// row, soft labels, or how often each class was seen. With l_nk = -log softmax(logits_n)_k:
///   loss = sum_nk target_nk l_nk / total_weight,
///   row_weight_n = sum_k target_nk,   total_weight = sum_n row_weight_n.
///
/// A row counts as much as its targets sum to. A class of target 0 has no loss of its own, whatever its logit, and a
/// row of zeros counts nowhere; where no row counts, the loss is 0. With a single target of 1 in each row it is
/// CrossEntropy, and with one of c the same of a row that comes c times.
/// Shapes. logits, target [N, K], K >= 1; loss, total_weight [1]; maximum, sum, row_weight [N]. Targets are not
/// negative; that is not checked.
/// Saved for backward. maximum and sum of exp(logits_n - maximum_n), row_weight and total_weight; nothing of [N, K].
/// Determinism. The sums are over fixed parts of the rows and columns, in order.
/// Source. The loss of PyTorch's cross_entropy with class probabilities, which divides by N: the same where each row's
/// targets sum to 1.
struct SoftCrossEntropy {
  ConstTensorView logits{};
  ConstTensorView target{};
};

/// What soft_cross_entropy_forward writes and soft_cross_entropy_backward reads.
struct SoftCrossEntropyResult {
  TensorView loss{};
  TensorView total_weight{};
  TensorView maximum{};
  TensorView sum{};
  TensorView row_weight{};
};

/// dlogits_nk = (row_weight_n softmax(logits_n)_k - target_nk) / total_weight; 0 in rows that do not count. dlogits may
/// be logits. Shapes and errors as in SoftCrossEntropy.
struct SoftCrossEntropyGradients {
  TensorView dlogits{};
};

Owned<SoftCrossEntropyResult> allocate(const Context& context, const SoftCrossEntropy& op,
                                       Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const SoftCrossEntropy& op, const SoftCrossEntropyResult& result);
void soft_cross_entropy_forward(const Context& context, const SoftCrossEntropy& op,
                                const SoftCrossEntropyResult& result, const WorkspaceSource& workspace = {});
void soft_cross_entropy_backward(const Context& context, const SoftCrossEntropy& op,
                                 const SoftCrossEntropyResult& result, const SoftCrossEntropyGradients& gradients);

}  // namespace warpgnn
