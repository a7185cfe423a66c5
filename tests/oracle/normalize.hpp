#pragma once

#include "types.hpp"

namespace oracle {

struct GcnNorm {
  Sums norm;             // [E]
  Sums inv_sqrt_degree;  // [N]
};
/// @param weight [E], empty: all ones.
GcnNorm gcn_norm(const Edges& edges, const Reals& weight);
/// dweight [E].
Sums gcn_norm_backward(const Edges& edges, const Reals& weight, const Reals& dnorm);

/// Softmax over the in-edges of each destination and for each head; score, weight and gradients are [E, heads].
Reals edge_softmax(const Edges& edges, std::size_t heads, const Reals& score);
Sums edge_softmax_backward(const Edges& edges, std::size_t heads, const Reals& weight, const Reals& dweight);

/// log of the sum of exp(score) over each destination's in-edges: [N_dst, heads], -inf without any.
Reals log_sum_exp(const Edges& edges, std::size_t heads, const Reals& score);

}  // namespace oracle
