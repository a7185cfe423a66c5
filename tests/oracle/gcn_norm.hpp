// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/types.hpp"

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

/// What the softmax over each destination's in-edges is made of: [N_dst, heads] each, -inf and 0 without any.
struct Statistics {
  Reals maximum{};  // of the scores
  Sums sum{0};      // of exp((score - maximum) / temperature); magnitudes add what a rounded score changes
};
Statistics softmax_statistics(const Edges& edges, std::size_t heads, const Reals& score, double temperature = 1);

}  // namespace oracle
