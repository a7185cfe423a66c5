// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/matrix.hpp"

namespace train::nodes {

/// Node numbers, each part increasing.
struct NodeSplit {
  std::vector<std::int32_t> train, valid, test;
};

/// One graph whose nodes have features and classes. Edges go both ways and stand once each, sorted; there may be
/// self-loops.
struct NodeData {
  std::string name;
  std::vector<std::int32_t> source, destination;
  Matrix features;
  Categories labels;
  NodeSplit split;

  std::int64_t num_nodes() const { return features.rows; }
  std::int64_t num_edges() const { return static_cast<std::int64_t>(source.size()); }
  std::int64_t num_classes() const { return labels.count(); }
};

/// Adds the reverse of every edge and leaves out what stands twice.
void make_undirected(NodeData& data);

bool has_negative(const Matrix& features);
/// Divides every row of features by its sum, where no feature is negative and the sum is not 0. Whether it did.
bool normalise_rows(Matrix& features);

/// Name, counts and a hash of a data set, to notice a resume on other data.
std::string fingerprint(const NodeData& data);
/// "cora: 2708 nodes, ..." in one line.
std::string describe_data(const NodeData& data);

}  // namespace train::nodes
