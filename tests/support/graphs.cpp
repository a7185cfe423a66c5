// SPDX-License-Identifier: MIT
#include "tests/support/graphs.hpp"

#include <memory>
#include <numeric>
#include <utility>

namespace warpgnn::test {
namespace {

using oracle::Edges;
using oracle::Ids;

void shuffle(Rng& rng, Edges& edges) {
  const Ids order = rng.permutation(edges.count());
  Edges shuffled = edges;
  for (std::size_t k = 0; k < edges.count(); ++k) {
    shuffled.source[k] = edges.source[static_cast<std::size_t>(order[k])];
    shuffled.destination[k] = edges.destination[static_cast<std::size_t>(order[k])];
  }
  edges = std::move(shuffled);
}

/// The nodes that random_graph may use: about four fifths, never none.
Ids used_nodes(Rng& rng, std::int64_t count) {
  Ids nodes = rng.permutation(static_cast<std::size_t>(count));
  nodes.resize(static_cast<std::size_t>(count - count / 5));
  return nodes;
}

std::int64_t pick(Rng& rng, const Ids& from) {
  return from[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(from.size())))];
}

template <class Id>
Graph upload_as(const Context& context, const TestGraph& graph) {
  const std::vector<Id> source(graph.edges.source.begin(), graph.edges.source.end());
  const std::vector<Id> destination(graph.edges.destination.begin(), graph.edges.destination.end());
  const auto count = static_cast<std::int64_t>(source.size());
  EdgeList list{view(source.data(), {count}), view(destination.data(), {count}), graph.edges.num_sources,
                graph.edges.num_destinations};
  const auto offsets = static_cast<std::int64_t>(graph.graph_offsets.size());
  if (offsets > 0) list.graph_offsets = view(graph.graph_offsets.data(), {offsets});
  return Graph::from_coo(context, list);
}

/// The graph with its rows in an order that a GPU takes from the last to the first.
Graph backwards(const Context& context, const Graph& graph) {
  struct Owner {
    Graph graph;
    std::vector<Tensor> orders;
  };
  const auto owner = std::make_shared<Owner>(Owner{graph, {}});
  GraphParts parts = graph.parts();
  for (AdjacencyParts* direction : {&parts.in_edges, &parts.out_edges}) {
    const std::int64_t rows = direction->offsets.shape[0] - 1;
    std::vector<std::int32_t> order(static_cast<std::size_t>(rows));
    std::iota(order.rbegin(), order.rend(), 0);
    owner->orders.push_back(Tensor::from<std::int32_t>(context, order, {rows}));
    direction->row_order = owner->orders.back();
  }
  parts.owner = owner;
  return Graph::from_parts(context, parts);
}

}  // namespace

Graph TestGraph::upload(const Context& context, Dtype ids) const {
  const Graph graph =
      ids == Dtype::int32 ? upload_as<std::int32_t>(context, *this) : upload_as<std::int64_t>(context, *this);
  return edges.count() % 2 == 1 ? backwards(context, graph) : graph;
}

TestGraph random_graph(Rng& rng, std::int64_t sources, std::int64_t destinations, std::int64_t edges) {
  TestGraph graph{"random", {sources, destinations, {}, {}}};
  const Ids from = used_nodes(rng, sources), to = used_nodes(rng, destinations);
  for (std::int64_t e = 0; e < edges; ++e) {
    graph.edges.source.push_back(pick(rng, from));
    graph.edges.destination.push_back(pick(rng, to));
  }
  if (sources == destinations && edges > 3) {
    graph.edges.destination[1] = graph.edges.source[1];  // a self-loop for certain
    graph.edges.source[3] = graph.edges.source[2];       // and a duplicate
    graph.edges.destination[3] = graph.edges.destination[2];
  }
  return graph;
}

TestGraph graph_with_degrees(Rng& rng, std::int64_t sources, const Ids& in_degree) {
  TestGraph graph{"degrees", {sources, static_cast<std::int64_t>(in_degree.size()), {}, {}}};
  for (std::size_t i = 0; i < in_degree.size(); ++i) {
    for (std::int64_t k = 0; k < in_degree[i]; ++k) {
      graph.edges.source.push_back(rng.below(sources));
      graph.edges.destination.push_back(static_cast<std::int64_t>(i));
    }
  }
  shuffle(rng, graph.edges);
  return graph;
}

TestGraph power_law_graph(Rng& rng, std::int64_t nodes, std::int64_t edges) {
  TestGraph graph{"power_law", {nodes, nodes, {}, {}}};
  const auto ranked = [&] {
    return static_cast<std::int64_t>(std::pow(static_cast<double>(nodes), rng.real(0, 1))) - 1;
  };
  for (std::int64_t e = 0; e < edges; ++e) {
    graph.edges.source.push_back(ranked());
    graph.edges.destination.push_back(ranked());
  }
  return graph;
}

TestGraph transposed(TestGraph graph) {
  std::swap(graph.edges.source, graph.edges.destination);
  std::swap(graph.edges.num_sources, graph.edges.num_destinations);
  graph.name += "_transposed";
  return graph;
}

TestGraph random_batch(Rng& rng, const Ids& sizes, std::int64_t edges_per_node) {
  TestGraph batch{"batch", {}, {0}};
  for (const std::int64_t size : sizes) {
    const std::int64_t begin = batch.graph_offsets.back();
    for (std::int64_t e = 0; e < size * edges_per_node; ++e) {
      batch.edges.source.push_back(begin + rng.below(size));
      batch.edges.destination.push_back(begin + rng.below(size));
    }
    batch.graph_offsets.push_back(begin + size);
  }
  batch.edges.num_sources = batch.edges.num_destinations = batch.graph_offsets.back();
  shuffle(rng, batch.edges);
  return batch;
}

BatchPart part_of(const TestGraph& batch, std::size_t g) {
  const std::int64_t begin = batch.graph_offsets[g], end = batch.graph_offsets[g + 1];
  BatchPart part{{"part", {end - begin, end - begin, {}, {}}, {0, end - begin}}, {}};
  for (std::size_t e = 0; e < batch.edges.count(); ++e) {
    if (batch.edges.source[e] < begin || batch.edges.source[e] >= end) continue;
    part.graph.edges.source.push_back(batch.edges.source[e] - begin);
    part.graph.edges.destination.push_back(batch.edges.destination[e] - begin);
    part.edges.push_back(static_cast<std::int64_t>(e));
  }
  return part;
}

std::vector<TestGraph> graph_cases(Rng& rng) {
  std::vector<TestGraph> cases;
  const auto add = [&](std::string name, TestGraph graph) {
    graph.name = std::move(name);
    cases.push_back(std::move(graph));
  };
  add("random", random_graph(rng, 37, 37, 150));
  add("bipartite", random_graph(rng, 23, 41, 97));
  Ids degrees(40, 2);
  degrees[0] = 2 * kChunkEdges;  // the last chunk is a full one
  degrees[7] = kChunkEdges;      // the longest of short rows
  degrees[20] = 0;
  degrees[39] = kChunkEdges + 1;
  add("in_hub", graph_with_degrees(rng, 40, degrees));
  add("out_hub", transposed(graph_with_degrees(rng, 40, degrees)));
  add("power_law", power_law_graph(rng, 80, 800));
  add("one_loop", {"", {1, 1, {0}, {0}}});
  add("no_edges", {"", {9, 9, {}, {}}});
  add("no_destinations", {"", {5, 0, {}, {}}});
  add("no_sources", {"", {0, 5, {}, {}}});
  add("nothing", {"", {0, 0, {}, {}}});
  return cases;
}

}  // namespace warpgnn::test
