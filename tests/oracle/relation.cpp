// SPDX-License-Identifier: MIT
#include "tests/oracle/relation.hpp"

namespace oracle {

Reals relation_weights(const Edges& edges, RelationNorm norm, const Ids& relation, std::int64_t relations) {
  Reals weight(edges.count(), 0.0);
  for (std::size_t e = 0; e < edges.count(); ++e) {
    if (relation[e] < 0 || relation[e] >= relations) continue;
    double same = 0, all = 0;
    for (std::size_t other = 0; other < edges.count(); ++other) {
      if (edges.to(other) != edges.to(e)) continue;
      all += relation[other] >= 0 && relation[other] < relations ? 1 : 0;
      if (relation[other] == relation[e]) same += 1;
    }
    weight[e] = norm == RelationNorm::none ? 1.0 : norm == RelationNorm::per_relation ? 1.0 / same : 1.0 / all;
  }
  return weight;
}

Sums relation_aggregate(const RelationAggregate& in) {
  Sums y(in.edges.destinations() * in.bases * in.features);
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    if (!in.takes(e)) continue;
    for (std::size_t b = 0; b < in.bases; ++b) {
      for (std::size_t f = 0; f < in.features; ++f) {
        y.add((in.edges.to(e) * in.bases + b) * in.features + f,
              in.coefficient[in.cell(e, b)] * in.weight_of(e) * in.x[in.edges.from(e) * in.features + f]);
      }
    }
  }
  return y;
}

RelationAggregateGradients relation_aggregate_backward(const RelationAggregate& in, const Reals& dy) {
  RelationAggregateGradients out{Sums(in.edges.sources() * in.features), Sums(in.coefficient.size()),
                                 Sums(in.edges.count())};
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    if (!in.takes(e)) continue;
    for (std::size_t b = 0; b < in.bases; ++b) {
      for (std::size_t f = 0; f < in.features; ++f) {
        const double gradient = dy[(in.edges.to(e) * in.bases + b) * in.features + f];
        const double upstream = in.weight_of(e) * gradient;
        const std::size_t from = in.edges.from(e) * in.features + f;
        out.dx.add(from, in.coefficient[in.cell(e, b)] * upstream);
        out.dcoefficient.add(in.cell(e, b), upstream * in.x[from]);
        out.dweight.add(e, in.coefficient[in.cell(e, b)] * gradient * in.x[from]);
      }
    }
  }
  return out;
}

}  // namespace oracle
