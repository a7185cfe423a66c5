// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/graphs.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn::test {

using oracle::Edges;
using oracle::Ids;

/// An adjacency on the host, with edge ids spelt out.
struct HostAdjacency {
  Ids offset, neighbor, edge_id;
  Ids long_rows, first_chunk, chunk_owner;
};

/// Looks at graphs on one backend.
class GraphFixture : public BackendTest {
 protected:
  /// Copies device memory that is only known by its address.
  template <class T>
  Ids download(const T* data, std::int64_t count) const {
    if (count == 0) return {};
    if (!context().is_cuda()) return Ids(data, data + count);
    std::vector<std::int32_t> every(static_cast<std::size_t>(count));
    std::iota(every.begin(), every.end(), 0);
    const auto index = Tensor::from<std::int32_t>(context(), every, {count});
    const Tensor copy(context(), dtype_of<T>, {count, 1});
    gather_rows(context(), {view(data, {count, 1}, context().device()), index, copy});
    const std::vector<T> values = copy.to_host<T>();
    return Ids(values.begin(), values.end());
  }

  HostAdjacency download(const Adjacency& from) const {
    HostAdjacency to{download(from.offset, from.rows + 1), download(from.neighbor, from.edges), {}, {}, {}, {}};
    if (from.edge_id != nullptr) {
      to.edge_id = download(from.edge_id, from.edges);
    } else {
      to.edge_id.resize(static_cast<std::size_t>(from.edges));
      std::iota(to.edge_id.begin(), to.edge_id.end(), 0);
    }
    if (from.long_rows.rows > 0) {
      to.long_rows = download(from.long_rows.row, from.long_rows.rows);
      to.first_chunk = download(from.long_rows.first_chunk, from.long_rows.rows + 1);
      to.chunk_owner = download(from.long_rows.chunk_owner, from.long_rows.chunks);
    }
    return to;
  }

  enum class OutOrder { of_ids, any };

  /// Both directions of `graph` hold exactly `edges`, every row in the order of edge ids. The rows of a selection's
  /// out-edges may have any order, for a selection numbers its edges by destination.
  void expect_structure(const Graph& graph, const Edges& edges, OutOrder out_order = OutOrder::of_ids) const {
    EXPECT_EQ(graph.num_sources(), edges.num_sources);
    EXPECT_EQ(graph.num_destinations(), edges.num_destinations);
    EXPECT_EQ(graph.num_edges(), static_cast<std::int64_t>(edges.count()));
    EXPECT_EQ(graph.device(), context().device());
    expect_adjacency(graph.in_edges(), edges.num_destinations, edges.destination, edges.source, "in_edges",
                     OutOrder::of_ids);
    expect_adjacency(graph.out_edges(), edges.num_sources, edges.source, edges.destination, "out_edges", out_order);
    if (edges.count() > 0) {
      EXPECT_NE(graph.out_edges().edge_id, nullptr);
    }
  }

  Ids downloaded_graph_offsets(const Graph& graph) const {
    return download(graph.graph_offsets(), graph.num_graphs() + 1);
  }

  /// The edges of a graph in the order of their ids.
  Edges edges_of(const Graph& graph) const {
    const HostAdjacency in = download(graph.in_edges());
    const auto count = static_cast<std::size_t>(graph.num_edges());
    Edges edges{graph.num_sources(), graph.num_destinations(), Ids(count, -1), Ids(count, -1)};
    for (std::size_t row = 0; row + 1 < in.offset.size(); ++row) {
      for (auto s = static_cast<std::size_t>(in.offset[row]); s < static_cast<std::size_t>(in.offset[row + 1]); ++s) {
        edges.source[static_cast<std::size_t>(in.edge_id[s])] = in.neighbor[s];
        edges.destination[static_cast<std::size_t>(in.edge_id[s])] = static_cast<std::int64_t>(row);
      }
    }
    return edges;
  }

 private:
  static void sort_rows_by_id(HostAdjacency& adjacency) {
    for (std::size_t row = 0; row + 1 < adjacency.offset.size(); ++row) {
      std::vector<std::pair<std::int64_t, std::int64_t>> slots;
      const auto begin = static_cast<std::size_t>(adjacency.offset[row]);
      const auto end = static_cast<std::size_t>(adjacency.offset[row + 1]);
      for (std::size_t s = begin; s < end; ++s) slots.emplace_back(adjacency.edge_id[s], adjacency.neighbor[s]);
      std::sort(slots.begin(), slots.end());
      for (std::size_t s = begin; s < end; ++s) {
        std::tie(adjacency.edge_id[s], adjacency.neighbor[s]) = slots[s - begin];
      }
    }
  }

  void expect_adjacency(const Adjacency& adjacency, std::int64_t rows, const Ids& row, const Ids& neighbor,
                        const std::string& what, OutOrder order) const {
    SCOPED_TRACE(what);
    ASSERT_EQ(adjacency.rows, rows);
    ASSERT_EQ(adjacency.edges, static_cast<std::int64_t>(row.size()));
    HostAdjacency want{{0}, {}, {}, {}, {0}, {}};
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::size_t e = 0; e < row.size(); ++e) {
        if (row[e] != r) continue;
        want.neighbor.push_back(neighbor[e]);
        want.edge_id.push_back(static_cast<std::int64_t>(e));
      }
      want.offset.push_back(static_cast<std::int64_t>(want.neighbor.size()));
      const std::int64_t length = want.offset.end()[-1] - want.offset.end()[-2];
      if (length <= kChunkEdges) continue;
      const std::int64_t chunks = (length + kChunkEdges - 1) / kChunkEdges;
      want.chunk_owner.insert(want.chunk_owner.end(), static_cast<std::size_t>(chunks),
                              static_cast<std::int64_t>(want.long_rows.size()));
      want.long_rows.push_back(r);
      want.first_chunk.push_back(want.first_chunk.back() + chunks);
    }
    HostAdjacency got = download(adjacency);
    ASSERT_EQ(got.offset, want.offset);
    if (order == OutOrder::any) sort_rows_by_id(got);
    EXPECT_EQ(got.neighbor, want.neighbor);
    EXPECT_EQ(got.edge_id, want.edge_id);
    EXPECT_EQ(got.long_rows, want.long_rows);
    EXPECT_EQ(adjacency.long_rows.chunks, static_cast<std::int64_t>(want.chunk_owner.size()));
    if (want.long_rows.empty()) return;
    EXPECT_EQ(got.first_chunk, want.first_chunk);
    EXPECT_EQ(got.chunk_owner, want.chunk_owner);
  }
};

}  // namespace warpgnn::test
