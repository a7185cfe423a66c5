// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// What becomes of the messages to a node.
enum class Reduce : std::uint8_t { sum, mean, max, min };

/// y_i = t_i (reduce over in-edges e = (j -> i) of w_e s_j x_j), plus (1 + epsilon) x_i when epsilon is given.
///
/// w are weights of edges, s and t scales of sources and destinations; those that are not given are 1. GCN's norm is a
/// product of scales, s = t = gcn_norm's inv_sqrt_degree, and so needs no array over edges: no weight and no edge id is
/// read. The term of epsilon is not scaled. Mean divides by the number of in-edges. Max and min keep the first edge, in
/// the caller's order, of those that tie, and write its id to `arg`; a NaN wins over any number. A node without
/// in-edges gets 0 and arg -1.
///
/// Shapes. x [N_src, F], y [N_dst, F]; weight [E], source_scale [N_src] and destination_scale [N_dst] (each optional,
/// sum and mean only); epsilon [1] (optional, needs equal node sets); arg [N_dst, F] int32 (max and min: optional,
/// needed for backward).
/// Dtypes. x and y: float32, float64, float16 or bfloat16; weight, scales and epsilon: what that is computed in,
/// accumulator_of().
/// Saved for backward. arg for max and min; nothing else.
/// Writes. y and arg are overwritten and may not overlap any input.
/// Determinism. Bit-identical reruns; no atomics. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. Gilmer et al. 2017 (message passing); Xu et al. 2019 (the epsilon term of GIN); Kipf and Welling 2017
/// (scales).
struct Aggregate {
  Graph graph;
  Reduce reduce = Reduce::sum;
  ConstTensorView x{};
  ConstTensorView weight{};
  ConstTensorView epsilon{};
  ConstTensorView source_scale{};
  ConstTensorView destination_scale{};
};

/// What aggregate_forward writes and aggregate_backward reads.
struct AggregateResult {
  TensorView y{};
  TensorView arg{};
};

/// dx_j = s_j (sum over out-edges e = (j -> i) of w_e t_i dy_i, divided by the in-degree of i for mean, only where
/// arg_i = e for max and min) + (1 + epsilon) dy_j;  dw_e = s_j t_i <dy_i, x_j> (divided likewise);
/// depsilon = sum <dy_i, x_i>.
///
/// The scales are constants: they have no gradient. Shapes as in Aggregate, with dy like y, dx like x, dweight like
/// weight, depsilon like epsilon. Each of the three gradients is computed only where its view is given. x is read only
/// for dweight and depsilon.
/// Writes. Gradients are overwritten and may not overlap any input.
/// Determinism, errors. As Aggregate.
struct AggregateGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dweight{};
  TensorView depsilon{};
};

Owned<AggregateResult> allocate(const Context& context, const Aggregate& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const Aggregate& op, const AggregateResult& result);
std::size_t workspace_size(const Context& context, const Aggregate& op, const AggregateResult& result,
                           const AggregateGradients& gradients);
void aggregate_forward(const Context& context, const Aggregate& op, const AggregateResult& result,
                       const WorkspaceSource& workspace = {});
void aggregate_backward(const Context& context, const Aggregate& op, const AggregateResult& result,
                        const AggregateGradients& gradients, const WorkspaceSource& workspace = {});

}  // namespace warpgnn
