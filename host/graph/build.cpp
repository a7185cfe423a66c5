// SPDX-License-Identifier: MIT
// Graphs from edges: validation, and the sorted structure that every op reads.

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/graph/arguments.hpp"
#include "host/graph/state.hpp"

namespace warpgnn {

namespace {

void attach_batch(const Context& context, Graph::State& state, std::vector<std::int64_t> offsets) {
  if (offsets.empty()) return;
  attach_graph_offsets(context, state, std::move(offsets));
  state.slot_offsets = slot_offsets_of(context, state);
  const auto graphs = static_cast<std::int64_t>(state.host_graph_offsets.size()) - 1;
  if (graphs < 2) return;
  const std::int64_t crossing = with_exec(context, [&](const auto& exec) {
    return backend::find_crossing_row(exec, state.in.adjacency, graphs, state.graph_offsets);
  });
  if (crossing >= 0) {
    throw Error(ErrorCode::invalid_argument, "graph_offsets: expected every edge within one graph, node " +
                                                 std::to_string(crossing) + " has an in-edge from another");
  }
  // A batch is there to be selected from. A single graph seldom is, and pays when it happens.
  state.memory.push_back(slots_of_edges(context, state));
  state.slot_of_edge = state.memory.back().view().as<const std::int32_t>();
}

/// Builds from validated edges in the caller's order.
Graph build(const Context& context, std::int64_t sources, std::int64_t destinations, const TensorView& source,
            const TensorView& destination, std::vector<std::int64_t> graph_offsets) {
  auto state = std::make_shared<Graph::State>();
  state->device = context.device();
  state->num_sources = sources;
  state->num_destinations = destinations;
  state->num_edges = source.shape[0];
  with_exec(context, [&](const auto& exec) {
    const auto* const from = source.as<const std::int32_t>();
    const auto* const to = destination.as<const std::int32_t>();
    state->in = backend::build_adjacency(exec, context, destinations, state->num_edges, to, from, false);
    state->out = backend::build_adjacency(exec, context, sources, state->num_edges, from, to, true);
  });
  attach_batch(context, *state, std::move(graph_offsets));
  return Graph(std::move(state));
}

std::int64_t read_offset(const Context& context, const std::int64_t* offset) {
  std::int64_t value = 0;
  with_exec(context, [&](const auto& exec) { backend::copy_to_host(exec, &value, offset, sizeof value); });
  return value;
}

void expect_row_offsets(const Context& context, const ConstTensorView& offsets, std::int64_t edges) {
  const std::int64_t rows = offsets.shape[0] - 1;
  const auto* const offset = offsets.as<std::int64_t>();
  const std::int64_t first = read_offset(context, offset), last = read_offset(context, offset + rows);
  if (first != 0 || last != edges) {
    throw Error(ErrorCode::out_of_range, "offsets: expected to begin with 0 and end with " + std::to_string(edges) +
                                             ", got " + std::to_string(first) + " and " + std::to_string(last));
  }
  const std::int64_t bad =
      with_exec(context, [&](const auto& exec) { return backend::find_decreasing(exec, rows, offset); });
  if (bad >= 0) {
    throw Error(ErrorCode::invalid_argument,
                "offsets: expected never to decrease, row " + std::to_string(bad) + " ends before it begins");
  }
}

Graph from_edge_list(const Context& context, const EdgeList& edges) {
  expect_count("num_sources", edges.num_sources);
  expect_count("num_destinations", edges.num_destinations);
  expect_ids("source", edges.source);
  expect_vector("destination", edges.destination, edges.destination.dtype == edges.source.dtype,
                name_of(edges.source.dtype));
  expect_count("source", edges.source.shape[0]);
  if (edges.source.shape[0] != edges.destination.shape[0]) {
    throw Error(ErrorCode::invalid_argument, "destination: expected " + std::to_string(edges.source.shape[0]) +
                                                 " elements as in source, got " +
                                                 std::to_string(edges.destination.shape[0]));
  }
  auto offsets = checked_graph_offsets(edges.graph_offsets, edges.num_sources, edges.num_destinations);
  const Tensor source = narrowed_ids(context, "source", edges.source, edges.num_sources);
  const Tensor destination = narrowed_ids(context, "destination", edges.destination, edges.num_destinations);
  return build(context, edges.num_sources, edges.num_destinations, source, destination, std::move(offsets));
}

Graph from_compressed_rows(const Context& context, const CompressedRows& rows) {
  expect_count("num_sources", rows.num_sources);
  expect_vector("offsets", rows.offsets, rows.offsets.dtype == Dtype::int64, "int64");
  if (rows.offsets.shape[0] < 1)
    throw Error(ErrorCode::invalid_argument, "offsets: expected at least 1 element, got 0");
  expect_vector("sources", rows.sources, rows.sources.dtype == Dtype::int32, "int32");
  const std::int64_t destinations = rows.offsets.shape[0] - 1;
  const std::int64_t edges = rows.sources.shape[0];
  expect_count("offsets", destinations);
  expect_count("sources", edges);
  auto graph_offsets = checked_graph_offsets(rows.graph_offsets, rows.num_sources, destinations);

  Tensor uploaded;
  const ConstTensorView offsets = on_device(context, "offsets", rows.offsets, uploaded);
  expect_row_offsets(context, offsets, edges);
  const Tensor source = narrowed_ids(context, "sources", rows.sources, rows.num_sources);
  const Tensor destination(context, Dtype::int32, {edges});
  with_exec(context, [&](const auto& exec) {
    backend::expand_rows(exec, destinations, offsets.as<std::int64_t>(), destination.view().as<std::int32_t>());
  });
  return build(context, rows.num_sources, destinations, source, destination, std::move(graph_offsets));
}

Graph join(const Context& context, std::span<const Graph> graphs) {
  std::int64_t nodes = 0, edges = 0;
  std::vector<std::int64_t> offsets{0};
  for (const Graph& graph : graphs) {
    expect_on_device(context, graph);
    const std::int64_t own_nodes = graph.num_nodes();
    for (const std::int64_t offset : graph.host_graph_offsets().subspan(1)) offsets.push_back(nodes + offset);
    nodes += own_nodes;
    edges += graph.num_edges();
  }
  expect_count("graphs (nodes of all)", nodes);
  expect_count("graphs (edges of all)", edges);
  const Tensor source(context, Dtype::int32, {edges}), destination(context, Dtype::int32, {edges});
  std::int64_t first_node = 0, first_edge = 0;
  for (const Graph& graph : graphs) {
    with_exec(context, [&](const auto& exec) {
      backend::list_edges(exec, graph.in_edges(), static_cast<std::int32_t>(first_node),
                          source.view().as<std::int32_t>() + first_edge,
                          destination.view().as<std::int32_t>() + first_edge);
    });
    first_node += graph.num_nodes();
    first_edge += graph.num_edges();
  }
  return build(context, nodes, nodes, source, destination, std::move(offsets));
}

Graph add_self_loops(const Context& context, const Graph& graph, SelfLoops which) {
  expect_on_device(context, graph);
  const std::int64_t nodes = graph.num_nodes(), edges = graph.num_edges();
  expect_count("graph (edges with loops)", edges + nodes);
  const Tensor source(context, Dtype::int32, {edges + nodes}), destination(context, Dtype::int32, {edges + nodes});
  auto* const from = source.view().as<std::int32_t>();
  auto* const to = destination.view().as<std::int32_t>();
  const std::int64_t loops = with_exec(context, [&](const auto& exec) {
    backend::list_edges(exec, graph.in_edges(), 0, from, to);
    backend::list_loop_nodes(exec, context, graph.in_edges(), which, from + edges);
    return backend::list_loop_nodes(exec, context, graph.in_edges(), which, to + edges);
  });
  return build(context, nodes, nodes, rows(source.view(), 0, edges + loops), rows(destination.view(), 0, edges + loops),
               {graph.host_graph_offsets().begin(), graph.host_graph_offsets().end()});
}

LooplessGraph drop_self_loops(const Context& context, const Graph& graph) {
  expect_on_device(context, graph);
  const std::int64_t nodes = graph.num_nodes(), edges = graph.num_edges();
  const auto ids = [&](std::int64_t count) { return Tensor(context, Dtype::int32, {count}); };
  const auto data_of = [](const Tensor& tensor) { return tensor.view().as<std::int32_t>(); };
  const Tensor source = ids(edges), destination = ids(edges), kept = ids(edges);
  const Tensor kept_source = ids(edges), kept_destination = ids(edges);
  LooplessGraph result;
  result.position = ids(edges);
  const std::int64_t count = with_exec(context, [&](const auto& exec) {
    backend::list_edges(exec, graph.in_edges(), 0, data_of(source), data_of(destination));
    return backend::drop_loops(exec, {.edges = edges,
                                      .source = data_of(source),
                                      .destination = data_of(destination),
                                      .kept = data_of(kept),
                                      .position = data_of(result.position),
                                      .kept_source = data_of(kept_source),
                                      .kept_destination = data_of(kept_destination)});
  });
  result.edges = ids(count);
  copy(context, rows(kept.view(), 0, count), result.edges);
  result.graph =
      build(context, nodes, nodes, rows(kept_source.view(), 0, count), rows(kept_destination.view(), 0, count),
            {graph.host_graph_offsets().begin(), graph.host_graph_offsets().end()});
  return result;
}

std::string graph_of(std::int64_t nodes, std::int64_t edges) {
  return "a graph of " + std::to_string(nodes) + " nodes and " + std::to_string(edges) + " edges";
}

}  // namespace

Graph Graph::from_coo(const Context& context, const EdgeList& edges) {
  return with_host_memory([&] { return graph_of(edges.num_destinations, edges.source.shape[0]); },
                          [&] { return from_edge_list(context, edges); });
}

Graph Graph::from_csr(const Context& context, const CompressedRows& rows) {
  return with_host_memory([&] { return graph_of(rows.offsets.shape[0] - 1, rows.sources.shape[0]); },
                          [&] { return from_compressed_rows(context, rows); });
}

Graph Graph::batch(const Context& context, std::span<const Graph> graphs) {
  return with_host_memory([&] { return "a batch of " + std::to_string(graphs.size()) + " graphs"; },
                          [&] { return join(context, graphs); });
}

Graph Graph::with_self_loops(const Context& context, SelfLoops which) const {
  return with_host_memory([&] { return graph_of(num_nodes(), num_edges() + num_nodes()); },
                          [&] { return add_self_loops(context, *this, which); });
}

LooplessGraph Graph::without_self_loops(const Context& context) const {
  return with_host_memory([&] { return graph_of(num_nodes(), num_edges()); },
                          [&] { return drop_self_loops(context, *this); });
}

}  // namespace warpgnn
