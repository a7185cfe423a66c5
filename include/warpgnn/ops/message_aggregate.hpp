// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn {

/// What edge e = (j -> i) sends to i, from its source's row x_j and its own row e.
enum class EdgeMessage : std::uint8_t {
  add,       ///< x_j + e
  multiply,  ///< x_j * e, element by element
  relu_add,  ///< max(x_j + e, 0); NaN stays
  edge,      ///< e alone
};

/// y_i = reduce over in-edges e = (j -> i) of message(x_j, e), plus (1 + epsilon) x_i when epsilon is given. With
/// relu_add and sum this is the neighbourhood term of GINE. Reductions, ties, NaN and nodes without in-edges are those
/// of Aggregate. No message is stored.
///
/// Shapes. x [N_src, F] (none with message `edge`), edge [E, F] in the caller's edge order, y [N_dst, F]; epsilon [1]
/// (optional, needs equal node sets and x); arg [N_dst, F] int32 (max and min: optional, needed for backward).
/// Dtypes. x, edge and y: float32, float64, float16 or bfloat16; epsilon: what that is computed in, accumulator_of().
/// Saved for backward. arg for max and min; nothing else.
/// Writes. y and arg are overwritten and may not overlap any input.
/// Determinism. Bit-identical reruns; no atomics. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. Hu et al. 2020 (GINE); Wang et al. 2019 (DGL's u_add_e, u_mul_e and copy_e).
struct MessageAggregate {
  Graph graph;
  EdgeMessage message = EdgeMessage::add;
  Reduce reduce = Reduce::sum;
  ConstTensorView x{};
  ConstTensorView edge{};
  ConstTensorView epsilon{};
};

/// What message_aggregate_forward writes and message_aggregate_backward reads.
struct MessageAggregateResult {
  TensorView y{};
  TensorView arg{};
};

/// With m_e = dy_i (divided by the in-degree of i for mean; only where arg_i = e for max and min):
/// dx_j = sum over out-edges of m_e * d + (1 + epsilon) dy_j and dedge_e = m_e * d', where (d, d') is (1, 1) for add,
/// (e, x_j) for multiply, 1 or 0 as x_j + e > 0 or not for relu_add, (none, 1) for edge; depsilon = sum <dy_i, x_i>.
///
/// Shapes as in MessageAggregate, with dy like y, dx like x, dedge like edge, depsilon like epsilon. Each of the
/// three gradients is computed only where its view is given. x is read for depsilon, for dedge of multiply and for
/// relu_add; edge for dx of multiply and for relu_add; neither is needed otherwise.
/// Writes. Gradients are overwritten and may not overlap any input.
/// Determinism, errors. As MessageAggregate.
struct MessageAggregateGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dedge{};
  TensorView depsilon{};
};

Owned<MessageAggregateResult> allocate(const Context& context, const MessageAggregate& op,
                                       Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const MessageAggregate& op, const MessageAggregateResult& result);
std::size_t workspace_size(const Context& context, const MessageAggregate& op, const MessageAggregateResult& result,
                           const MessageAggregateGradients& gradients);
void message_aggregate_forward(const Context& context, const MessageAggregate& op, const MessageAggregateResult& result,
                               const WorkspaceSource& workspace = {});
void message_aggregate_backward(const Context& context, const MessageAggregate& op,
                                const MessageAggregateResult& result, const MessageAggregateGradients& gradients,
                                const WorkspaceSource& workspace = {});

}  // namespace warpgnn
