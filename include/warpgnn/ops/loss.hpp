// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "warpgnn/context.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Cross entropy of the classes, with w the class weights and s the smoothing, l_k = -log softmax(logits_n)_k:
///   loss = sum over rows of ((1 - s) w_label l_label + s / K sum_k w_k l_k) / total_weight,
///   total_weight = sum over rows of w_label,   probability = softmax(logits).
///
/// A row whose label is ignore_index counts in neither sum. Where no row counts, the loss is 0.
/// Shapes. logits, probability [N, K], K >= 1; label [N] int32; class_weight [K] contiguous (optional: all ones); loss,
/// total_weight [1]. label_smoothing in [0, 1].
/// Saved for backward. probability and total_weight.
/// Errors. `out_of_range` for a label that is neither ignore_index nor in [0, K), on the CPU, before anything is
/// written; on CUDA, where labels are seen too late for that, the loss and the row of dlogits are NaN.
/// Source. Szegedy et al. 2016 (smoothing); the mean is weighted as PyTorch's.
struct CrossEntropy {
  double label_smoothing = 0;
  std::int32_t ignore_index = -100;
  ConstTensorView logits{};
  ConstTensorView label{};
  ConstTensorView class_weight{};
};

/// What cross_entropy_forward writes and cross_entropy_backward reads.
struct CrossEntropyResult {
  TensorView loss{};
  TensorView probability{};
  TensorView total_weight{};
};

/// dlogits_k = ((1 - s) w_label (probability_k - [k = label]) + s / K (probability_k sum_j w_j - w_k)) / total_weight;
/// 0 in rows that do not count. Shapes, options and errors as in CrossEntropy.
struct CrossEntropyGradients {
  TensorView dlogits{};
};

Owned<CrossEntropyResult> allocate(const Context& context, const CrossEntropy& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const CrossEntropy& op, const CrossEntropyResult& result);
void cross_entropy_forward(const Context& context, const CrossEntropy& op, const CrossEntropyResult& result,
                           const WorkspaceSource& workspace = {});
void cross_entropy_backward(const Context& context, const CrossEntropy& op, const CrossEntropyResult& result,
                            const CrossEntropyGradients& gradients);

}  // namespace warpgnn
