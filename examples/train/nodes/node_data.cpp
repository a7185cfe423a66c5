// SPDX-License-Identifier: MIT
#include "node_data.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "core/fingerprint.hpp"
#include "core/statistics.hpp"

namespace train::nodes {

void make_undirected(NodeData& data) {
  std::vector<std::pair<std::int32_t, std::int32_t>> edges;
  edges.reserve(2 * data.source.size());
  for (std::size_t e = 0; e < data.source.size(); ++e) {
    edges.emplace_back(data.source[e], data.destination[e]);
    edges.emplace_back(data.destination[e], data.source[e]);
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  data.source.clear();
  data.destination.clear();
  for (const auto& [from, to] : edges) {
    data.source.push_back(from);
    data.destination.push_back(to);
  }
}

bool has_negative(const Matrix& features) {
  return std::any_of(features.values.begin(), features.values.end(), [](double value) { return value < 0; });
}

bool normalise_rows(Matrix& features) {
  if (has_negative(features)) return false;
  const auto columns = static_cast<std::size_t>(features.columns);
  for (std::size_t begin = 0; begin < features.values.size(); begin += columns) {
    const auto row = std::span(features.values).subspan(begin, columns);
    scale(row);
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    if (sum > 0) std::transform(row.begin(), row.end(), row.begin(), [sum](double value) { return value / sum; });
  }
  return true;
}

std::string fingerprint(const NodeData& data) {
  Fingerprint hash;
  hash.add(data.source);
  hash.add(data.destination);
  hash.add(data.features.values);
  hash.add(data.labels.index);
  for (const auto* part : {&data.split.train, &data.split.valid, &data.split.test}) hash.add(*part);
  return data.name + ", " + std::to_string(data.num_nodes()) + " nodes, " + std::to_string(data.num_edges()) +
         " edges, hash " + std::to_string(hash.value());
}

std::string describe_data(const NodeData& data) {
  const auto unlabelled = std::count(data.labels.index.begin(), data.labels.index.end(), -1);
  const std::string without = unlabelled == 0 ? "" : ", " + std::to_string(unlabelled) + " without class";
  return data.name + ": " + std::to_string(data.num_nodes()) + " nodes" + without + ", " +
         std::to_string(data.num_edges()) + " directed edges, " + std::to_string(data.features.columns) +
         " features, " + std::to_string(data.num_classes()) + " classes; " + std::to_string(data.split.train.size()) +
         " train, " + std::to_string(data.split.valid.size()) + " valid, " + std::to_string(data.split.test.size()) +
         " test";
}

}  // namespace train::nodes
