// SPDX-License-Identifier: MIT
// Graphs with every edge turned round.

#include <gmock/gmock.h>

#include "tests/graph/graph_fixture.hpp"
#include "tests/graph/selection_fixture.hpp"
#include "tests/oracle/aggregate.hpp"
#include "tests/oracle/top_k.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn::test {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

class ReversedTest : public SelectionFixture {
 protected:
  /// Edges in the order of their destinations, so that the graph keeps no edge ids for them.
  static TestGraph sorted(TestGraph graph) {
    std::vector<std::size_t> order(graph.edges.count());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return graph.edges.to(a) < graph.edges.to(b); });
    const Edges from = graph.edges;
    for (std::size_t e = 0; e < order.size(); ++e) {
      graph.edges.source[e] = from.source[order[e]];
      graph.edges.destination[e] = from.destination[order[e]];
    }
    graph.name += "_sorted";
    return graph;
  }

  static void expect_same_arrays(const Adjacency& got, const Adjacency& want) {
    EXPECT_EQ(got.offset, want.offset);
    EXPECT_EQ(got.neighbor, want.neighbor);
    EXPECT_EQ(got.long_rows.row, want.long_rows.row);
    EXPECT_EQ(got.long_rows.chunks, want.long_rows.chunks);
  }

  /// A forward and a backward of weighted sums, and of maxima.
  struct Results {
    TestTensor y, dx, dweight, maximum, arg;
  };
  Results aggregated(const Graph& graph, const TestTensor& x, const TestTensor& weight, const TestTensor& dy) const {
    const Shape sources{graph.num_sources(), 3}, destinations{graph.num_destinations(), 3};
    const auto output = [&](Dtype dtype, const Shape& shape) { return TestTensor::output(context(), dtype, shape); };
    Results results{output(Dtype::float32, destinations), output(Dtype::float32, sources),
                    output(Dtype::float32, {graph.num_edges()}), output(Dtype::float32, destinations),
                    output(Dtype::int32, destinations)};
    run(context(), aggregate_forward, Aggregate{.graph = graph, .reduce = Reduce::sum, .x = x, .weight = weight},
        AggregateResult{.y = results.y});
    run(context(), aggregate_backward, Aggregate{.graph = graph, .reduce = Reduce::sum, .x = x, .weight = weight},
        AggregateResult{}, AggregateGradients{.dy = dy, .dx = results.dx, .dweight = results.dweight});
    run(context(), aggregate_forward, Aggregate{.graph = graph, .reduce = Reduce::max, .x = x},
        AggregateResult{.y = results.maximum, .arg = results.arg});
    return results;
  }

  TestTensor random_rows(Rng& rng, std::int64_t count) const {
    return TestTensor::input(context(), Dtype::float32, {count, 3}, rng.reals(static_cast<std::size_t>(3 * count)));
  }
};

WARPGNN_INSTANTIATE_BACKEND_TESTS(ReversedTest);

TEST_P(ReversedTest, IsTheGraphOfSwappedEdges) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const TestGraph& either : {graph, sorted(graph)}) {
      SCOPED_TRACE(either.name);
      const Graph original = either.upload(context());
      const Graph reversed = original.reversed(context());
      expect_structure(reversed, transposed(either).edges);
      expect_structure(original, either.edges);
      expect_same_arrays(reversed.in_edges(), original.out_edges());
      expect_same_arrays(reversed.out_edges(), original.in_edges());
      EXPECT_EQ(reversed.num_graphs(), original.num_graphs());
      EXPECT_EQ(reversed.graph_offsets(), original.graph_offsets());
    }
  }
}

TEST_P(ReversedTest, TwiceIsTheOriginal) {
  Rng rng;
  for (const TestGraph& graph : {random_graph(rng, 23, 41, 97), sorted(random_graph(rng, 12, 12, 60))}) {
    const Graph original = graph.upload(context());
    const Graph twice = original.reversed(context()).reversed(context());
    expect_structure(twice, graph.edges);
    EXPECT_EQ(&twice.in_edges(), &original.in_edges());
  }
}

TEST_P(ReversedTest, AggregatesAsTheGraphOfSwappedEdges) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const TestGraph& either : {graph, sorted(graph)}) {
      SCOPED_TRACE(either.name);
      const Edges& edges = either.edges;
      const auto x = random_rows(rng, edges.num_destinations), dy = random_rows(rng, edges.num_sources);
      const auto weight = TestTensor::input(context(), Dtype::float32, {static_cast<std::int64_t>(edges.count())},
                                            rng.reals(edges.count()));
      const Results got = aggregated(either.upload(context()).reversed(context()), x, weight, dy);
      const Results want = aggregated(transposed(either).upload(context()), x, weight, dy);
      expect_same_bits(got.y, want.y, "y");
      expect_same_bits(got.dx, want.dx, "dx");
      expect_same_bits(got.dweight, want.dweight, "dweight");
      expect_same_bits(got.maximum, want.maximum, "maximum");
      EXPECT_EQ(got.arg.ids(), want.arg.ids());
    }
  }
}

TEST_P(ReversedTest, BatchesKeepTheirGraphsAndAreSelectedFrom) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 0, 6, 1, 9, 0}, 3);
  for (const TestGraph& either : {batch, sorted(batch)}) {
    SCOPED_TRACE(either.name);
    const Graph reversed = either.upload(context()).reversed(context());
    EXPECT_THAT(reversed.host_graph_offsets(), ElementsAreArray(batch.graph_offsets));
    EXPECT_THAT(downloaded_graph_offsets(reversed), ElementsAreArray(batch.graph_offsets));
    for (const Ids& chosen : {Ids{0, 1, 2, 3, 4, 5}, Ids{4, 2}, Ids{3, 3, 0, 3}, Ids{}}) {
      SCOPED_TRACE(::testing::PrintToString(chosen));
      expect_selection(reversed.select(context(), chosen), transposed(either).edges, batch.graph_offsets, chosen);
    }
  }
}

TEST_P(ReversedTest, ASingleGraphIsSelectedFrom) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 12, 12, 50);
  for (const TestGraph& either : {graph, sorted(graph)}) {
    expect_selection(either.upload(context()).reversed(context()).select(context(), Ids{0, 0}),
                     transposed(either).edges, {0, 12}, {0, 0});
  }
}

TEST_P(ReversedTest, SubgraphsAreThoseOfSwappedEdges) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {12, 3, 0, 20}, 4);
  const std::vector<std::int64_t> nodes{0, 1, 4, 5, 7, 9, 11, 12, 14, 20, 21, 25, 26, 30, 34};
  for (const TestGraph& either : {batch, sorted(batch)}) {
    SCOPED_TRACE(either.name);
    const Graph reversed = either.upload(context()).reversed(context());
    const GraphSelection got = induced_subgraph(context(), reversed, view(nodes.data(), {15}));
    const oracle::Subgraph want = oracle::induced_subgraph(transposed(either).edges, batch.graph_offsets, nodes);
    expect_structure(got.graph, want.edges, OutOrder::any);
    EXPECT_THAT(got.edges.to_host<std::int32_t>(), ElementsAreArray(want.edge_map));
    EXPECT_THAT(got.graph.host_graph_offsets(), ElementsAreArray(want.offset));
  }
}

TEST_P(ReversedTest, OfASelection) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {5, 0, 30, 8}, 4);
  const Graph selection = batch.upload(context()).select(context(), Ids{2, 1, 0}).graph;
  const Graph reversed = selection.reversed(context());
  const Edges edges = edges_of(reversed);
  EXPECT_EQ(edges.source, edges_of(selection).destination);
  EXPECT_EQ(edges.destination, edges_of(selection).source);
  ASSERT_NE(reversed.out_edges().edge_id, nullptr);
  EXPECT_THAT(reversed.host_graph_offsets(), ElementsAre(0, 30, 30, 35));

  const oracle::Aggregate in{
      edges, oracle::Reduce::sum, 3, rng.integers(35 * 3, -4, 4), rng.integers(edges.count(), -4, 4), {}};
  const auto x = TestTensor::input(context(), Dtype::float32, {35, 3}, in.x);
  const auto weight = TestTensor::input(context(), Dtype::float32, {reversed.num_edges()}, in.weight);
  const Results got = aggregated(reversed, x, weight, x);
  expect_exact(got.y, oracle::aggregate(in).y.value, "y");
  const auto want = oracle::aggregate_backward(in, in.x);
  expect_exact(got.dx, want.dx.value, "dx");
  expect_exact(got.dweight, want.dweight.value, "dweight");
}

TEST_P(ReversedTest, GraphsAreMadeOfIt) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 12, 12, 50);
  const Graph reversed = sorted(graph).upload(context()).reversed(context());
  Edges want = transposed(sorted(graph)).edges;
  for (std::int64_t n = 0; n < 12; ++n) {
    want.source.push_back(n);
    want.destination.push_back(n);
  }
  expect_structure(reversed.with_self_loops(context()), want);
  const std::vector<Graph> twice{reversed, reversed};
  EXPECT_EQ(Graph::batch(context(), twice).num_edges(), 100);
}

TEST_P(ReversedTest, OutlivesTheOriginal) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 10, 14, 30);
  Graph kept;
  {
    const Context own = GetParam().open();
    kept = graph.upload(own).reversed(own);
  }
  expect_structure(kept, transposed(graph).edges);
}

TEST_P(ReversedTest, Refusals) {
  const auto code = ErrorCode::invalid_argument;
  expect_error(code, {"graph:", "none"}, [&] { static_cast<void>(Graph().reversed(context())); });
  if (!context().is_cuda()) return;
  Rng rng;
  const Graph graph = random_graph(rng, 4, 4, 9).upload(context());
  expect_error(code, {"graph:", "context's device"}, [&] { static_cast<void>(graph.reversed(Context::cpu())); });
}

}  // namespace
}  // namespace warpgnn::test
