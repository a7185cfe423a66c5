// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
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
struct EdgeSoftmaxForward {
  Graph graph;
  ConstTensorView score;
  TensorView weight;
  Workspace workspace{};
};

/// dscore_e = weight_e (dweight_e - sum over the row of weight dweight). dscore may be the same view as dweight.
struct EdgeSoftmaxBackward {
  Graph graph;
  ConstTensorView weight;
  ConstTensorView dweight;
  TensorView dscore;
  Workspace workspace{};
};

std::size_t workspace_size(const Context& context, const EdgeSoftmaxForward& op);
std::size_t workspace_size(const Context& context, const EdgeSoftmaxBackward& op);
void edge_softmax_forward(const Context& context, const EdgeSoftmaxForward& op);
void edge_softmax_backward(const Context& context, const EdgeSoftmaxBackward& op);

}  // namespace warpgnn
