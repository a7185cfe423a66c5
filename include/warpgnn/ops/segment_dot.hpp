// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// score_n = <x_n, query_g> for every node n of graph g: how well nodes answer what is asked of their graph.
///
/// Shapes. x [N, F], F >= 1; query [G, F], score [N]. N and G are those of the graph batch.
/// Dtypes. x and query: float32, float64, float16 or bfloat16; score: what that is computed in, accumulator_of().
/// Writes. score is overwritten and may not overlap an input.
/// Determinism. Bit-identical reruns, no atomics. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument.
/// Source. Vinyals et al. 2016 (Set2Set's read).
struct SegmentDot {
  Graph graph;
  ConstTensorView x{};
  ConstTensorView query{};
};

/// What segment_dot_forward writes.
struct SegmentDotResult {
  TensorView score{};
};

/// dx_n += dscore_n query_g (ACCUMULATES: x usually has another use, as what is read); dquery_g = sum_n dscore_n x_n
/// (overwritten, 0 for an empty graph). Each is optional; dx needs query, dquery needs x. Dtypes as forward, with dx
/// and dquery like x, dscore like score; in 16 bits dx is rounded by each call that adds to it.
/// Errors. As forward, and `workspace_too_small`.
struct SegmentDotGradients {
  ConstTensorView dscore{};
  TensorView dx{};
  TensorView dquery{};
};

Owned<SegmentDotResult> allocate(const Context& context, const SegmentDot& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const SegmentDot& op, const SegmentDotGradients& gradients);
void segment_dot_forward(const Context& context, const SegmentDot& op, const SegmentDotResult& result);
void segment_dot_backward(const Context& context, const SegmentDot& op, const SegmentDotGradients& gradients,
                          const WorkspaceSource& workspace = {});

}  // namespace warpgnn
