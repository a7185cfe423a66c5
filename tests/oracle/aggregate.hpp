// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "tests/oracle/types.hpp"

namespace oracle {

enum class Reduce { sum, mean, max, min };

struct Aggregate {
  Edges edges;
  Reduce reduce = Reduce::sum;
  std::size_t features = 1;
  Reals x;                        // [N_src, F]
  Reals weight{};                 // [E], empty: all ones
  std::optional<double> epsilon;  // adds (1 + epsilon) x_i

  double weight_of(std::size_t e) const { return weight.empty() ? 1.0 : weight[e]; }
};

struct Aggregated {
  Sums y;   // [N_dst, F]
  Ids arg;  // [N_dst, F], max and min only
};
Aggregated aggregate(const Aggregate& in);

struct AggregateGradients {
  Sums dx;        // [N_src, F]
  Sums dweight;   // [E]
  Sums depsilon;  // [1]
};
AggregateGradients aggregate_backward(const Aggregate& in, const Reals& dy);

}  // namespace oracle
