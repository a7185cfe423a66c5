// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/ops/attention_dropout.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// How the score of an edge comes from the feature vectors at its two ends. <a, b> sums over the D channels of a head,
/// k_e = key_j + edge_key_e:
///   gatv2     l_e = <vector, LeakyReLU(query_i + k_e)> + edge_bias_e   GATv2 (Brody et al. 2022)
///   additive  l_e = <vector, tanh(query_i + k_e)> + edge_bias_e        Bahdanau et al. 2015; Luong's "concat"
///   dot       l_e = scale <query_i, k_e> + edge_bias_e                 scale 1: Luong's "dot", and "general" with the
///             matrix multiplied into query or key; 1/sqrt(D): Transformer (Vaswani et al. 2017; Shi et al. 2021)
enum class AttentionScore : std::uint8_t { gatv2, additive, dot };

/// Attention for edge e = (j -> i) and each head, without ever storing anything of size E x D or E x C:
///   maximum_i = max over in-edges of l_e,   sum_i = sum of exp(l_e - maximum_i),
///   alpha_e = exp(l_e - maximum_i) / sum_i,   y_i = sum of drop(alpha_e) (value_j + edge_value_e).
///
/// Nodes without in-edges, or with nothing but -inf scores, get y = 0, maximum = -inf and sum = 0. An edge_bias of -inf
/// masks its edge: weight and gradients are exactly 0. A score of NaN or +inf makes its own row and head NaN and no
/// other.
///
/// Options. negative_slope (gatv2) and scale (dot) are finite; the other scores do not look at them. Dropout
/// probability in [0, 1).
/// Shapes. query [N_dst, H, D], key [N_src, H, D], value [N_src, H, C], edge_key [E, H, D] (optional), edge_value
/// [E, H, C] (optional), edge_bias [E, H] (optional), vector [H, D] contiguous (gatv2 and additive only),
/// y [N_dst, H, C], maximum and sum [N_dst, H]; H, C and D at least 1. value may be the same view as key, and
/// edge_value as edge_key; such rows are read once.
/// Dtypes. query, key, value, edge_key, edge_value and y: one of float32, float64, float16 or bfloat16; the rest:
/// accumulator_of it (dtype.hpp), i.e. float32 beside 16-bit rows, which all is computed in; y is rounded once.
/// Saved for backward. y, maximum and sum. The last two stand apart and not as one log-sum-exp, whose rounding is 1e-3
/// where scores are 1e4 in float32, and would be in every weight that backward recomputes.
/// Writes. Outputs are overwritten and may not overlap each other or an input.
/// Determinism. Bit-identical reruns, no atomics. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
struct Attention {
  Graph graph;
  AttentionScore score = AttentionScore::gatv2;
  double negative_slope = 0.2;
  double scale = 1;
  AttentionDropout dropout{};
  ConstTensorView query{};
  ConstTensorView key{};
  ConstTensorView value{};
  ConstTensorView edge_key{};
  ConstTensorView edge_value{};
  ConstTensorView edge_bias{};
  ConstTensorView vector{};
};

/// What attention_forward writes and attention_backward reads.
struct AttentionResult {
  TensorView y{};
  TensorView maximum{};
  TensorView sum{};
};

/// A pass over in-edges and one over out-edges, both with the scores recomputed; delta_i = <dy_i, y_i>:
///   dalpha_e = drop'(<dy_i, value_j + edge_value_e>),   dl_e = alpha_e (dalpha_e - delta_i);
///   gatv2, additive, with q_e = query_i + k_e and f the activation:  dk_e = dl_e vector f'(q_e),
///     dquery_i = sum of dk_e over in-edges,   dvector = sum of dl_e f(q_e) over all edges;
///   dot:  dk_e = dl_e scale query_i,   dquery_i = sum of dl_e scale k_e;
///   dkey_j = sum of dk_e over out-edges,   dvalue_j = sum of drop(alpha_e) dy_i over out-edges,
///   dedge_key_e = dk_e,   dedge_value_e = drop(alpha_e) dy_i,   dedge_bias_e = dl_e.
///
/// The derivative of LeakyReLU at 0 is negative_slope.
/// Shapes and dtypes as in Attention, gradients like what they are gradients of. All inputs of the forward
/// are needed; delta is made of y as it is stored.
/// Every gradient is optional: what is not given is not computed, and a pass without a result does not run.
/// Shared views. Where value is the same view as key and dvalue is not given, dkey receives the whole gradient of that
/// tensor, dkey + dvalue. Likewise dedge_key that of an edge_key which is also the edge_value, without dedge_value.
/// Workspace. [N_dst, H] terms; partial results of long rows, and of dvector; O(N) in all.
/// Writes. Gradients are overwritten and may not overlap each other or an input.
struct AttentionGradients {
  ConstTensorView dy{};
  TensorView dquery{};
  TensorView dkey{};
  TensorView dvalue{};
  TensorView dedge_key{};
  TensorView dedge_value{};
  TensorView dedge_bias{};
  TensorView dvector{};  ///< [H, D] contiguous
};

/// The weights [E, H] of a forward, recomputed from what it saved: alpha_e for explanations, or drop(alpha_e), what the
/// forward used. value and edge_value are not read. Dtypes as in Attention, weight like maximum; y is not read.
struct AttentionWeights {
  TensorView weight{};
  bool dropped = false;  ///< with the dropout of `op`
};

Owned<AttentionResult> allocate(const Context& context, const Attention& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const Attention& op, const AttentionResult& result);
std::size_t workspace_size(const Context& context, const Attention& op, const AttentionResult& result,
                           const AttentionGradients& gradients);
std::size_t workspace_size(const Context& context, const Attention& op, const AttentionResult& result,
                           const AttentionWeights& weights);
void attention_forward(const Context& context, const Attention& op, const AttentionResult& result,
                       const WorkspaceSource& workspace = {});
void attention_backward(const Context& context, const Attention& op, const AttentionResult& result,
                        const AttentionGradients& gradients, const WorkspaceSource& workspace = {});
void attention_weights(const Context& context, const Attention& op, const AttentionResult& result,
                       const AttentionWeights& weights, const WorkspaceSource& workspace = {});

}  // namespace warpgnn
