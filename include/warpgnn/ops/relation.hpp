// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

/// Aggregation over graphs whose edges have types ("relations"). `relation` [E] holds each edge's type in the caller's
/// edge order, int32 or int64, in [0, R). An edge whose relation lies outside is left out of every sum and count, and
/// gets weight and gradient 0.
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
  ConstTensorView relation{};
};

/// What relation_weights writes.
struct RelationWeightsResult {
  TensorView weight{};
};

/// y_ib = sum over in-edges e = (j -> i) of c_{r_e, b} w_e x_j for each basis b: what R-GCN with the weight matrices
/// W_r = sum_b c_rb V_b needs of the neighbours, as sum_e w_e W_{r_e} x_j = sum_b V_b y_ib. A linear layer on y seen as
/// [N_dst, B * F] does the rest. One basis for each relation, c the identity, gives independent W_r.
///
/// Shapes. x [N_src, F], relation [E], coefficient [R, B], weight [E] (optional: all ones), y [N_dst, B, F].
/// Dtypes. x and y: float32, float64, float16 or bfloat16; coefficient and weight: what that is computed in,
/// accumulator_of().
/// Saved for backward. Nothing.
/// Writes. y is overwritten and may not overlap any input. A node without in-edges gets 0.
/// Determinism. Bit-identical reruns; no atomics. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. Schlichtkrull et al. 2018 (basis decomposition).
struct RelationAggregate {
  Graph graph;
  ConstTensorView relation{};
  ConstTensorView coefficient{};
  ConstTensorView weight{};
  ConstTensorView x{};
};

/// What relation_aggregate_forward writes.
struct RelationAggregateResult {
  TensorView y{};
};

/// dx_j = sum over out-edges e = (j -> i) of w_e sum_b c_{r_e, b} dy_ib;
/// dcoefficient_rb = sum over edges e of relation r of w_e <dy_ib, x_j>;  dweight_e = sum_b c_{r_e, b} <dy_ib, x_j>.
///
/// Shapes as in RelationAggregate, with dy like y, dx like x, dcoefficient like coefficient, dweight [E]. Each gradient
/// is computed only where its view is given; dweight is that of weights of one where the forward had none, and 0 for an
/// edge of no relation. x is read only for dcoefficient and dweight. No product per edge is stored; the workspace of
/// dcoefficient holds tables of [R, B], at most max(E / R, 1) of them.
/// Writes. Gradients are overwritten and may not overlap any input.
/// Determinism, errors. As RelationAggregate.
struct RelationAggregateGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dcoefficient{};
  TensorView dweight{};
};

std::size_t workspace_size(const Context& context, const RelationWeights& op, const RelationWeightsResult& result);
Owned<RelationAggregateResult> allocate(const Context& context, const RelationAggregate& op,
                                        Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const RelationAggregate& op, const RelationAggregateResult& result);
std::size_t workspace_size(const Context& context, const RelationAggregate& op,
                           const RelationAggregateGradients& gradients);
void relation_weights(const Context& context, const RelationWeights& op, const RelationWeightsResult& result,
                      const WorkspaceSource& workspace = {});
void relation_aggregate_forward(const Context& context, const RelationAggregate& op,
                                const RelationAggregateResult& result, const WorkspaceSource& workspace = {});
void relation_aggregate_backward(const Context& context, const RelationAggregate& op,
                                 const RelationAggregateGradients& gradients, const WorkspaceSource& workspace = {});

/// A graph with typed edges whose nodes stand once for each relation, so that an op that knows no relations, attention
/// say, treats those of a node apart: row j * R + r of its features is what node j is to relation r. A linear layer's
/// [N, R * F] seen as [N * R, F] is in that order.
struct RelationGraph {
  std::int64_t relations = 0;  ///< R
  Graph typed;                 ///< edge e = (j -> i) goes from j * R + r_e to i * R + r_e: a row for each relation
  Graph merged;                ///< edge e goes from j * R + r_e to i: a row has the edges of all relations
  Tensor typed_destination;    ///< [E] int32: i * R + r_e
};

/// Edge e of both graphs is edge e of `graph`; neither is a batch of more than one graph, whatever `graph` is. It
/// allocates, waits and sorts, as building a graph does: expand once for each graph and share it between layers.
///
/// Shapes. relation [E] int32 or int64, on the host or on the context's device; relations at least 1. Here, other than
/// in the ops above, every relation has to be in [0, relations).
/// Determinism. Identical reruns.
/// Errors. `out_of_range` for a relation outside its domain, `overflow` if relations times the nodes of a side are more
/// than a graph has room for, `invalid_argument` names any other wrong argument.
RelationGraph expand_relations(const Context& context, const Graph& graph, const ConstTensorView& relation,
                               std::int64_t relations);

}  // namespace warpgnn
