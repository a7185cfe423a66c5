// SPDX-License-Identifier: MIT
#include "tests/oracle/top_k.hpp"

#include <algorithm>

namespace oracle {

Ids top_k(const Ids& offset, const Ids& kept, const Reals& score) {
  Ids selected;
  for (std::size_t g = 0; g + 1 < offset.size(); ++g) {
    Ids nodes;
    for (std::int64_t n = offset[g]; n < offset[g + 1]; ++n) nodes.push_back(n);
    const auto of = [&](std::int64_t node) { return score[static_cast<std::size_t>(node)]; };
    std::stable_sort(nodes.begin(), nodes.end(), [&](std::int64_t a, std::int64_t b) {
      if (std::isnan(of(a)) || std::isnan(of(b))) return std::isnan(of(a)) && !std::isnan(of(b));
      return of(a) > of(b);
    });
    nodes.resize(static_cast<std::size_t>(kept[g]));
    std::sort(nodes.begin(), nodes.end());
    selected.insert(selected.end(), nodes.begin(), nodes.end());
  }
  return selected;
}

Sums scaled_gather(const Reals& x, const Reals& scale, const Ids& index, std::size_t features) {
  Sums y(index.size() * features);
  for (std::size_t k = 0; k < index.size(); ++k) {
    if (index[k] < 0 || index[k] >= static_cast<std::int64_t>(scale.size())) continue;
    const auto n = static_cast<std::size_t>(index[k]);
    for (std::size_t f = 0; f < features; ++f) y.add(k * features + f, scale[n] * x[n * features + f]);
  }
  return y;
}

ScaledGatherGradients scaled_gather_backward(const Reals& x, const Reals& scale, const Ids& index, const Reals& dy,
                                             std::size_t features) {
  ScaledGatherGradients out{Sums(x.size()), Sums(scale.size())};
  for (std::size_t k = 0; k < index.size(); ++k) {
    const auto n = static_cast<std::size_t>(index[k]);
    for (std::size_t f = 0; f < features; ++f) {
      out.dx.add(n * features + f, scale[n] * dy[k * features + f]);
      out.dscale.add(n, x[n * features + f] * dy[k * features + f]);
    }
  }
  return out;
}

Subgraph induced_subgraph(const Edges& whole, const Ids& offset, const Ids& nodes) {
  const auto count = static_cast<std::int64_t>(nodes.size());
  const auto place_of = [&](std::int64_t node) {
    const auto found = std::find(nodes.begin(), nodes.end(), node);
    return found == nodes.end() ? -1 : found - nodes.begin();
  };
  Subgraph out{{count, count, {}, {}}, {}, {}};
  for (std::int64_t k = 0; k < count; ++k) {
    for (std::size_t e = 0; e < whole.count(); ++e) {
      if (place_of(whole.destination[e]) != k || place_of(whole.source[e]) < 0) continue;
      out.edges.source.push_back(place_of(whole.source[e]));
      out.edges.destination.push_back(k);
      out.edge_map.push_back(static_cast<std::int64_t>(e));
    }
  }
  for (const std::int64_t begin : offset) {
    out.offset.push_back(std::count_if(nodes.begin(), nodes.end(), [&](std::int64_t node) { return node < begin; }));
  }
  return out;
}

}  // namespace oracle
