// Graphs from edges: validation, and the sorted structure that every op reads.

#include <limits>

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/graph/state.hpp"

namespace warpgnn {

namespace {

constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

void expect_count(const char* name, std::int64_t count) {
  if (count < 0) {
    throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected 0 or more, got " + std::to_string(count));
  }
  if (count > kMaxCount) {
    throw Error(ErrorCode::overflow, std::string(name) + ": expected at most " + std::to_string(kMaxCount) + ", got " +
                                         std::to_string(count));
  }
}

void expect_vector(const char* name, const ConstTensorView& view, bool dtype_fits, const char* dtypes) {
  if (!view.defined() || view.ndim != 1) {
    throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected a vector, got " +
                                                 (view.defined() ? std::to_string(view.ndim) + " dimensions" : "none"));
  }
  if (!dtype_fits) {
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + ": expected " + dtypes + ", got " + name_of(view.dtype));
  }
  if (view.stride[0] != 1 && view.shape[0] > 1) {
    throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected contiguous elements");
  }
  if (view.data == nullptr && view.shape[0] > 0) {
    throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected memory, got a null pointer");
  }
}

/// The view itself when it lies on the context's device, else an uploaded copy kept in `storage`.
ConstTensorView on_device(const Context& context, const char* name, const ConstTensorView& view, Tensor& storage) {
  if (view.device == context.device()) return view;
  if (view.device.type != DeviceType::cpu) {
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + ": expected memory of the host or of the context's device");
  }
  storage.resize(context, view.dtype, {view.shape[0]});
  storage.copy_from_host(view.data, storage.bytes());
  return storage;
}

bool is_index(Dtype dtype) {
  return dtype == Dtype::int32 || dtype == Dtype::int64;
}

std::vector<std::int64_t> checked_graph_offsets(const ConstTensorView& given, std::int64_t sources,
                                                std::int64_t destinations) {
  if (!given.defined()) {
    if (sources == destinations) return {0, sources};
    return {};
  }
  expect_vector("graph_offsets", given, given.dtype == Dtype::int64, "int64");
  if (given.device.type != DeviceType::cpu) {
    throw Error(ErrorCode::invalid_argument, "graph_offsets: expected host memory");
  }
  if (sources != destinations) {
    throw Error(ErrorCode::invalid_argument,
                "graph_offsets: expected as many sources as destinations in a batch, got " + std::to_string(sources) +
                    " and " + std::to_string(destinations));
  }
  if (given.shape[0] < 1) throw Error(ErrorCode::invalid_argument, "graph_offsets: expected at least 1 element, got 0");
  const std::int64_t* const offsets = given.as<std::int64_t>();
  std::vector<std::int64_t> checked(offsets, offsets + given.shape[0]);
  if (checked.front() != 0 || checked.back() != sources) {
    throw Error(ErrorCode::out_of_range, "graph_offsets: expected to begin with 0 and end with " +
                                             std::to_string(sources) + ", got " + std::to_string(checked.front()) +
                                             " and " + std::to_string(checked.back()));
  }
  for (std::size_t g = 1; g < checked.size(); ++g) {
    if (checked[g] < checked[g - 1]) {
      throw Error(ErrorCode::invalid_argument,
                  "graph_offsets: expected never to decrease, element " + std::to_string(g) + " does");
    }
  }
  return checked;
}

/// Where each graph's slots begin: the row offsets at its first node.
std::vector<std::int64_t> slot_offsets_of(const Context& context, const Graph::State& state) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(state.num_destinations) + 1);
  with_exec(context, [&](const auto& exec) {
    backend::copy_to_host(exec, rows.data(), state.in.adjacency.offset, rows.size() * sizeof(std::int64_t));
  });
  std::vector<std::int64_t> slots;
  slots.reserve(state.host_graph_offsets.size());
  for (const std::int64_t node : state.host_graph_offsets) slots.push_back(rows[static_cast<std::size_t>(node)]);
  return slots;
}

void attach_batch(const Context& context, Graph::State& state, std::vector<std::int64_t> offsets) {
  state.host_graph_offsets = std::move(offsets);
  if (state.host_graph_offsets.empty()) return;
  const auto graphs = static_cast<std::int64_t>(state.host_graph_offsets.size()) - 1;
  state.graph_offsets = Tensor::from<std::int64_t>(context, state.host_graph_offsets, {graphs + 1});
  state.slot_offsets = slot_offsets_of(context, state);
  if (graphs < 2) return;
  const std::int64_t crossing = with_exec(context, [&](const auto& exec) {
    return backend::find_crossing_row(exec, state.in.adjacency, graphs,
                                      state.graph_offsets.view().as<const std::int64_t>());
  });
  if (crossing >= 0) {
    throw Error(ErrorCode::invalid_argument, "graph_offsets: expected every edge within one graph, node " +
                                                 std::to_string(crossing) + " has an in-edge from another");
  }
  // A batch is there to be selected from. A single graph seldom is, and pays when it happens.
  state.slot_of_edge = slots_of_edges(context, state);
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

void expect_same_device(const Context& context, const Graph& graph) {
  if (graph.device() != context.device()) {
    throw Error(ErrorCode::invalid_argument, "graph: expected a graph on the context's device");
  }
}

}  // namespace

void expect_ids(const char* name, const ConstTensorView& ids) {
  expect_vector(name, ids, is_index(ids.dtype), "int32 or int64");
}

Tensor narrowed_ids(const Context& context, const char* name, const ConstTensorView& given, std::int64_t limit) {
  Tensor uploaded;
  const ConstTensorView ids = on_device(context, name, given, uploaded);
  Tensor narrowed(context, Dtype::int32, {ids.shape[0]});
  const std::int64_t bad = with_exec(context, [&](const auto& exec) {
    return backend::narrow_ids(exec, ids, limit, narrowed.view().as<std::int32_t>());
  });
  if (bad >= 0) {
    throw Error(ErrorCode::out_of_range, std::string(name) + ": expected ids in [0, " + std::to_string(limit) +
                                             "), element " + std::to_string(bad) + " is not");
  }
  return narrowed;
}

namespace {

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
    expect_same_device(context, graph);
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
  expect_same_device(context, graph);
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
  const auto with_loops = [&](const Tensor& ids) {
    return TensorView{contiguous_layout(Dtype::int32, std::array{edges + loops}, context.device()), ids.view().data};
  };
  return build(context, nodes, nodes, with_loops(source), with_loops(destination),
               {graph.host_graph_offsets().begin(), graph.host_graph_offsets().end()});
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

}  // namespace warpgnn
