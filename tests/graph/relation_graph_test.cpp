// SPDX-License-Identifier: MIT
// Graphs whose nodes stand once for each relation.

#include <gmock/gmock.h>

#include "tests/graph/graph_fixture.hpp"
#include "tests/support/errors.hpp"
#include "warpgnn/ops/relation.hpp"

namespace warpgnn::test {
namespace {

using ::testing::ElementsAreArray;

Ids random_relations(Rng& rng, std::size_t edges, std::int64_t relations) {
  Ids relation(edges);
  for (std::int64_t& r : relation) r = rng.below(relations);
  return relation;
}

/// Node k of an edge list as what it is to the edge's relation.
Ids typed(Ids nodes, const Ids& relation, std::int64_t relations) {
  for (std::size_t e = 0; e < nodes.size(); ++e) nodes[e] = nodes[e] * relations + relation[e];
  return nodes;
}

class RelationGraphTest : public GraphFixture {
 protected:
  RelationGraph expand(const TestGraph& graph, const Ids& relation, std::int64_t relations) const {
    const std::vector<std::int32_t> ids(relation.begin(), relation.end());
    const auto on_device = Tensor::from<std::int32_t>(context(), ids, {static_cast<std::int64_t>(ids.size())});
    return expand_relations(context(), graph.upload(context()), on_device, relations);
  }

  void expect_expansion(const RelationGraph& got, const TestGraph& graph, const Ids& relation,
                        std::int64_t relations) const {
    const Edges& edges = graph.edges;
    const Ids source = typed(edges.source, relation, relations);
    const Ids destination = typed(edges.destination, relation, relations);
    EXPECT_EQ(got.relations, relations);
    expect_structure(got.typed,
                     {edges.num_sources * relations, edges.num_destinations * relations, source, destination});
    expect_structure(got.merged, {edges.num_sources * relations, edges.num_destinations, source, edges.destination});
    EXPECT_THAT(got.typed_destination.to_host<std::int32_t>(), ElementsAreArray(destination));
  }

  void check(const TestGraph& graph, const Ids& relation, std::int64_t relations) const {
    SCOPED_TRACE(graph.name + ", relations " + std::to_string(relations));
    expect_expansion(expand(graph, relation, relations), graph, relation, relations);
  }
};

WARPGNN_INSTANTIATE_BACKEND_TESTS(RelationGraphTest);

TEST_P(RelationGraphTest, AnyGraph) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (graph.edges.count() > 4000) continue;
    for (const std::int64_t relations : {1, 3}) {
      check(graph, random_relations(rng, graph.edges.count(), relations), relations);
    }
  }
}

TEST_P(RelationGraphTest, RelationsWithoutEdgesAndNodesWithoutRelations) {
  const TestGraph graph{"", {4, 4, {0, 3, 3, 0, 2}, {2, 2, 0, 2, 2}}};
  check(graph, {4, 1, 4, 4, 1}, 6);
  check(graph, {0, 0, 0, 0, 0}, 2);
}

TEST_P(RelationGraphTest, ARelationMayBeLong) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 4, {2, 2 * kChunkEdges + 9, 0});
  Ids relation = random_relations(rng, graph.edges.count(), 2);
  check(graph, relation, 2);  // long only where relations are merged, or in both
  std::fill(relation.begin(), relation.end(), 1);
  check(graph, relation, 2);
}

TEST_P(RelationGraphTest, KeepsTheNumbersOfASelectionsEdges) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {6, 0, 9, 4}, 3);
  const GraphSelection part = batch.upload(context()).select(context(), Ids{3, 0});
  const TestGraph chosen{"selection", edges_of(part.graph)};
  const Ids relation = random_relations(rng, chosen.edges.count(), 3);
  const std::vector<std::int32_t> ids(relation.begin(), relation.end());
  const auto types = Tensor::from<std::int32_t>(context(), ids, {part.graph.num_edges()});
  expect_expansion(expand_relations(context(), part.graph, types, 3), chosen, relation, 3);
}

TEST_P(RelationGraphTest, HostAndWideRelations) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 7, 5, 30);
  const Ids relation = random_relations(rng, 30, 4);
  expect_expansion(expand_relations(context(), graph.upload(context()), view(std::as_const(relation).data(), {30}), 4),
                   graph, relation, 4);
}

TEST_P(RelationGraphTest, RefusesWrongArguments) {
  const TestGraph graph{"", {3, 4, {0, 1, 2}, {3, 3, 0}}};
  const Graph uploaded = graph.upload(context());
  const auto refused = [&](ErrorCode code, const std::vector<std::string>& words, const Ids& relation,
                           std::int64_t relations) {
    expect_error(code, words, [&] { expand(graph, relation, relations); });
  };
  constexpr auto kInvalid = ErrorCode::invalid_argument;
  refused(ErrorCode::out_of_range, {"relation:", "[0, 2)", "element 1"}, {1, 2, 0}, 2);
  refused(ErrorCode::out_of_range, {"relation:", "element 2"}, {1, 0, -1}, 2);
  refused(kInvalid, {"relation:", "[3]", "[2]"}, {1, 0}, 2);
  refused(kInvalid, {"relations:", "0"}, {0, 0, 0}, 0);
  refused(ErrorCode::overflow, {"relations:", "536870911", "536870912"}, {0, 0, 0}, 536870912);
  const Tensor reals(context(), Dtype::float32, {3}), ids(context(), Dtype::int32, {3});
  expect_error(kInvalid, {"relation:", "float32"}, [&] { expand_relations(context(), uploaded, reals, 2); });
  expect_error(kInvalid, {"relation:", "none"}, [&] { expand_relations(context(), uploaded, {}, 2); });
  expect_error(kInvalid, {"graph:", "none"}, [&] { expand_relations(context(), {}, ids, 2); });
}

}  // namespace
}  // namespace warpgnn::test
