// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/matrix.hpp"

namespace train::graphs {

/// Many graphs, each with a class, as one disconnected graph: the nodes of graph g are
/// [graph_offsets[g], graph_offsets[g + 1]), and no edge joins two graphs.
struct Dataset {
  std::string name;
  std::vector<std::int64_t> graph_offsets{0};
  std::vector<std::int32_t> source, destination;
  Categories graph_labels;
  std::vector<Categories> node_labels;  ///< one for each column of the file; most sets have none or one
  std::vector<Categories> edge_labels;
  Matrix node_attributes;
  Matrix edge_attributes;
  std::vector<std::uint8_t> motif_nodes;  ///< 1 for the nodes that decide the class, where that is known; else empty
  std::int64_t duplicate_edges = 0;       ///< listed edges that were left out because they were listed before

  std::int64_t num_graphs() const { return static_cast<std::int64_t>(graph_offsets.size()) - 1; }
  std::int64_t num_nodes() const { return graph_offsets.back(); }
  std::int64_t num_edges() const { return static_cast<std::int64_t>(source.size()); }
  std::int64_t num_classes() const { return graph_labels.count(); }
};

/// The edges of each graph, in order.
std::vector<std::vector<std::size_t>> edges_by_graph(const Dataset& dataset);

/// Leaves out every edge that was listed before with the same ends, label and attributes, and counts them.
void remove_duplicate_edges(Dataset& dataset);

}  // namespace train::graphs
