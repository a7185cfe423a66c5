// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/ops/attention_dropout.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// GAT attention for edge e = (j -> i) and head h, without ever storing anything of size E x C:
///   p_e = source_score_j + destination_score_i + edge_score_e,   l_e = LeakyReLU(p_e),
///   maximum_i = max over in-edges of l_e,   sum_i = sum of exp(l_e - maximum_i),
///   alpha_e = exp(l_e - maximum_i) / sum_i,   y_i = sum over in-edges of drop(alpha_e) value_j.
///
/// The scores are sums per node, as in GAT: <a_src, value_j> and so on. `head_dot_forward` makes them.
/// Nodes without in-edges, or with nothing but -inf scores, get y = 0, maximum = -inf and sum = 0. A score of -inf
/// elsewhere has weight exactly 0; NaN or +inf makes its own row and head NaN and no other.
///
/// Options. negative_slope is finite; dropout probability in [0, 1).
/// Shapes. value [N_src, H, C], source_score [N_src, H], destination_score [N_dst, H], edge_score [E, H] (optional),
/// y [N_dst, H, C], maximum and sum [N_dst, H], positive_y like y, positive_weight like sum.
/// Dtypes. value, y and positive_y: one of float32, float64, float16 or bfloat16; the rest: accumulator_of it
/// (dtype.hpp), i.e. float32 beside 16-bit rows, which all is computed in; y and positive_y are rounded once.
/// Saved for backward. maximum, sum and y; and for training `positive_y` = the part of y that comes from edges with
/// p_e > 0 and `positive_weight` = sum of alpha_e over those edges. Both or neither are given.
/// Writes. Outputs are overwritten and may not overlap each other or an input.
/// Determinism. Bit-identical reruns, no atomics. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. Velickovic et al. 2018; edge term as in the EGAT line of work; one-pass softmax: Milakov and Gimelshein
/// 2018.
struct GatAttention {
  Graph graph;
  double negative_slope = 0.2;
  AttentionDropout dropout{};
  ConstTensorView value{};
  ConstTensorView source_score{};
  ConstTensorView destination_score{};
  ConstTensorView edge_score{};
};

/// What gat_attention_forward writes and gat_attention_backward reads.
struct GatAttentionResult {
  TensorView y{};
  TensorView maximum{};
  TensorView sum{};
  TensorView positive_y{};
  TensorView positive_weight{};
};

/// One pass over the out-edges, with alpha recomputed from maximum and sum, delta_i = <dy_i, y_i>:
///   dalpha_e = drop'(<dy_i, value_j>),  dl_e = alpha_e (dalpha_e - delta_i),  dp_e = dl_e (p_e > 0 ? 1 : slope);
///   dvalue_j = sum drop(alpha_e) dy_i,  dsource_score_j = sum dp_e,  dedge_score_e = dp_e,
///   ddestination_score_i = (1 - slope)(<dy_i, positive_y_i> - delta_i positive_weight_i).
/// Where the scores were made of value_j, as in GAT, their gradients go on to it while its row is at hand:
///   dvalue_j += dsource_score_j source_vector + ddestination_score_j destination_vector,
/// each with its vector [H, C] given, of the scores' dtype, which needs that score's gradient too, and for the second
/// term a graph of one set of nodes. (The gradients of the vectors are those of `head_dot_backward`.)
///
/// Shapes and dtypes as in GatAttention, gradients like what they are gradients of. All inputs are needed (edge_score
/// if the forward had it), positive_y and positive_weight for ddestination_score alone. delta is made of y as stored.
/// Every gradient is optional: what is not given is not computed, and without those of edges and sources no edge is
/// looked at.
/// Workspace. delta, and partial results of long rows.
/// Writes. Gradients are overwritten and may not overlap each other or an input.
struct GatAttentionGradients {
  ConstTensorView dy{};
  TensorView dvalue{};
  TensorView dsource_score{};
  TensorView ddestination_score{};
  TensorView dedge_score{};
  ConstTensorView source_vector{};       ///< optional
  ConstTensorView destination_vector{};  ///< optional
};

/// The attention weights alpha_e [E, H] themselves, before dropout, for explanations: recomputed from maximum and sum
/// on request. All float32 or all float64, as the scores are; value and y are not read.
struct GatAttentionWeights {
  TensorView weight{};
};

Owned<GatAttentionResult> allocate(const Context& context, const GatAttention& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const GatAttention& op, const GatAttentionResult& result);
std::size_t workspace_size(const Context& context, const GatAttention& op, const GatAttentionResult& result,
                           const GatAttentionGradients& gradients);
void gat_attention_forward(const Context& context, const GatAttention& op, const GatAttentionResult& result,
                           const WorkspaceSource& workspace = {});
void gat_attention_backward(const Context& context, const GatAttention& op, const GatAttentionResult& result,
                            const GatAttentionGradients& gradients, const WorkspaceSource& workspace = {});
void gat_attention_weights(const Context& context, const GatAttention& op, const GatAttentionResult& result,
                           const GatAttentionWeights& weights);

}  // namespace warpgnn
