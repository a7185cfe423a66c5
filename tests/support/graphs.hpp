// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tests/oracle/types.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/graph.hpp"

namespace warpgnn::test {

/// A graph as the oracle sees it, and its library twin.
struct TestGraph {
  std::string name;
  oracle::Edges edges;
  oracle::Ids graph_offsets{};  // empty: not a batch

  bool square() const { return edges.num_sources == edges.num_destinations; }
  /// Ids are handed over as `ids`, int32 or int64.
  Graph upload(const Context& context, Dtype ids = Dtype::int64) const;
};

/// Random edges with duplicates and self-loops; about a fifth of the nodes on each side have no edge at all.
TestGraph random_graph(Rng& rng, std::int64_t sources, std::int64_t destinations, std::int64_t edges);
/// Destination k has in_degree[k] in-edges from random sources; the edges come in random order.
TestGraph graph_with_degrees(Rng& rng, std::int64_t sources, const oracle::Ids& in_degree);
/// In-degrees fall like 1/rank, and so do out-degrees.
TestGraph power_law_graph(Rng& rng, std::int64_t nodes, std::int64_t edges);
TestGraph transposed(TestGraph graph);
/// Random graphs of the given sizes side by side; a size of 0 is an empty graph.
TestGraph random_batch(Rng& rng, const oracle::Ids& sizes, std::int64_t edges_per_node);

/// Graph g of a batch on its own, and the edges of the batch that it owns, in order.
struct BatchPart {
  TestGraph graph;
  oracle::Ids edges;
};
BatchPart part_of(const TestGraph& batch, std::size_t g);

/// What every op must survive: ordinary graphs, rows around the length at which they are cut into chunks (in both
/// directions), no edges, no destinations, no sources, nothing at all.
std::vector<TestGraph> graph_cases(Rng& rng);

}  // namespace warpgnn::test
