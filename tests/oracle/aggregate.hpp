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
  Reals source_scale{};           // [N_src], empty: all ones
  Reals destination_scale{};      // [N_dst], empty: all ones

  double weight_of(std::size_t e) const { return weight.empty() ? 1.0 : weight[e]; }
  /// Of both ends.
  double scale_of(std::size_t e) const {
    return (source_scale.empty() ? 1.0 : source_scale[edges.from(e)]) *
           (destination_scale.empty() ? 1.0 : destination_scale[edges.to(e)]);
  }
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
