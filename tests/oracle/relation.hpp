// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/types.hpp"

namespace oracle {

enum class RelationNorm { none, per_relation, all_edges };

/// [E]. An edge whose relation is not in [0, relations) has weight 0.
Reals relation_weights(const Edges& edges, RelationNorm norm, const Ids& relation, std::int64_t relations);

struct RelationAggregate {
  Edges edges;
  Ids relation;  // [E]
  std::size_t bases = 1;
  Reals coefficient;  // [R, B]
  Reals weight{};     // [E], empty: all ones
  std::size_t features = 1;
  Reals x;  // [N_src, F]

  std::size_t relations() const { return coefficient.size() / bases; }
  bool takes(std::size_t e) const { return relation[e] >= 0 && relation[e] < static_cast<std::int64_t>(relations()); }
  double weight_of(std::size_t e) const { return weight.empty() ? 1.0 : weight[e]; }
  std::size_t cell(std::size_t e, std::size_t b) const { return static_cast<std::size_t>(relation[e]) * bases + b; }
};

/// [N_dst, B, F].
Sums relation_aggregate(const RelationAggregate& in);

struct RelationAggregateGradients {
  Sums dx;            // [N_src, F]
  Sums dcoefficient;  // [R, B]
  Sums dweight;       // [E]
};
RelationAggregateGradients relation_aggregate_backward(const RelationAggregate& in, const Reals& dy);

}  // namespace oracle
