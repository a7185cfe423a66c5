// SPDX-License-Identifier: MIT
// Mini-batches: chosen parts of a batch become a batch of their own, by copying ranges and never by sorting.

#include <limits>

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/graph/arguments.hpp"
#include "host/graph/state.hpp"

namespace warpgnn {

namespace {

struct Selection {
  std::vector<backend::PartCopy> parts;
  std::vector<std::int64_t> graph_offsets{0}, slot_offsets{0};
  std::int64_t nodes = 0, slots = 0;
};

Selection plan_selection(const Graph::State& state, std::span<const std::int64_t> slot_offsets,
                         std::span<const std::int64_t> graphs) {
  const auto count = static_cast<std::int64_t>(slot_offsets.size()) - 1;
  Selection plan;
  plan.parts.reserve(graphs.size());
  for (const std::int64_t g : graphs) {
    if (g < 0 || g >= count) {
      throw Error(ErrorCode::out_of_range, "graphs: expected numbers in [0, " +
                                               std::to_string(std::max<std::int64_t>(count, 0)) + "), got " +
                                               std::to_string(g));
    }
    const auto i = static_cast<std::size_t>(g);
    const std::int64_t node = state.host_graph_offsets[i], slot = slot_offsets[i];
    const std::int64_t nodes = state.host_graph_offsets[i + 1] - node, slots = slot_offsets[i + 1] - slot;
    plan.parts.push_back({node, plan.nodes, nodes, slot, plan.slots, slots});
    plan.nodes += nodes;
    plan.slots += slots;
    plan.graph_offsets.push_back(plan.nodes);
    plan.slot_offsets.push_back(plan.slots);
  }
  if (plan.nodes > std::numeric_limits<std::int32_t>::max() || plan.slots > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorCode::overflow, "graphs: the selection has more nodes or edges than fit 32 bits");
  }
  return plan;
}

}  // namespace

Tensor slots_of_edges(const Context& context, const Graph::State& state) {
  Tensor slots;
  if (state.in.adjacency.edge_id == nullptr) return slots;
  slots.resize(context, Dtype::int32, {state.num_edges});
  with_exec(context, [&](const auto& exec) {
    backend::invert_edge_ids(exec, state.in.adjacency, slots.view().as<std::int32_t>());
  });
  return slots;
}

const std::int32_t* slots_of_edges(const Context& context, const Graph::State& state, Tensor& storage) {
  if (state.slot_of_edge != nullptr) return state.slot_of_edge;
  storage = slots_of_edges(context, state);
  return storage.view().as<const std::int32_t>();
}

std::vector<std::int64_t> slot_offsets_of(const Context& context, const Graph::State& state) {
  if (state.host_graph_offsets.empty()) return {};
  std::vector<std::int64_t> rows(static_cast<std::size_t>(state.num_destinations) + 1);
  with_exec(context, [&](const auto& exec) {
    backend::copy_to_host(exec, rows.data(), state.in.adjacency.offset, rows.size() * sizeof(std::int64_t));
  });
  std::vector<std::int64_t> slots;
  slots.reserve(state.host_graph_offsets.size());
  for (const std::int64_t node : state.host_graph_offsets) slots.push_back(rows[static_cast<std::size_t>(node)]);
  return slots;
}

void attach_graph_offsets(const Context& context, Graph::State& state, std::vector<std::int64_t> offsets) {
  state.host_graph_offsets = std::move(offsets);
  state.memory.push_back(Tensor::from<std::int64_t>(context, state.host_graph_offsets,
                                                    {static_cast<std::int64_t>(state.host_graph_offsets.size())}));
  state.graph_offsets = state.memory.back().view().as<const std::int64_t>();
}

GraphSelection Graph::select(const Context& context, std::span<const std::int64_t> graphs) const {
  expect_on_device(context, *this);
  Selection plan = with_host_memory([&] { return "a selection of " + std::to_string(graphs.size()) + " graphs"; },
                                    [&] {
                                      return state_->slot_offsets.empty()
                                                 ? plan_selection(*state_, slot_offsets_of(context, *state_), graphs)
                                                 : plan_selection(*state_, state_->slot_offsets, graphs);
                                    });
  Tensor computed;
  const std::int32_t* const slot_of_edge = slots_of_edges(context, *state_, computed);
  GraphSelection result;
  result.nodes.resize(context, Dtype::int32, {plan.nodes});
  result.edges.resize(context, Dtype::int32, {plan.slots});

  auto state = std::make_shared<State>();
  state->device = context.device();
  state->num_sources = state->num_destinations = plan.nodes;
  state->num_edges = plan.slots;
  Tensor offsets(context, Dtype::int64, {2 * (plan.nodes + 1)});
  Tensor indices(context, Dtype::int32, {3 * plan.slots});
  auto* const in_offset = offsets.view().as<std::int64_t>();
  auto* const in_neighbor = indices.view().as<std::int32_t>();
  const backend::SelectArgs args{
      .in = &in_edges(),
      .out = &out_edges(),
      .slot_of_edge = slot_of_edge,
      .parts = plan.parts.data(),
      .count = static_cast<std::int64_t>(plan.parts.size()),
      .nodes = plan.nodes,
      .slots = plan.slots,
      .in_offset = in_offset,
      .out_offset = in_offset + plan.nodes + 1,
      .in_neighbor = in_neighbor,
      .out_neighbor = in_neighbor + plan.slots,
      .out_edge_id = in_neighbor + 2 * plan.slots,
      .node_map = result.nodes.view().as<std::int32_t>(),
      .edge_map = result.edges.view().as<std::int32_t>(),
  };
  state->in.adjacency = {.rows = plan.nodes,
                         .edges = plan.slots,
                         .offset = in_offset,
                         .neighbor = in_neighbor,
                         .edge_id = nullptr,
                         .long_rows = {}};
  state->out.adjacency = {.rows = plan.nodes,
                          .edges = plan.slots,
                          .offset = args.out_offset,
                          .neighbor = args.out_neighbor,
                          .edge_id = args.out_edge_id,
                          .long_rows = {}};
  state->in.memory.push_back(std::move(offsets));
  state->in.memory.push_back(std::move(indices));
  with_exec(context, [&](const auto& exec) {
    backend::select_parts(exec, args);
    if (in_edges().long_rows.rows > 0) backend::find_long_rows(exec, context, state->in);
    if (out_edges().long_rows.rows > 0) backend::find_long_rows(exec, context, state->out);
  });
  attach_graph_offsets(context, *state, std::move(plan.graph_offsets));
  state->slot_offsets = std::move(plan.slot_offsets);
  result.graph = Graph(std::move(state));
  return result;
}

}  // namespace warpgnn
