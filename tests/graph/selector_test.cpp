// SPDX-License-Identifier: MIT
// Mini-batches cut into the same memory, padded or not.

#include "warpgnn/selector.hpp"

#include <gmock/gmock.h>

#include "tests/graph/selection_fixture.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/nn_subject.hpp"

namespace warpgnn::test {
namespace {

using ::testing::ElementsAreArray;

class SelectorTest : public SelectionFixture {
 protected:
  Ids values_of(const ConstTensorView& numbers) const {
    const auto values = to_host<std::int32_t>(context(), numbers);
    return {values.begin(), values.end()};
  }

  /// The chosen parts as they are alone, and behind them the padding.
  void expect_padded(Selector& selector, const TestGraph& batch, const Ids& chosen, const SelectionSize& size) const {
    const GraphSelection alone = batch.upload(context()).select(context(), chosen);
    const GraphSelection& padded = selector.select(chosen, size);
    const Edges want = edges_of(alone.graph), got = edges_of(padded.graph);
    ASSERT_EQ(padded.graph.num_graphs(), size.graphs);
    ASSERT_EQ(padded.graph.num_nodes(), size.nodes);
    ASSERT_EQ(padded.graph.num_edges(), size.edges);
    expect_structure(padded.graph, got, OutOrder::any);

    const auto nodes = alone.graph.num_nodes(), edges = alone.graph.num_edges(), count = alone.graph.num_graphs();
    Ids node_map = values_of(alone.nodes), edge_map = values_of(alone.edges), graphs(chosen);
    node_map.resize(static_cast<std::size_t>(size.nodes), static_cast<std::int64_t>(batch.edges.destinations()));
    edge_map.resize(static_cast<std::size_t>(size.edges), static_cast<std::int64_t>(batch.edges.count()));
    graphs.resize(static_cast<std::size_t>(size.graphs), static_cast<std::int64_t>(batch.graph_offsets.size()) - 1);
    EXPECT_THAT(values_of(padded.nodes), ElementsAreArray(node_map));
    EXPECT_THAT(values_of(padded.edges), ElementsAreArray(edge_map));
    EXPECT_THAT(values_of(selector.graphs()), ElementsAreArray(graphs));

    Ids degree(static_cast<std::size_t>(size.nodes), 0);
    for (std::size_t e = 0; e < got.count(); ++e) {
      if (e < want.count()) {
        EXPECT_EQ(got.from(e), want.from(e)) << e;
        EXPECT_EQ(got.to(e), want.to(e)) << e;
      } else {
        EXPECT_EQ(got.from(e), got.to(e)) << e;
        EXPECT_GE(got.source[e], nodes) << e;
        ++degree[got.to(e)];
      }
    }
    const std::int64_t padding = size.nodes - nodes;
    for (const std::int64_t each : degree) EXPECT_LE(each, padding == 0 ? 0 : (size.edges - edges) / padding + 1);

    Ids offsets(alone.graph.host_graph_offsets().begin(), alone.graph.host_graph_offsets().end());
    for (std::int64_t g = count; g < size.graphs; ++g) offsets.push_back(g + 1 == size.graphs ? size.nodes : nodes);
    EXPECT_THAT(padded.graph.host_graph_offsets(), ElementsAreArray(offsets));
    EXPECT_THAT(downloaded_graph_offsets(padded.graph), ElementsAreArray(offsets));
  }
};
WARPGNN_INSTANTIATE_BACKEND_TESTS(SelectorTest);

TEST_P(SelectorTest, CutsWhatSelectCuts) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 0, 6, 1, 9, 0}, 3);
  Selector selector(context(), batch.upload(context()), 6);
  for (const Ids& chosen : {Ids{4, 2}, Ids{0, 1, 2, 3, 4, 5}, Ids{}, Ids{3, 3, 0, 3}, Ids{1, 5, 1}}) {
    SCOPED_TRACE(::testing::PrintToString(chosen));
    expect_selection(selector.select(chosen), batch.edges, batch.graph_offsets, chosen);
    EXPECT_THAT(values_of(selector.graphs()), ElementsAreArray(chosen));
  }
}

TEST_P(SelectorTest, FindsLongRowsAnewForEachChoice) {
  Rng rng;
  TestGraph hubs = graph_with_degrees(rng, 8, {3, kChunkEdges + 5, 0, 2 * kChunkEdges, 1, 1, 1, 1});
  for (std::size_t e = 0; e < hubs.edges.count(); ++e) {
    if (hubs.edges.destination[e] < 4) hubs.edges.source[e] %= 4;
    if (hubs.edges.destination[e] >= 4) hubs.edges.source[e] = 4 + hubs.edges.source[e] % 4;
  }
  hubs.graph_offsets = {0, 4, 8};
  Selector selector(context(), hubs.upload(context()), 4);
  EXPECT_FALSE(selector.can_pad());
  for (const Ids& chosen : {Ids{0}, Ids{1, 0, 1, 0}, Ids{1}, Ids{0, 0}}) {
    SCOPED_TRACE(::testing::PrintToString(chosen));
    expect_selection(selector.select(chosen), hubs.edges, hubs.graph_offsets, chosen);
  }
  expect_error(ErrorCode::invalid_argument, {"padded_to:", "none", std::to_string(kChunkEdges)}, [&] {
    selector.choose(Ids{1}, SelectionSize{2, 100, 100});
  });
}

TEST_P(SelectorTest, PadsToOneSize) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 0, 6, 1, 9, 0, 30}, 3);
  Selector selector(context(), batch.upload(context()), 9);
  EXPECT_TRUE(selector.can_pad());
  for (const Ids& chosen : {Ids{4, 2}, Ids{0, 1, 2, 3, 4, 5}, Ids{}, Ids{3, 3, 0, 3}, Ids{6}}) {
    SCOPED_TRACE(::testing::PrintToString(chosen));
    expect_padded(selector, batch, chosen, {8, 45, 150});
  }
  const SelectionSize own = selector.size_of(Ids{2, 4});
  expect_padded(selector, batch, {2, 4}, own);                                         // no padding at all
  expect_padded(selector, batch, {2, 4}, {own.graphs + 3, own.nodes, own.edges});      // empty graphs alone
  expect_padded(selector, batch, {2, 4}, {own.graphs + 1, own.nodes + 3, own.edges});  // nodes without edges
  expect_padded(selector, batch, {2, 4}, {own.graphs + 1, own.nodes + 1, own.edges + kChunkEdges});
  expect_selection(selector.select(Ids{4}), batch.edges, batch.graph_offsets, {4});
}

TEST_P(SelectorTest, PaddingReachesNoOtherGraph) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 6, 5}, 3);
  const auto nodes = static_cast<std::int64_t>(batch.edges.destinations());
  const Tensor x = tensor_of(context(), Dtype::float64, {nodes, 2}, rng.reals(static_cast<std::size_t>(2 * nodes)));
  const auto sums = [&](const GraphSelection& selection) {
    const Tensor chosen(context(), Dtype::float64, {selection.graph.num_nodes(), 2});
    const Tensor y(context(), Dtype::float64, {selection.graph.num_nodes(), 2});
    const Tensor pooled(context(), Dtype::float64, {selection.graph.num_graphs(), 2});
    WorkspaceBuffer scratch;
    gather_rows(context(), {.x = x, .index = selection.nodes, .y = chosen});
    aggregate_forward(context(), {.graph = selection.graph, .x = chosen}, {.y = y}, scratch);
    pool_forward(context(), {.graph = selection.graph, .x = y}, {.y = pooled}, scratch);
    return reals_of(pooled);
  };
  Selector selector(context(), batch.upload(context()), 4);
  oracle::Reals want = sums(batch.upload(context()).select(context(), Ids{2, 0}));
  want.resize(8, 0);
  EXPECT_EQ(sums(selector.select(Ids{2, 0}, SelectionSize{4, 20, 60})), want);
}

TEST_P(SelectorTest, RefusesWhatDoesNotFitAndKeepsItsChoice) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 0, 6}, 3);
  const Graph whole = batch.upload(context());
  Selector selector(context(), whole, 3);
  const auto refused = [&](ErrorCode code, const std::vector<std::string>& words, const Ids& graphs,
                           const std::optional<SelectionSize>& size = {}) {
    expect_error(code, words, [&] { selector.choose(graphs, size); });
  };
  const auto invalid = ErrorCode::invalid_argument;
  expect_error(invalid, {"graphs:", "choose()", "cut()"}, [&] { selector.cut(); });
  selector.choose(Ids{2, 1});
  const auto [graphs, nodes, edges] = selector.size_of(Ids{2});
  refused(ErrorCode::out_of_range, {"graphs:", "[0, 3)", "3"}, {0, 3});
  refused(ErrorCode::out_of_range, {"graphs:", "[0, 3)", "-1"}, {-1});
  refused(invalid, {"graphs:", "at most 3", "4"}, {0, 1, 2, 0});
  refused(invalid, {"padded_to.graphs:", "at most 3", "4"}, {0}, SelectionSize{4, 100, 100});
  refused(invalid, {"padded_to.graphs:", "2 or more", "padding", "1"}, {2}, SelectionSize{1, nodes + 1, edges});
  refused(invalid, {"padded_to.graphs:", "2 or more", "1"}, {2, 1}, SelectionSize{1, nodes, edges});
  refused(invalid, {"padded_to.nodes:", "6 or more", "5"}, {2}, SelectionSize{2, nodes - 1, edges});
  refused(invalid, {"padded_to.edges:", std::to_string(edges), std::to_string(edges - 1)}, {2},
          SelectionSize{2, nodes, edges - 1});
  refused(invalid, {"padded_to.edges:", "at most " + std::to_string(edges)}, {2}, SelectionSize{2, nodes, edges + 1});
  refused(invalid, {"padded_to.edges:", "at most " + std::to_string(edges + kChunkEdges)}, {2},
          SelectionSize{2, nodes + 1, edges + kChunkEdges + 1});
  refused(ErrorCode::overflow, {"graphs:", "32 bits"}, {2}, SelectionSize{2, std::int64_t{1} << 31, edges});
  expect_selection(selector.cut(), batch.edges, batch.graph_offsets, {2, 1});

  expect_error(invalid, {"most_graphs:", "1 or more", "0"}, [&] { Selector(context(), whole, 0); });
  expect_error(invalid, {"graph:", "none"}, [&] { Selector(context(), Graph(), 1); });
  const Graph bipartite = random_graph(rng, 3, 4, 5).upload(context());
  expect_error(invalid, {"whole:", "two node sets"}, [&] { Selector(context(), bipartite, 1); });
}

}  // namespace
}  // namespace warpgnn::test
