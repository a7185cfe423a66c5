// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Softmax of edge scores over the in-edges of each destination, for each head:
/// weight_e = exp(score_e - maximum_i) / sum_i, where sum_i adds up exp(score - maximum_i) over the in-edges of i.
///
/// A score of -inf gives weight exactly 0, a row of nothing but -inf all zeros; a NaN or +inf makes its own row and
/// head NaN and no other.
///
/// Shapes. score and weight [E, H], one real dtype.
/// Saved for backward. weight itself.
/// Writes. weight is overwritten; it may be the same view as score, but not overlap it otherwise.
/// Determinism. Bit-identical reruns; stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
struct EdgeSoftmax {
  Graph graph;
  ConstTensorView score{};
};

/// What edge_softmax_forward writes and edge_softmax_backward reads.
struct EdgeSoftmaxResult {
  TensorView weight{};
};

/// dscore_e = weight_e (dweight_e - sum over the row of weight dweight). dscore may be the same view as dweight.
struct EdgeSoftmaxGradients {
  ConstTensorView dweight{};
  TensorView dscore{};
};

Owned<EdgeSoftmaxResult> allocate(const Context& context, const EdgeSoftmax& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const EdgeSoftmax& op, const EdgeSoftmaxResult& result);
std::size_t workspace_size(const Context& context, const EdgeSoftmax& op, const EdgeSoftmaxResult& result,
                           const EdgeSoftmaxGradients& gradients);
void edge_softmax_forward(const Context& context, const EdgeSoftmax& op, const EdgeSoftmaxResult& result,
                          const WorkspaceSource& workspace = {});
void edge_softmax_backward(const Context& context, const EdgeSoftmax& op, const EdgeSoftmaxResult& result,
                           const EdgeSoftmaxGradients& gradients, const WorkspaceSource& workspace = {});

}  // namespace warpgnn
