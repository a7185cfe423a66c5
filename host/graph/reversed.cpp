// SPDX-License-Identifier: MIT
// A graph with its two directions changed round.

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/graph/arguments.hpp"
#include "host/graph/state.hpp"

namespace warpgnn {

namespace {

/// What the exchange of directions leaves wanting: backward passes rely on the edge ids of out_edges, and select() is
/// to be as fast as in a batch that was built. Returns whether anything was.
bool complete(const Context& context, Graph::State& state) {
  Adjacency& out = state.out.adjacency;
  const std::size_t before = state.memory.size();
  if (out.edge_id == nullptr && out.edges > 0) {
    const Tensor& ids =
        state.memory.emplace_back(context, Dtype::int32, std::initializer_list<std::int64_t>{out.edges});
    auto* const id = ids.view().as<std::int32_t>();
    with_exec(context, [&](const auto& exec) { backend::number_slots(exec, out.edges, id); });
    out.edge_id = id;
  }
  if (state.host_graph_offsets.size() > 2 && state.in.adjacency.edge_id != nullptr) {
    const Tensor& slots = state.memory.emplace_back(slots_of_edges(context, state));
    state.slot_of_edge = slots.view().as<const std::int32_t>();
  }
  return state.memory.size() > before;
}

}  // namespace

Graph Graph::reversed(const Context& context) const {
  expect_on_device(context, *this);
  if (state_->reversal_of != nullptr) return Graph(state_->reversal_of);
  return with_host_memory([] { return "a reversed graph"; },
                          [&] {
                            auto state = std::make_shared<State>();
                            state->device = state_->device;
                            state->num_sources = state_->num_destinations;
                            state->num_destinations = state_->num_sources;
                            state->num_edges = state_->num_edges;
                            state->in.adjacency = state_->out.adjacency;
                            state->out.adjacency = state_->in.adjacency;
                            // A part of a batch has the same nodes and slots in both directions.
                            state->host_graph_offsets = state_->host_graph_offsets;
                            state->slot_offsets = state_->slot_offsets;
                            state->graph_offsets = state_->graph_offsets;
                            state->reversal_of = state_;
                            if (complete(context, *state)) context.synchronize();
                            return Graph(std::move(state));
                          });
}

}  // namespace warpgnn
