// SPDX-License-Identifier: MIT
#include "warpgnn/graph.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include "tests/graph/graph_fixture.hpp"
#include "tests/graph/selection_fixture.hpp"
#include "tests/oracle/aggregate.hpp"
#include "tests/support/compare.hpp"
#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn::test {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

class GraphTest : public GraphFixture {};
WARPGNN_INSTANTIATE_BACKEND_TESTS(GraphTest);

TEST_P(GraphTest, FromCooKeepsEveryEdge) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const Dtype ids : {Dtype::int32, Dtype::int64}) {
      SCOPED_TRACE(graph.name + " " + warpgnn::name_of(ids));
      const Graph built = graph.upload(context(), ids);
      expect_structure(built, graph.edges);
      EXPECT_EQ(built.num_graphs(), graph.square() ? 1 : 0);
      if (graph.square()) {
        EXPECT_THAT(downloaded_graph_offsets(built), ElementsAre(0, graph.edges.num_sources));
      }
    }
  }
}

TEST_P(GraphTest, RowsOfMoreChunksThanAWarpHasLanes) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 50, {3, hub_edges(context()), kChunkEdges + 1});
  expect_structure(graph.upload(context()), graph.edges);
}

/// In windows of 4096 the longest rows come first, equal ones as they are numbered; rows that are cut into chunks are
/// as long as empty ones.
Ids order_of_rows(const Ids& offset) {
  const auto rows = static_cast<std::int64_t>(offset.size()) - 1;
  const auto length = [&](std::int64_t row) {
    const auto r = static_cast<std::size_t>(row);
    const std::int64_t edges = offset[r + 1] - offset[r];
    return edges > kChunkEdges ? 0 : edges;
  };
  Ids order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t first = 0; first < rows; first += 4096) {
    std::stable_sort(order.begin() + first, order.begin() + std::min(first + 4096, rows),
                     [&](std::int64_t a, std::int64_t b) { return length(a) > length(b); });
  }
  return order;
}

/// How much of a warp's lanes is busy that takes 8 rows side by side.
double busy_lanes(const Ids& offset, const Ids& order) {
  std::int64_t edges = 0, slots = 0;
  for (std::size_t k = 0; k < order.size(); k += 8) {
    std::int64_t longest = 0;
    for (std::size_t side = k; side < std::min(k + 8, order.size()); ++side) {
      const auto row = static_cast<std::size_t>(order[side]);
      const std::int64_t own = offset[row + 1] - offset[row];
      if (own > kChunkEdges) continue;
      edges += own;
      longest = std::max(longest, own);
    }
    slots += 8 * longest;
  }
  return static_cast<double>(edges) / static_cast<double>(slots);
}

TEST_P(GraphTest, RowsOfUnevenLengthAreTakenInOrderOnAGpu) {
  Rng rng;
  Ids degrees;
  for (std::int64_t row = 0; row < 17000; ++row) degrees.push_back(60 / (1 + rng.below(60)));
  degrees[5000] = kChunkEdges + 1;
  std::int64_t edges = 0;
  for (const std::int64_t degree : degrees) edges += degree;
  if (edges % 2 == 1) ++degrees[0];  // for upload() gives a graph with an odd number of edges an order of its own
  const Graph graph = graph_with_degrees(rng, 17000, degrees).upload(context());
  if (!context().is_cuda()) {
    EXPECT_EQ(graph.in_edges().row_order, nullptr);
    return;
  }
  ASSERT_NE(graph.in_edges().row_order, nullptr);
  const Ids offset = download(graph.in_edges()).offset, got = download(graph.in_edges().row_order, 17000);
  EXPECT_EQ(got, order_of_rows(offset));
  EXPECT_GT(busy_lanes(offset, got), 0.9);
  EXPECT_EQ(graph.reversed(context()).out_edges().row_order, graph.in_edges().row_order);
  EXPECT_EQ(graph.parts().in_edges.row_order.data, graph.in_edges().row_order);

  // Equal rows need none.
  const Graph even = graph_with_degrees(rng, 17000, Ids(17000, 2)).upload(context());
  EXPECT_EQ(even.in_edges().row_order, nullptr);
}

TEST_P(GraphTest, FromCooTakesDeviceMemory) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 9, 12, 40);
  const auto source = TestTensor::input_ids(context(), Dtype::int64, {40}, graph.edges.source, Place::misaligned);
  const auto destination = TestTensor::input_ids(context(), Dtype::int64, {40}, graph.edges.destination);
  expect_structure(Graph::from_coo(context(), {source, destination, 9, 12}), graph.edges);
}

TEST_P(GraphTest, FromCsrKeepsTheSlotsAsEdgeIds) {
  const std::vector<std::int64_t> offsets{0, 2, 2, 5, 6};
  const std::vector<std::int32_t> sources{2, 0, 1, 1, 3, 0};
  const Edges edges{4, 4, {2, 0, 1, 1, 3, 0}, {0, 0, 2, 2, 2, 3}};
  const Graph from_host = Graph::from_csr(context(), {view(offsets.data(), {5}), view(sources.data(), {6}), 4});
  expect_structure(from_host, edges);
  const auto device_offsets = TestTensor::input_ids(context(), Dtype::int64, {5}, Ids(offsets.begin(), offsets.end()));
  const auto device_sources = TestTensor::input_ids(context(), Dtype::int32, {6}, Ids(sources.begin(), sources.end()));
  expect_structure(Graph::from_csr(context(), {device_offsets, device_sources, 4}), edges);

  const std::vector<std::int64_t> parts{0, 4, 4};
  const Graph batch =
      Graph::from_csr(context(), {view(offsets.data(), {5}), view(sources.data(), {6}), 4, view(parts.data(), {3})});
  EXPECT_THAT(batch.host_graph_offsets(), ElementsAre(0, 4, 4));
  const std::vector<std::int64_t> no_rows{0};
  const Graph bipartite = Graph::from_csr(context(), {view(no_rows.data(), {1}), view(sources.data(), {0}), 7});
  expect_structure(bipartite, {7, 0, {}, {}});
}

TEST_P(GraphTest, BatchOffsets) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {3, 0, 5, 1, 0}, 2);
  const Graph graph = batch.upload(context());
  EXPECT_EQ(graph.num_graphs(), 5);
  EXPECT_EQ(graph.num_nodes(), 9);
  EXPECT_THAT(graph.host_graph_offsets(), ElementsAre(0, 3, 3, 8, 9, 9));
  EXPECT_THAT(downloaded_graph_offsets(graph), ElementsAre(0, 3, 3, 8, 9, 9));
  expect_structure(graph, batch.edges);
  const Graph none = TestGraph{"", {}, {0}}.upload(context());
  EXPECT_EQ(none.num_graphs(), 0);
  EXPECT_EQ(none.num_nodes(), 0);
}

TEST_P(GraphTest, BatchPutsGraphsSideBySide) {
  Rng rng;
  const TestGraph parts[] = {random_graph(rng, 7, 7, 20),
                             {"", {2, 2, {}, {}}},
                             random_batch(rng, {4, 0, 3}, 3),
                             {"", {0, 0, {}, {}}},
                             graph_with_degrees(rng, 3, {kChunkEdges + 1, 0, 2})};
  Edges want;
  std::vector<Graph> graphs;
  for (const TestGraph& part : parts) {
    graphs.push_back(part.upload(context()));
    for (std::size_t e = 0; e < part.edges.count(); ++e) {
      want.source.push_back(want.num_sources + part.edges.source[e]);
      want.destination.push_back(want.num_sources + part.edges.destination[e]);
    }
    want.num_sources = want.num_destinations += part.edges.num_sources;
  }
  const Graph batch = Graph::batch(context(), graphs);
  expect_structure(batch, want);
  EXPECT_THAT(batch.host_graph_offsets(), ElementsAre(0, 7, 9, 13, 13, 16, 16, 19));
  EXPECT_THAT(downloaded_graph_offsets(batch), ElementsAre(0, 7, 9, 13, 13, 16, 16, 19));

  const Graph empty = Graph::batch(context(), {});
  EXPECT_EQ(empty.num_graphs(), 0);
  EXPECT_EQ(empty.num_nodes(), 0);
  EXPECT_EQ(empty.num_edges(), 0);
}

TEST_P(GraphTest, SelfLoopsForAll) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (!graph.square()) continue;
    SCOPED_TRACE(graph.name);
    Edges want = graph.edges;
    for (std::int64_t n = 0; n < want.num_sources; ++n) {
      want.source.push_back(n);
      want.destination.push_back(n);
    }
    expect_structure(graph.upload(context()).with_self_loops(context()), want);
  }
}

TEST_P(GraphTest, SelfLoopsWhereMissing) {
  const TestGraph graph{"", {5, 5, {1, 0, 3, 3, 2, 1}, {0, 1, 3, 3, 3, 1}}, {0, 4, 4, 5}};
  const Graph with = graph.upload(context()).with_self_loops(context(), SelfLoops::where_missing);
  Edges want = graph.edges;  // 1 and 3 have theirs
  for (const std::int64_t n : {0, 2, 4}) {
    want.source.push_back(n);
    want.destination.push_back(n);
  }
  expect_structure(with, want);
  EXPECT_THAT(with.host_graph_offsets(), ElementsAre(0, 4, 4, 5));
  expect_structure(with.with_self_loops(context(), SelfLoops::where_missing), want);  // nothing left to add
}

TEST_P(GraphTest, WithoutSelfLoops) {
  Rng rng;
  std::vector<TestGraph> graphs = graph_cases(rng);
  graphs.push_back({"loops twice and alone", {5, 5, {1, 0, 3, 3, 2, 1, 4}, {0, 1, 3, 3, 3, 1, 4}}, {0, 4, 4, 5}});
  graphs.push_back({"loops alone", {3, 3, {1, 0, 1}, {1, 0, 1}}});
  for (const TestGraph& graph : graphs) {
    if (!graph.square()) continue;
    SCOPED_TRACE(graph.name);
    Edges want{graph.edges.num_sources, graph.edges.num_sources, {}, {}};
    Ids kept, position;
    for (std::size_t e = 0; e < graph.edges.count(); ++e) {
      const bool loop = graph.edges.source[e] == graph.edges.destination[e];
      position.push_back(loop ? -1 : static_cast<std::int64_t>(kept.size()));
      if (loop) continue;
      kept.push_back(static_cast<std::int64_t>(e));
      want.source.push_back(graph.edges.source[e]);
      want.destination.push_back(graph.edges.destination[e]);
    }
    const Graph whole = graph.upload(context());
    const LooplessGraph without = whole.without_self_loops(context());
    expect_structure(without.graph, want);
    EXPECT_THAT(without.edges.to_host<std::int32_t>(), ElementsAreArray(kept));
    EXPECT_THAT(without.position.to_host<std::int32_t>(), ElementsAreArray(position));
    EXPECT_THAT(without.graph.host_graph_offsets(), ElementsAreArray(whole.host_graph_offsets()));
    for (std::int64_t n = 0; n < want.num_sources; ++n) {
      want.source.push_back(n);
      want.destination.push_back(n);
    }
    expect_structure(without.graph.with_self_loops(context()), want);
  }
}

class GraphSelectTest : public SelectionFixture {};
WARPGNN_INSTANTIATE_BACKEND_TESTS(GraphSelectTest);

TEST_P(GraphSelectTest, AnyOrderRepeatsAndEmptyGraphs) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 0, 6, 1, 9, 0}, 3);
  const Graph graph = batch.upload(context());
  for (const Ids& chosen : {Ids{0, 1, 2, 3, 4, 5}, Ids{4, 2}, Ids{3, 3, 0, 3}, Ids{1, 5, 1}, Ids{}, Ids{5, 4, 1, 2}}) {
    SCOPED_TRACE(::testing::PrintToString(chosen));
    expect_selection(graph.select(context(), chosen), batch.edges, batch.graph_offsets, chosen);
  }
}

TEST_P(GraphSelectTest, FromSortedEdgesAndLongRows) {
  Rng rng;
  TestGraph sorted{"", {3, 3, {0, 1, 2, 2}, {0, 1, 1, 2}}, {0, 1, 3}};
  sorted.edges.source = {0, 2, 1, 2};  // destination-major already: edge ids are slots
  expect_selection(sorted.upload(context()).select(context(), Ids{1, 0, 1}), sorted.edges, sorted.graph_offsets,
                   {1, 0, 1});

  TestGraph hubs = graph_with_degrees(rng, 4, {3, kChunkEdges + 5, 0, 2 * kChunkEdges});
  hubs.graph_offsets = {0, 4};
  const std::vector<Graph> twice{hubs.upload(context()), hubs.upload(context())};
  const Graph batch = Graph::batch(context(), twice);
  expect_selection(batch.select(context(), Ids{1, 1, 0}), edges_of(batch), {0, 4, 8}, {1, 1, 0});
}

TEST_P(GraphSelectTest, FromABatchOfOne) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 12, 12, 50);  // edges in no order
  expect_selection(graph.upload(context()).select(context(), Ids{0, 0}), graph.edges, {0, 12}, {0, 0});
}

TEST_P(GraphSelectTest, SelectionsCanBeSelectedFrom) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {5, 3, 0, 8}, 3);
  const GraphSelection first = batch.upload(context()).select(context(), Ids{3, 1, 2, 0, 3});
  const auto offsets = first.graph.host_graph_offsets();
  expect_selection(first.graph.select(context(), Ids{4, 2, 1}), edges_of(first.graph),
                   Ids(offsets.begin(), offsets.end()), {4, 2, 1});
}

TEST_P(GraphSelectTest, OpsSeeTheSelection) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {5, 0, 30, 8}, 4);
  const GraphSelection selection = batch.upload(context()).select(context(), Ids{2, 1, 0});
  const Edges edges = edges_of(selection.graph);
  const oracle::Aggregate in{
      edges, oracle::Reduce::sum, 3, rng.integers(35 * 3, -4, 4), rng.integers(edges.count(), -4, 4), {}};
  const auto x = TestTensor::input(context(), Dtype::float32, {35, 3}, in.x);
  const auto weight = TestTensor::input(context(), Dtype::float32, {selection.graph.num_edges()}, in.weight);
  const auto y = TestTensor::output(context(), Dtype::float32, {35, 3});
  const auto dx = TestTensor::output(context(), Dtype::float32, {35, 3});
  const auto dweight = TestTensor::output(context(), Dtype::float32, {selection.graph.num_edges()});
  run(context(), aggregate_forward, Aggregate{selection.graph, Reduce::sum, x, weight}, AggregateResult{y});
  run(context(), aggregate_backward, Aggregate{selection.graph, Reduce::sum, x, weight}, AggregateResult{},
      AggregateGradients{x, dx, dweight});
  expect_exact(y, oracle::aggregate(in).y.value, "y");
  const auto want = oracle::aggregate_backward(in, in.x);
  expect_exact(dx, want.dx.value, "dx");
  expect_exact(dweight, want.dweight.value, "dweight");
}

TEST_P(GraphTest, ManyThreadsShareOneGraph) {
  Rng rng;
  const TestGraph graph = power_law_graph(rng, 200, 4000);
  const Graph shared = graph.upload(context());
  const oracle::Aggregate in{graph.edges, oracle::Reduce::sum, 16, rng.integers(200 * 16, -4, 4), {}, {}};
  const auto want = oracle::aggregate(in).y.value;
  std::vector<oracle::Reals> results(4);
  std::vector<std::thread> threads;
  for (oracle::Reals& result : results) {
    threads.emplace_back([&] {
      const Context own = GetParam().open();
      const Graph copy = shared;
      const auto x = TestTensor::input(own, Dtype::float32, {200, 16}, in.x);
      const auto y = TestTensor::output(own, Dtype::float32, {200, 16});
      for (int repeat = 0; repeat < 5; ++repeat) {
        run(own, aggregate_forward, Aggregate{copy, Reduce::sum, x}, AggregateResult{y});
      }
      result = y.reals();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const oracle::Reals& result : results) EXPECT_EQ(result, want);
}

TEST_P(GraphTest, OutlivesItsContextAndItsOrigin) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 10, 10, 30);
  Graph kept;
  {
    const Context own = GetParam().open();
    const Graph built = graph.upload(own);
    kept = built;
  }
  expect_structure(kept, graph.edges);
  EXPECT_TRUE(kept.defined());
  EXPECT_FALSE(Graph().defined());
}

}  // namespace
}  // namespace warpgnn::test
