// SPDX-License-Identifier: MIT
#pragma once

#include <gmock/gmock.h>

#include "tests/graph/graph_fixture.hpp"

namespace warpgnn::test {

/// Looks at what Graph::select gives.
class SelectionFixture : public GraphFixture {
 protected:
  /// What selecting `chosen` from `whole` must give, edge by edge in the order that the selection has them.
  void expect_selection(const GraphSelection& selection, const Edges& whole, const Ids& whole_offsets,
                        const Ids& chosen) const {
    Ids nodes, offsets{0};
    for (const std::int64_t g : chosen) {
      const auto at = static_cast<std::size_t>(g);
      for (std::int64_t n = whole_offsets[at]; n < whole_offsets[at + 1]; ++n) nodes.push_back(n);
      offsets.push_back(static_cast<std::int64_t>(nodes.size()));
    }
    const auto node_map = selection.nodes.to_host<std::int32_t>();
    EXPECT_THAT(node_map, ::testing::ElementsAreArray(nodes));
    EXPECT_THAT(selection.graph.host_graph_offsets(), ::testing::ElementsAreArray(offsets));
    EXPECT_THAT(downloaded_graph_offsets(selection.graph), ::testing::ElementsAreArray(offsets));

    const Edges edges = edges_of(selection.graph);
    const auto edge_map = selection.edges.to_host<std::int32_t>();
    ASSERT_EQ(edge_map.size(), edges.count());
    for (std::size_t e = 0; e < edges.count(); ++e) {
      const auto old = static_cast<std::size_t>(edge_map[e]);
      EXPECT_EQ(whole.source[old], nodes[edges.from(e)]) << "edge " << e;
      EXPECT_EQ(whole.destination[old], nodes[edges.to(e)]) << "edge " << e;
    }
    expect_structure(selection.graph, edges, OutOrder::any);  // both directions agree, long rows found
    expect_rows_in_old_order(selection.graph, edge_map, whole, nodes);
  }

 private:
  /// Each row holds all in-edges that its node has in the whole, once each and in the same order.
  void expect_rows_in_old_order(const Graph& graph, const std::vector<std::int32_t>& edge_map, const Edges& whole,
                                const Ids& nodes) const {
    const HostAdjacency in = download(graph.in_edges());
    for (std::size_t row = 0; row < nodes.size(); ++row) {
      Ids got, want;
      for (auto s = static_cast<std::size_t>(in.offset[row]); s < static_cast<std::size_t>(in.offset[row + 1]); ++s) {
        got.push_back(edge_map[static_cast<std::size_t>(in.edge_id[s])]);
      }
      for (std::size_t e = 0; e < whole.count(); ++e) {
        if (whole.destination[e] == nodes[row]) want.push_back(static_cast<std::int64_t>(e));
      }
      EXPECT_EQ(got, want) << "row " << row;
    }
  }
};

}  // namespace warpgnn::test
