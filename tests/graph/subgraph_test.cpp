// SPDX-License-Identifier: MIT
// The graph between chosen nodes.

#include <gmock/gmock.h>

#include "tests/graph/graph_fixture.hpp"
#include "tests/oracle/aggregate.hpp"
#include "tests/oracle/top_k.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "warpgnn/ops/aggregate.hpp"
#include "warpgnn/ops/top_k.hpp"

namespace warpgnn::test {
namespace {

using ::testing::ElementsAreArray;

class SubgraphTest : public GraphFixture {
 protected:
  static std::vector<std::int32_t> narrow(const Ids& ids) { return {ids.begin(), ids.end()}; }

  GraphSelection select(const Graph& graph, const Ids& nodes) const {
    const auto ids = Tensor::from<std::int32_t>(context(), narrow(nodes), {static_cast<std::int64_t>(nodes.size())});
    return induced_subgraph(context(), graph, ids);
  }

  void check(const TestGraph& whole, const Ids& nodes) const { check(whole.upload(context()), whole, nodes); }
  void check(const Graph& graph, const TestGraph& whole, const Ids& nodes) const {
    SCOPED_TRACE(whole.name + " " + ::testing::PrintToString(nodes).substr(0, 60));
    const Ids offset = whole.graph_offsets.empty() ? Ids{0, whole.edges.num_sources} : whole.graph_offsets;
    const oracle::Subgraph want = oracle::induced_subgraph(whole.edges, offset, nodes);
    const GraphSelection got = select(graph, nodes);
    expect_structure(got.graph, want.edges, OutOrder::any);
    EXPECT_THAT(got.nodes.to_host<std::int32_t>(), ElementsAreArray(nodes));
    EXPECT_THAT(got.edges.to_host<std::int32_t>(), ElementsAreArray(want.edge_map));
    EXPECT_THAT(got.graph.host_graph_offsets(), ElementsAreArray(want.offset));
    EXPECT_THAT(downloaded_graph_offsets(got.graph), ElementsAreArray(want.offset));
  }

  static Ids some_of(Rng& rng, std::int64_t nodes, std::int64_t one_in) {
    Ids chosen;
    for (std::int64_t n = 0; n < nodes; ++n) {
      if (rng.below(one_in) == 0) chosen.push_back(n);
    }
    return chosen;
  }
  static Ids all_of(std::int64_t nodes) {
    Ids all(static_cast<std::size_t>(nodes));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
};

WARPGNN_INSTANTIATE_BACKEND_TESTS(SubgraphTest);

TEST_P(SubgraphTest, SomeNodesOfAnyGraph) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (!graph.square() || graph.edges.count() > 20000) continue;
    check(graph, some_of(rng, graph.edges.num_sources, 2));
  }
}

TEST_P(SubgraphTest, AllNodesNoNodesOneNode) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 0, 6, 1, 9, 0}, 3);
  for (const Ids& nodes : {all_of(20), Ids{}, Ids{0}, Ids{19}, Ids{4, 5, 6, 7, 8, 9}}) check(batch, nodes);
}

TEST_P(SubgraphTest, BatchesKeepTheirGraphs) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {40, 0, 33, 1, 1, 90}, 4);
  for (const std::int64_t one_in : {2, 3, 10}) check(batch, some_of(rng, 165, one_in));
}

TEST_P(SubgraphTest, SortedEdges) {
  TestGraph sorted{"", {3, 3, {0, 1, 2, 2}, {0, 1, 1, 2}}, {0, 1, 3}};
  sorted.edges.source = {0, 2, 1, 2};  // destination-major already: edge ids are slots
  check(sorted, {0, 2});
  check(sorted, {1, 2});
}

TEST_P(SubgraphTest, LongRowsAreFoundAgain) {
  Rng rng;
  TestGraph hubs = graph_with_degrees(rng, 6, {3, kChunkEdges + 5, 0, 2 * kChunkEdges, 3 * kChunkEdges, 40});
  for (const Ids& nodes : {Ids{1, 3, 4}, Ids{0, 3, 4, 5}, Ids{0, 2}}) check(hubs, nodes);
  check(transposed(hubs), {1, 3, 4, 5});
}

TEST_P(SubgraphTest, OfASubgraph) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {12, 3, 0, 20}, 4);
  const GraphSelection first = select(batch.upload(context()), {0, 1, 4, 5, 7, 9, 11, 12, 14, 20, 21, 25, 26, 30, 34});
  const auto offsets = first.graph.host_graph_offsets();
  check(first.graph, TestGraph{"again", edges_of(first.graph), Ids(offsets.begin(), offsets.end())},
        {0, 2, 3, 5, 7, 9, 10, 14});
}

TEST_P(SubgraphTest, CanBeSelectedFromAndBatched) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {12, 3, 20}, 4);
  const Graph whole = batch.upload(context());
  const Ids nodes = some_of(rng, 35, 2);
  const GraphSelection part = select(whole, nodes);
  const Graph again = part.graph.select(context(), Ids{0, 1, 2}).graph;
  expect_structure(again, edges_of(part.graph), OutOrder::any);
  const std::vector<Graph> twice{part.graph, part.graph};
  EXPECT_EQ(Graph::batch(context(), twice).num_graphs(), 6);
}

TEST_P(SubgraphTest, HostAndWideIds) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {6, 9}, 3);
  const Graph whole = batch.upload(context());
  const std::vector<std::int64_t> nodes{1, 2, 5, 6, 12};
  const GraphSelection got = induced_subgraph(context(), whole, view(nodes.data(), {5}));
  EXPECT_THAT(edges_of(got.graph).source, ElementsAreArray(edges_of(select(whole, nodes).graph).source));
  EXPECT_THAT(got.graph.host_graph_offsets(), ::testing::ElementsAre(0, 3, 5));
}

TEST_P(SubgraphTest, OpsSeeTheSubgraph) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {15, 0, 30}, 5);
  const GraphSelection part = select(batch.upload(context()), some_of(rng, 45, 2));
  const Edges edges = edges_of(part.graph);
  const std::int64_t nodes = part.graph.num_nodes();
  const oracle::Aggregate in{edges,
                             oracle::Reduce::sum,
                             3,
                             rng.integers(static_cast<std::size_t>(nodes) * 3, -4, 4),
                             rng.integers(edges.count(), -4, 4),
                             {}};
  const auto x = TestTensor::input(context(), Dtype::float32, {nodes, 3}, in.x);
  const auto weight = TestTensor::input(context(), Dtype::float32, {part.graph.num_edges()}, in.weight);
  const auto y = TestTensor::output(context(), Dtype::float32, {nodes, 3});
  const auto dx = TestTensor::output(context(), Dtype::float32, {nodes, 3});
  const auto dweight = TestTensor::output(context(), Dtype::float32, {part.graph.num_edges()});
  run(context(), aggregate_forward, Aggregate{.graph = part.graph, .reduce = Reduce::sum, .x = x, .weight = weight},
      AggregateResult{.y = y});
  run(context(), aggregate_backward, Aggregate{.graph = part.graph, .reduce = Reduce::sum, .x = x, .weight = weight},
      AggregateResult{}, AggregateGradients{.dy = x, .dx = dx, .dweight = dweight});
  expect_exact(y, oracle::aggregate(in).y.value, "y");
  const auto want = oracle::aggregate_backward(in, in.x);
  expect_exact(dx, want.dx.value, "dx");
  expect_exact(dweight, want.dweight.value, "dweight");
}

TEST_P(SubgraphTest, RefusesWrongNodes) {
  Rng rng;
  const Graph graph = random_batch(rng, {4, 5}, 2).upload(context());
  const auto refused = [&](ErrorCode code, const std::vector<std::string>& words, const Ids& nodes) {
    expect_error(code, words, [&] { select(graph, nodes); });
  };
  refused(ErrorCode::out_of_range, {"nodes:", "element 1"}, {0, 9});
  refused(ErrorCode::out_of_range, {"nodes:", "element 0"}, {-1, 2});
  refused(ErrorCode::invalid_argument, {"nodes:", "element 2"}, {0, 3, 3, 4});
  refused(ErrorCode::invalid_argument, {"nodes:", "element 1"}, {5, 4});
  const Tensor reals(context(), Dtype::float32, {2});
  expect_error(ErrorCode::invalid_argument, {"nodes:", "float32"}, [&] { induced_subgraph(context(), graph, reals); });
  expect_error(ErrorCode::invalid_argument, {"nodes:", "none"}, [&] { induced_subgraph(context(), graph, {}); });
  const Tensor ids = Tensor::from<std::int32_t>(context(), std::vector<std::int32_t>{0, 1}, {2});
  expect_error(ErrorCode::invalid_argument, {"graph:", "none"}, [&] { induced_subgraph(context(), {}, ids); });
  const Graph bipartite = random_graph(rng, 4, 5, 9).upload(context());
  expect_error(ErrorCode::invalid_argument, {"graph:", "4", "5"}, [&] { induced_subgraph(context(), bipartite, ids); });
}

}  // namespace
}  // namespace warpgnn::test
