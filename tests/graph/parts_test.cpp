// SPDX-License-Identifier: MIT
// Graphs as tensors, and tensors as graphs.

#include <gmock/gmock.h>

#include "tests/graph/graph_fixture.hpp"
#include "tests/graph/selection_fixture.hpp"
#include "tests/oracle/aggregate.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn::test {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

/// The parts of a graph in tensors of its own, as a framework keeps them.
class KeptParts {
 public:
  KeptParts(const Context& context, const Graph& graph) : parts(graph.parts()) {
    parts.owner.reset();
    for (AdjacencyParts* direction : {&parts.in_edges, &parts.out_edges}) {
      for (ConstTensorView* view :
           {&direction->offsets, &direction->neighbors, &direction->edge_ids, &direction->long_rows,
            &direction->first_chunks, &direction->chunk_owners, &direction->row_order}) {
        keep(context, *view);
      }
    }
    keep(context, parts.graph_offsets);
    keep(context, parts.slot_of_edge);
    keep(Context::cpu(1), parts.host_graph_offsets);
    keep(Context::cpu(1), parts.host_slot_offsets);
  }

  GraphParts parts;

 private:
  void keep(const Context& context, ConstTensorView& view) {
    if (!view.defined()) return;
    tensors_.push_back(empty_like(context, view));
    copy(context, view, tensors_.back());
    view = tensors_.back();
  }

  std::vector<Tensor> tensors_;
};

class PartsTest : public SelectionFixture {
 protected:
  void expect_same_graph(const Graph& got, const TestGraph& want) const {
    expect_structure(got, want.edges);
    const Ids whole{0, want.edges.num_sources};
    const Ids offsets = !want.graph_offsets.empty() ? want.graph_offsets : want.square() ? whole : Ids{};
    EXPECT_THAT(got.host_graph_offsets(), ElementsAreArray(offsets));
    if (!offsets.empty()) {
      EXPECT_THAT(downloaded_graph_offsets(got), ElementsAreArray(offsets));
    }
  }

  static void leave_out_long_rows(GraphParts& parts) {
    for (AdjacencyParts* direction : {&parts.in_edges, &parts.out_edges}) {
      direction->long_rows = direction->first_chunks = direction->chunk_owners = {};
    }
  }
};

WARPGNN_INSTANTIATE_BACKEND_TESTS(PartsTest);

TEST_P(PartsTest, RoundTripWithoutACopy) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    SCOPED_TRACE(graph.name);
    const Graph original = graph.upload(context());
    const Graph again = Graph::from_parts(context(), original.parts());
    expect_same_graph(again, graph);
    EXPECT_EQ(again.in_edges().neighbor, original.in_edges().neighbor);
    EXPECT_EQ(again.out_edges().edge_id, original.out_edges().edge_id);
    EXPECT_EQ(again.in_edges().long_rows.row, original.in_edges().long_rows.row);
    EXPECT_EQ(again.graph_offsets(), original.graph_offsets());
  }
}

TEST_P(PartsTest, RoundTripThroughTensorsOfTheFramework) {
  Rng rng;
  std::vector<TestGraph> graphs = graph_cases(rng);
  graphs.push_back(random_batch(rng, {3, 0, 5, 1, 0}, 2));
  for (const TestGraph& graph : graphs) {
    SCOPED_TRACE(graph.name);
    const KeptParts kept(context(), graph.upload(context()));  // the graph itself is gone
    expect_same_graph(Graph::from_parts(context(), kept.parts), graph);
  }
}

TEST_P(PartsTest, WhatIsLeftOutIsMade) {
  Rng rng;
  std::vector<TestGraph> graphs = graph_cases(rng);
  graphs.push_back(random_batch(rng, {3, 0, 5, 1, 0}, 2));
  for (const TestGraph& graph : graphs) {
    SCOPED_TRACE(graph.name);
    const KeptParts kept(context(), graph.upload(context()));
    GraphParts parts = kept.parts;
    leave_out_long_rows(parts);
    parts.slot_of_edge = parts.host_slot_offsets = {};
    expect_same_graph(Graph::from_parts(context(), parts), graph);
    GraphParts on_device_only = parts, on_host_only = parts;
    on_device_only.host_graph_offsets = {};
    on_host_only.graph_offsets = {};
    expect_same_graph(Graph::from_parts(context(), on_device_only), graph);
    expect_same_graph(Graph::from_parts(context(), on_host_only), graph);
    parts.graph_offsets = parts.host_graph_offsets = {};
    expect_same_graph(Graph::from_parts(context(), parts), TestGraph{graph.name, graph.edges});
  }
}

TEST_P(PartsTest, OneDirectionsLongRowsLeftOut) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 40, {3, kChunkEdges + 5, 0, 2 * kChunkEdges});
  GraphParts parts = graph.upload(context()).parts();
  parts.in_edges.long_rows = parts.in_edges.first_chunks = parts.in_edges.chunk_owners = {};
  expect_same_graph(Graph::from_parts(context(), parts), graph);
}

TEST_P(PartsTest, OpsGiveTheSameBits) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    SCOPED_TRACE(graph.name);
    const Graph original = graph.upload(context());
    const KeptParts kept(context(), original);
    const Edges& edges = graph.edges;
    const auto rows_of = [&](std::int64_t count) {
      return TestTensor::input(context(), Dtype::float32, {count, 5}, rng.reals(static_cast<std::size_t>(5 * count)));
    };
    const auto x = rows_of(edges.num_sources), dy = rows_of(edges.num_destinations);
    struct Results {
      TestTensor y, dx;
    };
    const auto results = [&](const Graph& from) {
      Results got{TestTensor::output(context(), Dtype::float32, {edges.num_destinations, 5}),
                  TestTensor::output(context(), Dtype::float32, {edges.num_sources, 5})};
      run(context(), aggregate_forward, Aggregate{.graph = from, .reduce = Reduce::mean, .x = x},
          AggregateResult{.y = got.y});
      run(context(), aggregate_backward, Aggregate{.graph = from, .reduce = Reduce::mean}, AggregateResult{},
          AggregateGradients{.dy = dy, .dx = got.dx});
      return got;
    };
    const Results got = results(Graph::from_parts(context(), kept.parts)), want = results(original);
    expect_same_bits(got.y, want.y, "y");
    expect_same_bits(got.dx, want.dx, "dx");
  }
}

TEST_P(PartsTest, SelectionsWithAndWithoutWhatHelpsThem) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {4, 0, 6, 1, 9, 0}, 3);
  const KeptParts kept(context(), batch.upload(context()));
  GraphParts bare = kept.parts;
  bare.slot_of_edge = bare.host_slot_offsets = {};
  const std::vector<std::int64_t> nodes{1, 2, 5, 6, 12};
  for (const GraphParts& parts : {kept.parts, bare}) {
    const Graph graph = Graph::from_parts(context(), parts);
    for (const Ids& chosen : {Ids{0, 1, 2, 3, 4, 5}, Ids{4, 2}, Ids{3, 3, 0, 3}, Ids{}}) {
      expect_selection(graph.select(context(), chosen), batch.edges, batch.graph_offsets, chosen);
    }
    const GraphSelection part = induced_subgraph(context(), graph, view(nodes.data(), {5}));
    expect_structure(part.graph, edges_of(part.graph), OutOrder::any);
    const Graph reversed = graph.reversed(context());
    expect_structure(reversed, transposed(batch).edges);
    expect_selection(reversed.select(context(), Ids{4, 0}), transposed(batch).edges, batch.graph_offsets, {4, 0});
    expect_same_graph(reversed.reversed(context()), batch);
    expect_same_graph(Graph::from_parts(context(), reversed.parts()), transposed(batch));
  }
}

TEST_P(PartsTest, SortedEdgesNeedNoIdsOfInEdges) {
  const TestGraph sorted{"", {3, 3, {0, 2, 1, 2}, {0, 1, 1, 2}}, {0, 1, 3}};
  const Graph original = sorted.upload(context());
  const GraphParts parts = original.parts();
  EXPECT_FALSE(parts.in_edges.edge_ids.defined());
  EXPECT_FALSE(parts.slot_of_edge.defined());
  const Graph again = Graph::from_parts(context(), parts);
  expect_same_graph(again, sorted);
  expect_selection(again.select(context(), Ids{1, 0, 1}), sorted.edges, sorted.graph_offsets, {1, 0, 1});
}

TEST_P(PartsTest, PartsKeepTheGraphsMemory) {
  Rng rng;
  const TestGraph graph = random_batch(rng, {3, 5}, 2);
  GraphParts parts;
  {
    const Context own = GetParam().open();
    parts = graph.upload(own).parts();
  }
  expect_same_graph(Graph::from_parts(context(), parts), graph);
}

TEST_P(PartsTest, TheOwnerLivesAsLongAsTheLastGraph) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 9, 9, 20);
  auto kept = std::make_shared<const KeptParts>(context(), graph.upload(context()));
  GraphParts parts = kept->parts;
  parts.owner = kept;
  const std::weak_ptr<const KeptParts> watched = kept;
  Graph reversed = Graph::from_parts(context(), parts).reversed(context());
  kept.reset();
  parts.owner.reset();
  EXPECT_FALSE(watched.expired());
  expect_structure(reversed, transposed(graph).edges);
  reversed = {};
  EXPECT_TRUE(watched.expired());
}

TEST_P(PartsTest, PartsOfEachShapeOnly) {
  Rng rng;
  const GraphParts bipartite = random_graph(rng, 4, 6, 20).upload(context()).parts();
  EXPECT_FALSE(bipartite.graph_offsets.defined());
  EXPECT_FALSE(bipartite.host_slot_offsets.defined());
  EXPECT_EQ(bipartite.in_edges.offsets.shape[0], 7);
  EXPECT_EQ(bipartite.out_edges.offsets.shape[0], 5);
  EXPECT_EQ(bipartite.in_edges.offsets.device, context().device());
  EXPECT_EQ(bipartite.in_edges.long_rows.shape[0], 0);
  EXPECT_EQ(bipartite.in_edges.first_chunks.shape[0], 0);
  const GraphParts batch = random_batch(rng, {2, 3}, 2).upload(context()).parts();
  EXPECT_EQ(batch.host_graph_offsets.device, Device{});
  EXPECT_EQ(batch.graph_offsets.device, context().device());
  EXPECT_EQ(batch.slot_of_edge.shape[0], 10);
  EXPECT_THAT(std::span(batch.host_slot_offsets.as<std::int64_t>(), 3), ElementsAre(0, 4, 10));
}

class PartsErrorTest : public PartsTest {
 protected:
  void refuse(ErrorCode code, const std::vector<std::string>& words, const GraphParts& parts) const {
    expect_error(code, words, [&] { static_cast<void>(Graph::from_parts(context(), parts)); });
  }
  void refuse(const std::vector<std::string>& words, const GraphParts& parts) const {
    refuse(ErrorCode::invalid_argument, words, parts);
  }
};

WARPGNN_INSTANTIATE_BACKEND_TESTS(PartsErrorTest);

TEST_P(PartsErrorTest, Directions) {
  Rng rng;
  const Graph graph = graph_with_degrees(rng, 40, {3, kChunkEdges + 5, 0, 2 * kChunkEdges}).upload(context());
  const GraphParts whole = graph.parts();
  const auto changed = [&](const auto& change) {
    GraphParts parts = whole;
    change(parts);
    return parts;
  };
  refuse({"in_edges.offsets:", "none"}, {});
  refuse({"out_edges.offsets:", "none"}, changed([](GraphParts& p) { p.out_edges = {}; }));
  refuse({"in_edges.neighbors:", "none"}, changed([](GraphParts& p) { p.in_edges.neighbors = {}; }));
  refuse({"in_edges.offsets (rows):", "-1"}, changed([](GraphParts& p) { p.in_edges.offsets.shape[0] = 0; }));
  refuse({"in_edges.offsets:", "int64", "int32"},
         changed([](GraphParts& p) { p.in_edges.offsets.dtype = Dtype::int32; }));
  refuse({"out_edges.neighbors:", "int32", "float32"},
         changed([](GraphParts& p) { p.out_edges.neighbors.dtype = Dtype::float32; }));
  refuse({"out_edges.neighbors:", std::to_string(graph.num_edges()), "got 7"}, changed([](GraphParts& p) {
           p.out_edges.neighbors.shape[0] = 7;
           p.out_edges.edge_ids.shape[0] = 7;
         }));
  refuse({"out_edges.edge_ids:", "none"}, changed([](GraphParts& p) { p.out_edges.edge_ids = {}; }));
  refuse({"in_edges.edge_ids:", "[8]"}, changed([](GraphParts& p) { p.in_edges.edge_ids.shape[0] = 8; }));
  refuse({"in_edges.long_rows:", "first_chunks"}, changed([](GraphParts& p) { p.in_edges.first_chunks = {}; }));
  refuse({"in_edges.first_chunks:", "[3]", "[2]"},
         changed([](GraphParts& p) { p.in_edges.first_chunks.shape[0] = 2; }));
  refuse({"in_edges.chunk_owners:", "2 long rows", "got 1"},
         changed([](GraphParts& p) { p.in_edges.chunk_owners.shape[0] = 1; }));
  refuse({"in_edges.row_order:", "["}, changed([](GraphParts& p) {
           p.in_edges.row_order = p.in_edges.neighbors;
           p.in_edges.row_order.shape[0] = p.in_edges.offsets.shape[0];
         }));
  refuse({"in_edges.neighbors:", "null"}, changed([](GraphParts& p) { p.in_edges.neighbors.data = nullptr; }));
  refuse({"in_edges.neighbors:", "contiguous"}, changed([](GraphParts& p) { p.in_edges.neighbors.stride[0] = 2; }));
  refuse({"in_edges.neighbors:", "2 dimensions"}, changed([](GraphParts& p) { p.in_edges.neighbors.ndim = 2; }));
  refuse(ErrorCode::overflow, {"in_edges.neighbors:", "2147483647"},
         changed([](GraphParts& p) { p.in_edges.neighbors.shape[0] = std::int64_t{1} << 31; }));
  refuse({"in_edges.offsets:", "memory of the"}, changed([&](GraphParts& p) {
           p.in_edges.offsets.device = context().is_cuda() ? Device{} : Device{DeviceType::cuda, 0};
         }));
}

TEST_P(PartsErrorTest, Batches) {
  Rng rng;
  const GraphParts whole = random_batch(rng, {3, 0, 5}, 2).upload(context()).parts();
  const auto changed = [&](const auto& change) {
    GraphParts parts = whole;
    change(parts);
    return parts;
  };
  const auto code = ErrorCode::out_of_range;
  const std::vector<std::int64_t> ends_early{0, 3, 3, 7}, falls{0, 4, 3, 8};
  const auto given = [](const std::vector<std::int64_t>& values) {
    return view(values.data(), {static_cast<std::int64_t>(values.size())});
  };
  refuse(code, {"host_graph_offsets:", "end with 8", "7"},
         changed([&](GraphParts& p) { p.host_graph_offsets = given(ends_early); }));
  refuse({"host_graph_offsets:", "element 2"}, changed([&](GraphParts& p) { p.host_graph_offsets = given(falls); }));
  refuse({"host_graph_offsets:", "[4]", "[3]"}, changed([](GraphParts& p) { p.host_graph_offsets.shape[0] = 3; }));
  refuse(code, {"host_slot_offsets:", "end with 16"},
         changed([&](GraphParts& p) { p.host_slot_offsets = given(ends_early); }));
  refuse({"host_slot_offsets:", "without"},
         changed([](GraphParts& p) { p.graph_offsets = p.host_graph_offsets = {}; }));
  refuse({"graph_offsets:", "int64"}, changed([](GraphParts& p) { p.graph_offsets.dtype = Dtype::float64; }));
  refuse({"graph_offsets:", "at least 1"}, changed([](GraphParts& p) { p.graph_offsets.shape[0] = 0; }));
  refuse({"host_graph_offsets:", "memory of the host"}, changed([](GraphParts& p) {
           p.host_graph_offsets.device = Device{DeviceType::cuda, 0};
         }));
  refuse({"slot_of_edge:", "[16]", "[15]"}, changed([](GraphParts& p) { p.slot_of_edge.shape[0] = 15; }));
  refuse({"slot_of_edge:", "none"}, changed([](GraphParts& p) { p.in_edges.edge_ids = {}; }));

  GraphParts bipartite = random_graph(rng, 4, 6, 20).upload(context()).parts();
  bipartite.host_graph_offsets = given(falls);
  refuse({"host_graph_offsets:", "4 and 6"}, bipartite);
  // What only the device knows is looked at where it is read anyway.
  GraphParts wrong = whole;
  const auto on_device = Tensor::from<std::int64_t>(context(), ends_early, {4});
  wrong.graph_offsets = on_device;
  wrong.host_graph_offsets = {};
  refuse(code, {"graph_offsets:", "end with 8"}, wrong);
}

}  // namespace
}  // namespace warpgnn::test
