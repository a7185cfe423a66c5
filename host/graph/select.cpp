// SPDX-License-Identifier: MIT
// Mini-batches: chosen parts of a batch become a batch of their own, by copying ranges and never by sorting.

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/graph/arguments.hpp"
#include "host/graph/selection.hpp"

namespace warpgnn {

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
  std::vector<std::int64_t> words;
  SelectionPlan plan = with_host_memory(
      [&] { return "a selection of " + std::to_string(graphs.size()) + " graphs"; },
      [&] {
        SelectionPlan made = state_->slot_offsets.empty()
                                 ? plan_selection(*state_, slot_offsets_of(context, *state_), graphs, {})
                                 : plan_selection(*state_, state_->slot_offsets, graphs, {});
        words.resize(static_cast<std::size_t>(SelectionTable(nullptr, made.size.graphs).words()));
        SelectionTable(words.data(), made.size.graphs).write(made);
        return made;
      });
  Tensor computed;
  const std::int32_t* const slot_of_edge = slots_of_edges(context, *state_, computed);
  const Tensor uploaded = Tensor::from<std::int64_t>(context, words, {static_cast<std::int64_t>(words.size())});
  const SelectionTable table(uploaded.view().data, plan.size.graphs);

  GraphSelection result;
  SelectionMemory memory;
  auto state = std::make_shared<State>();
  shape_selection(context, plan.size, memory, result, *state);
  fill_selection(context, *state_, slot_of_edge, table, plan.size.graphs, plan.largest(), memory, result);
  state->in.memory.push_back(std::move(memory.offsets));
  state->in.memory.push_back(std::move(memory.indices));
  with_exec(context, [&](const auto& exec) {
    if (in_edges().long_rows.rows > 0) backend::find_long_rows(exec, context, state->in);
    if (out_edges().long_rows.rows > 0) backend::find_long_rows(exec, context, state->out);
  });
  attach_graph_offsets(context, *state, std::move(plan.graph_offsets));
  state->slot_offsets = std::move(plan.slot_offsets);
  result.graph = Graph(std::move(state));
  return result;
}

}  // namespace warpgnn
