#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/tensor.hpp"

/// Aggregation over graphs whose edges have types ("relations"). `relation` [E] holds each edge's type in the caller's
/// edge order, int32 or int64, in [0, R). An edge whose relation lies outside is left out of every sum, and gets weight
/// and gradient 0.
namespace warpgnn {

/// What the messages to a node are divided by.
enum class RelationNorm : std::uint8_t {
  none,          ///< 1: a plain sum
  per_relation,  ///< |N_r(i)|, the number of in-edges of the same relation: a mean for each relation, then their sum
  all_edges,     ///< the number of in-edges of any relation: one mean over all
};

/// weight_e = 1 / (what `norm` divides the messages to e's destination by). It depends on the graph and the relations
/// alone: compute it once and share it between layers, as gcn_norm's output.
///
/// Shapes. relation [E], weight [E] of a real dtype; relations is R.
/// Writes. weight is overwritten and may not overlap relation.
/// Determinism. Bit-identical reruns; stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. Schlichtkrull et al. 2018 (c_{i,r} = |N_r(i)|).
struct RelationWeights {
  Graph graph;
  RelationNorm norm = RelationNorm::per_relation;
  std::int64_t relations = 0;
  ConstTensorView relation;
  TensorView weight;
  Workspace workspace{};
};

/// y_ib = sum over in-edges e = (j -> i) of c_{r_e, b} w_e x_j for each basis b: what R-GCN with the weight matrices
/// W_r = sum_b c_rb V_b needs of the neighbours, as sum_e w_e W_{r_e} x_j = sum_b V_b y_ib. A linear layer on y seen as
/// [N_dst, B * F] does the rest. One basis for each relation, c the identity, gives independent W_r.
///
/// Shapes. x [N_src, F], relation [E], coefficient [R, B], weight [E] (optional: all ones), y [N_dst, B, F]. One real
/// dtype throughout, relation apart.
/// Saved for backward. Nothing.
/// Writes. y is overwritten and may not overlap any input. A node without in-edges gets 0.
/// Determinism. Bit-identical reruns; no atomics. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. Schlichtkrull et al. 2018 (basis decomposition).
struct RelationAggregateForward {
  Graph graph;
  ConstTensorView relation;
  ConstTensorView coefficient;
  ConstTensorView weight{};
  ConstTensorView x;
  TensorView y;
  Workspace workspace{};
};

/// dx_j = sum over out-edges e = (j -> i) of w_e sum_b c_{r_e, b} dy_ib;
/// dcoefficient_rb = sum over edges e of relation r of w_e <dy_ib, x_j>.
///
/// Shapes as in RelationAggregateForward, with dy like y, dx like x, dcoefficient like coefficient. Each gradient is
/// computed only where its view is given. x is read only for dcoefficient. No product per edge is stored; the
/// workspace of dcoefficient holds tables of [R, B], at most max(E / R, 1) of them.
/// Writes. Gradients are overwritten and may not overlap any input.
/// Determinism, errors. As RelationAggregateForward.
struct RelationAggregateBackward {
  Graph graph;
  ConstTensorView relation;
  ConstTensorView coefficient;
  ConstTensorView weight{};
  ConstTensorView x{};
  ConstTensorView dy;
  TensorView dx{};
  TensorView dcoefficient{};
  Workspace workspace{};
};

std::size_t workspace_size(const Context& context, const RelationWeights& op);
std::size_t workspace_size(const Context& context, const RelationAggregateForward& op);
std::size_t workspace_size(const Context& context, const RelationAggregateBackward& op);
void relation_weights(const Context& context, const RelationWeights& op);
void relation_aggregate_forward(const Context& context, const RelationAggregateForward& op);
void relation_aggregate_backward(const Context& context, const RelationAggregateBackward& op);

}  // namespace warpgnn
