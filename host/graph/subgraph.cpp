// SPDX-License-Identifier: MIT
// The graph between chosen nodes: a node keeps its row, without the edges whose other end is not chosen.

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/graph/arguments.hpp"
#include "host/graph/state.hpp"

namespace warpgnn {

namespace {

std::int32_t* ids_of(const Tensor& tensor) {
  return tensor.view().as<std::int32_t>();
}

Tensor checked_nodes(const Context& context, const Graph& graph, const ConstTensorView& given) {
  expect_on_device(context, graph);
  expect_ids("nodes", given);
  Tensor nodes = narrowed_ids(context, "nodes", given, graph.num_nodes());
  const std::int64_t bad = with_exec(
      context, [&](const auto& exec) { return backend::find_not_increasing(exec, given.shape[0], ids_of(nodes)); });
  if (bad >= 0) {
    throw Error(ErrorCode::invalid_argument, "nodes: expected always to increase, element " + std::to_string(bad + 1) +
                                                 " is not above the one before it");
  }
  return nodes;
}

}  // namespace

GraphSelection induced_subgraph(const Context& context, const Graph& graph, const ConstTensorView& nodes) {
  GraphSelection result;
  result.nodes = checked_nodes(context, graph, nodes);
  const Graph::State& whole = graph.state();
  const std::int64_t count = nodes.shape[0];
  Tensor computed;
  const std::int32_t* const slot_of_edge = slots_of_edges(context, whole, computed);
  const Tensor scratch(context, Dtype::int32, {graph.num_nodes() + graph.num_edges()});
  Tensor offsets(context, Dtype::int64, {2 * (count + 1)});
  auto* const in_offset = offsets.view().as<std::int64_t>();
  backend::SubgraphArgs args{.in = &graph.in_edges(),
                             .out = &graph.out_edges(),
                             .slot_of_edge = slot_of_edge,
                             .selected = ids_of(result.nodes),
                             .graph_offsets = graph.graph_offsets(),
                             .nodes = count,
                             .graphs = graph.num_graphs(),
                             .position = ids_of(scratch),
                             .new_slot = ids_of(scratch) + graph.num_nodes(),
                             .in_offset = in_offset,
                             .out_offset = in_offset + count + 1};
  backend::SubgraphOffsets starts = with_host_memory(
      [&] { return "the subgraph of " + std::to_string(count) + " nodes"; },
      [&] { return with_exec(context, [&](const auto& exec) { return backend::count_subgraph(exec, args); }); });
  const std::int64_t edges = starts.slots.back();
  Tensor indices(context, Dtype::int32, {3 * edges});
  result.edges.resize(context, Dtype::int32, {edges});
  args.in_neighbor = ids_of(indices);
  args.out_neighbor = args.in_neighbor + edges;
  args.out_edge_id = args.in_neighbor + 2 * edges;
  args.edge_map = ids_of(result.edges);

  auto state = std::make_shared<Graph::State>();
  state->device = context.device();
  state->num_sources = state->num_destinations = count;
  state->num_edges = edges;
  state->in.adjacency = {.rows = count,
                         .edges = edges,
                         .offset = args.in_offset,
                         .neighbor = args.in_neighbor,
                         .edge_id = nullptr,
                         .long_rows = {}};
  state->out.adjacency = {.rows = count,
                          .edges = edges,
                          .offset = args.out_offset,
                          .neighbor = args.out_neighbor,
                          .edge_id = args.out_edge_id,
                          .long_rows = {}};
  state->in.memory.push_back(std::move(offsets));
  state->in.memory.push_back(std::move(indices));
  with_exec(context, [&](const auto& exec) {
    backend::fill_subgraph(exec, args);
    if (whole.in.adjacency.long_rows.rows > 0) backend::find_long_rows(exec, context, state->in);
    if (whole.out.adjacency.long_rows.rows > 0) backend::find_long_rows(exec, context, state->out);
  });
  attach_graph_offsets(context, *state, std::move(starts.nodes));
  state->slot_offsets = std::move(starts.slots);
  result.graph = Graph(std::move(state));
  return result;
}

}  // namespace warpgnn
