// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/random.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

/// Pooling that leaves a smaller graph: choose nodes by score, take the graph between them, move features along.
/// Top-k pooling is NormalizeRows (of p), Linear, tanh, SegmentTopK, ScaledGather and induced_subgraph.
namespace warpgnn {

/// How many of a graph's nodes are kept: `count`, or all of fewer nodes; where count is 0, ceil(ratio nodes). A product
/// that misses a whole number by rounding alone counts as that number.
WARPGNN_HOST_DEVICE inline std::int64_t top_k_count(std::int64_t nodes, double ratio, std::int64_t count = 0) {
  if (count > 0) return count < nodes ? count : nodes;
  return static_cast<std::int64_t>(std::ceil(ratio * static_cast<double>(nodes) * (1 - 0x1.0p-50)));
}
/// The sum over the graphs of a batch: K below. Throws `invalid_argument` for a negative count, and where it is 0 for a
/// ratio outside (0, 1].
std::int64_t top_k_count(const Graph& graph, double ratio, std::int64_t count = 0);

/// The min(count, n_g) nodes of highest score of every graph g of a batch, or where count is 0 the ceil(ratio n_g) of
/// them, in increasing order. Of equal scores the first nodes are taken; NaN counts as higher than any number.
///
/// Shapes. score [N] of a real dtype; selected [K] int32 with K = top_k_count(graph, ratio, count); position [N] int32
/// (optional): where a node stands in `selected`, -1 if it does not. ratio in (0, 1], not read where count is given;
/// count 0 or more.
/// Writes. Outputs are overwritten and may not overlap.
/// Determinism. Bit-identical reruns, no floating-point atomics; stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. Gao and Ji 2019 (top-k pooling), Lee et al. 2019 (SAG pooling).
struct SegmentTopK {
  Graph graph;
  double ratio = 0.5;
  std::int64_t count = 0;
  ConstTensorView score{};
};

/// What segment_top_k writes.
struct SegmentTopKResult {
  TensorView selected{};
  TensorView position{};
};

/// y_k = scale_n x_n with n = index_k: x [N, F], scale [N], index [K] int32, y [K, F]. A row whose index is not in
/// [0, N) is filled with zeros. Stream-ordered, deterministic, no workspace.
/// Dtypes. x and y: float32, float64, float16 or bfloat16; scale: what that is computed in, accumulator_of().
struct ScaledGather {
  ConstTensorView x{};
  ConstTensorView scale{};
  ConstTensorView index{};
  ConstTensorView position{};
};

/// What scaled_gather_forward writes.
struct ScaledGatherResult {
  TensorView y{};
};

/// dx_n = scale_n dy_k, dscale_n = <dy_k, x_n> with k = position_n, the inverse of `index`, which therefore names no
/// node twice: position [N] int32; zeros where it is not in [0, K). dx [N, F] and dscale [N] are optional each and
/// overwritten; dx needs scale, dscale needs x. Dtypes as forward, with dy and dx like x, dscale like scale.
struct ScaledGatherGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dscale{};
};

Owned<SegmentTopKResult> allocate(const Context& context, const SegmentTopK& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const SegmentTopK& op, const SegmentTopKResult& result);
void segment_top_k(const Context& context, const SegmentTopK& op, const SegmentTopKResult& result,
                   const WorkspaceSource& workspace = {});
Owned<ScaledGatherResult> allocate(const Context& context, const ScaledGather& op, Purpose purpose = Purpose::training);
void scaled_gather_forward(const Context& context, const ScaledGather& op, const ScaledGatherResult& result);
void scaled_gather_backward(const Context& context, const ScaledGather& op, const ScaledGatherGradients& gradients);

}  // namespace warpgnn
