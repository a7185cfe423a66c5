// Mini-batches: chosen parts of a batch become a batch of their own, by copying ranges and never by sorting.

#include <limits>

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/graph/state.hpp"

namespace warpgnn {

namespace {

struct Selection {
  std::vector<backend::PartCopy> parts;
  std::vector<std::int64_t> graph_offsets{0}, slot_offsets{0};
  std::int64_t nodes = 0, slots = 0;
};

Selection plan_selection(const Graph::State& state, std::span<const std::int64_t> graphs) {
  const auto count = static_cast<std::int64_t>(state.slot_offsets.size()) - 1;
  Selection plan;
  plan.parts.reserve(graphs.size());
  for (const std::int64_t g : graphs) {
    if (g < 0 || g >= count) {
      throw Error(ErrorCode::out_of_range, "graphs: expected numbers in [0, " +
                                               std::to_string(std::max<std::int64_t>(count, 0)) + "), got " +
                                               std::to_string(g));
    }
    const auto i = static_cast<std::size_t>(g);
    const std::int64_t node = state.host_graph_offsets[i], slot = state.slot_offsets[i];
    const std::int64_t nodes = state.host_graph_offsets[i + 1] - node, slots = state.slot_offsets[i + 1] - slot;
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

GraphSelection Graph::select(const Context& context, std::span<const std::int64_t> graphs) const {
  if (device() != context.device()) {
    throw Error(ErrorCode::invalid_argument, "graph: expected a graph on the context's device");
  }
  Selection plan = with_host_memory([&] { return "a selection of " + std::to_string(graphs.size()) + " graphs"; },
                                    [&] { return plan_selection(*state_, graphs); });
  const Tensor computed = state_->slot_of_edge.defined() ? Tensor() : slots_of_edges(context, *state_);
  const Tensor& slot_of_edge = state_->slot_of_edge.defined() ? state_->slot_of_edge : computed;
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
      .slot_of_edge = slot_of_edge.view().as<const std::int32_t>(),
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
  state->host_graph_offsets = std::move(plan.graph_offsets);
  state->slot_offsets = std::move(plan.slot_offsets);
  state->graph_offsets = Tensor::from<std::int64_t>(context, state->host_graph_offsets,
                                                    {static_cast<std::int64_t>(state->host_graph_offsets.size())});
  result.graph = Graph(std::move(state));
  return result;
}

}  // namespace warpgnn
