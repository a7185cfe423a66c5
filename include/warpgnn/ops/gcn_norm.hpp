// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// GCN's symmetric normalisation: norm_e = r_j w_e r_i for edge e = (j -> i), r_k = d_k^(-1/2), d_k = sum of the
/// weights of k's in-edges; r_k = 0 where d_k <= 0. Add self-loops to the graph first if the model wants them.
///
/// Without norm it is r alone, which Aggregate takes as the scale of both ends: then nothing has the size of the edges.
///
/// Shapes. weight [E] (optional: all ones), norm [E] (optional), inv_sqrt_degree [N]; one real dtype. Needs equal node
/// sets.
/// Saved for backward. inv_sqrt_degree.
/// Writes. Outputs are overwritten and may not overlap an input.
/// Determinism. Bit-identical reruns; stream-ordered, no allocation, can be captured. No workspace.
/// Errors. `invalid_argument` names the argument.
/// Source. Kipf and Welling 2017.
struct GcnNorm {
  Graph graph;
  ConstTensorView weight{};
};

/// What gcn_norm_forward writes and gcn_norm_backward reads.
struct GcnNormResult {
  TensorView norm{};
  TensorView inv_sqrt_degree{};
};

/// With g = dnorm: dr_k = sum_{e into k} g_e w_e r_j + sum_{e out of k} g_e w_e r_i;  dd_k = -r_k^3 dr_k / 2;
/// dweight_e = g_e r_j r_i + dd_i.
/// Workspace. dd, [N]. dweight is overwritten.
struct GcnNormGradients {
  ConstTensorView dnorm{};
  TensorView dweight{};
};

std::size_t workspace_size(const Context& context, const GcnNorm& op, const GcnNormResult& result,
                           const GcnNormGradients& gradients);
void gcn_norm_forward(const Context& context, const GcnNorm& op, const GcnNormResult& result);
void gcn_norm_backward(const Context& context, const GcnNorm& op, const GcnNormResult& result,
                       const GcnNormGradients& gradients, const WorkspaceSource& workspace = {});

}  // namespace warpgnn
