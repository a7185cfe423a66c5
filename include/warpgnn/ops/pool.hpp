// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/result.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// What becomes of the nodes of a graph.
enum class PoolReduce : std::uint8_t { sum, mean, max };

/// How a node's score s_n becomes its weight a_n in the pool.
enum class PoolGate : std::uint8_t {
  none,     ///< a_n = 1
  softmax,  ///< a_n = exp((s_n - maximum_g) / temperature) / sum_g, over the nodes of the graph
  sigmoid,  ///< a_n = 1 / (1 + exp(-s_n))
  raw,      ///< a_n = s_n
};

/// y_g = reduce over the nodes n of graph g of a_n x_n. Mean divides by the number of nodes.
/// Max (without a gate) keeps the first node of those that tie and writes its number in the batch to `arg`; a NaN wins.
/// An empty graph gets 0, arg -1, maximum -inf, sum 0.
/// Heads: with x [N, H, C] every head has a score of its own and pools its own C features; H = F, C = 1 gates each
/// feature by itself, which with a sigmoid gate is the gated sum of sigmoid(W1 x) * (W2 x).
///
/// Shapes. x [N, F], score [N] (with a gate), y [G, F], maximum and sum [G] (softmax), arg [G, F] int32 (max: optional,
/// needed for backward); or x [N, H, C], score [N, H], y [G, H, C], maximum and sum [G, H], arg [G, H, C]. N and G are
/// those of the graph batch. temperature, of a softmax gate only, in [1e-30, 1e30].
/// Dtypes. x and y: float32, float64, float16 or bfloat16; score, maximum and sum: what that is computed in,
/// accumulator_of().
/// Saved for backward. maximum, sum and y (softmax), arg (max). maximum_g is that of the scores themselves and sum_g
/// that of exp((s_n - maximum_g) / temperature): one log-sum-exp of both would carry the rounding of large scores.
/// Writes. Outputs are overwritten and may not overlap each other or an input.
/// Determinism. Bit-identical reruns, no atomics. Stream-ordered, no allocation, can be captured.
/// Errors. `invalid_argument` names the argument; `workspace_too_small`.
/// Source. Li et al. 2016 (gated read-out), Ilse et al. 2018 (attention pooling), Lee et al. 2019 (several heads).
struct Pool {
  Graph graph;
  PoolReduce reduce = PoolReduce::sum;
  PoolGate gate = PoolGate::none;
  double temperature = 1;
  ConstTensorView x{};
  ConstTensorView score{};
};

/// What pool_forward writes and pool_backward reads.
struct PoolResult {
  TensorView y{};
  TensorView maximum{};
  TensorView sum{};
  TensorView arg{};
};

/// With d_n = <dy_g, x_n> (over n_g for mean) and c = 1 or 1/n_g: dx_n = c a_n dy_g (max: only where arg = n);
/// dscore_n = a_n (d_n - <dy_g, y_g>) / temperature for softmax, a_n (1 - a_n) d_n for sigmoid, d_n for raw; head by
/// head, where there are heads.
/// dx and dscore are optional each and overwritten. x is read for dscore, y, as it was stored, for dscore of a softmax
/// gate. Dtypes as in Pool, with dy and dx like x, dscore like score.
struct PoolGradients {
  ConstTensorView dy{};
  TensorView dx{};
  TensorView dscore{};
};

/// The gate's weights a_n [N] or [N, H], for explanations. x and y are not read, maximum and sum for softmax alone. One
/// real dtype.
struct PoolWeights {
  TensorView weight{};
};

Owned<PoolResult> allocate(const Context& context, const Pool& op, Purpose purpose = Purpose::training);
std::size_t workspace_size(const Context& context, const Pool& op, const PoolResult& result);
std::size_t workspace_size(const Context& context, const Pool& op, const PoolResult& result,
                           const PoolGradients& gradients);
void pool_forward(const Context& context, const Pool& op, const PoolResult& result,
                  const WorkspaceSource& workspace = {});
void pool_backward(const Context& context, const Pool& op, const PoolResult& result, const PoolGradients& gradients,
                   const WorkspaceSource& workspace = {});
void pool_weights(const Context& context, const Pool& op, const PoolResult& result, const PoolWeights& weights);

}  // namespace warpgnn
