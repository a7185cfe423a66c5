// SPDX-License-Identifier: MIT
#include "host/graph/selection.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "host/core/dispatch.hpp"

namespace warpgnn {

namespace {

std::int64_t expect_graph(std::int64_t graph, std::int64_t count) {
  if (graph >= 0 && graph < count) return graph;
  throw Error(ErrorCode::out_of_range, "graphs: expected numbers in [0, " +
                                           std::to_string(std::max<std::int64_t>(count, 0)) + "), got " +
                                           std::to_string(graph));
}

void expect_size(const char* name, bool fits, const std::string& expected, std::int64_t given) {
  if (fits) return;
  throw Error(ErrorCode::invalid_argument,
              std::string("padded_to.") + name + ": expected " + expected + ", got " + std::to_string(given));
}

/// `total` and `graphs` are those of the chosen.
void expect_room(const SelectionSize& size, const backend::PartsTotal& total, std::int64_t graphs) {
  const auto at_least = [](std::int64_t count) { return std::to_string(count) + " or more"; };
  expect_size("nodes", size.nodes >= total.nodes, at_least(total.nodes), size.nodes);
  expect_size("edges", size.edges >= total.slots, at_least(total.slots), size.edges);
  const std::int64_t nodes = size.nodes - total.nodes, edges = size.edges - total.slots;
  expect_size("graphs", size.graphs >= graphs + (nodes > 0 ? 1 : 0),
              at_least(graphs + (nodes > 0 ? 1 : 0)) + (nodes > 0 ? ", one of them for the padding" : ""), size.graphs);
  expect_size("edges", edges <= nodes * kChunkEdges,
              "at most " + std::to_string(total.slots + nodes * kChunkEdges) + ", " + std::to_string(kChunkEdges) +
                  " for each node of the padding",
              size.edges);
}

}  // namespace

SelectionPlan plan_selection(const Graph::State& whole, std::span<const std::int64_t> slot_offsets,
                             std::span<const std::int64_t> graphs, const std::optional<SelectionSize>& padded_to) {
  const auto count = static_cast<std::int64_t>(slot_offsets.size()) - 1;
  const auto chosen = static_cast<std::int64_t>(graphs.size());
  SelectionPlan plan;
  const auto end_graph = [&] {
    plan.graph_offsets.push_back(plan.total.nodes);
    plan.slot_offsets.push_back(plan.total.slots);
  };
  end_graph();
  for (const std::int64_t graph : graphs) {
    const auto i = static_cast<std::size_t>(expect_graph(graph, count));
    const std::int64_t node = whole.host_graph_offsets[i], slot = slot_offsets[i];
    const std::int64_t nodes = whole.host_graph_offsets[i + 1] - node, slots = slot_offsets[i + 1] - slot;
    plan.parts.push_back({node, plan.total.nodes, nodes, slot, plan.total.slots, slots});
    plan.graphs.push_back(static_cast<std::int32_t>(graph));
    plan.total.nodes += nodes;
    plan.total.slots += slots;
    end_graph();
  }
  plan.size = padded_to.value_or(SelectionSize{chosen, plan.total.nodes, plan.total.slots});
  expect_room(plan.size, plan.total, chosen);
  if (plan.size.nodes > std::numeric_limits<std::int32_t>::max() ||
      plan.size.edges > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorCode::overflow, "graphs: the selection has more nodes or edges than fit 32 bits");
  }
  for (std::int64_t g = chosen; g < plan.size.graphs; ++g) {
    plan.parts.push_back({});
    plan.graphs.push_back(static_cast<std::int32_t>(count));
    end_graph();
  }
  plan.graph_offsets.back() = plan.size.nodes;
  plan.slot_offsets.back() = plan.size.edges;
  return plan;
}

std::int64_t SelectionPlan::largest() const {
  std::int64_t most = std::max(size.nodes - total.nodes, size.edges - total.slots);
  for (const backend::PartCopy& part : parts) most = std::max({most, part.nodes, part.slots});
  return most;
}

SelectionTable::SelectionTable(void* base, std::int64_t graphs_) {
  auto* const words = static_cast<std::int64_t*>(base);
  const auto take = [&](std::int64_t count) {
    std::int64_t* const piece = words == nullptr ? nullptr : words + words_;
    words_ += count;
    return piece;
  };
  constexpr std::int64_t kWord = sizeof(std::int64_t);
  static_assert(sizeof(backend::PartsTotal) == 2 * kWord && sizeof(backend::PartCopy) == 6 * kWord);
  total = reinterpret_cast<backend::PartsTotal*>(take(2));
  graph_offsets = take(graphs_ + 1);
  parts = reinterpret_cast<backend::PartCopy*>(take(6 * graphs_));
  graphs = reinterpret_cast<std::int32_t*>(take((graphs_ + 1) / 2));
}

void SelectionTable::write(const SelectionPlan& plan) const {
  *total = plan.total;
  std::copy(plan.graph_offsets.begin(), plan.graph_offsets.end(), graph_offsets);
  std::copy(plan.parts.begin(), plan.parts.end(), parts);
  std::copy(plan.graphs.begin(), plan.graphs.end(), graphs);
}

void shape_selection(const Context& context, const SelectionSize& size, SelectionMemory& memory,
                     GraphSelection& selection, Graph::State& state) {
  selection.nodes.resize(context, Dtype::int32, {size.nodes});
  selection.edges.resize(context, Dtype::int32, {size.edges});
  memory.offsets.resize(context, Dtype::int64, {2 * (size.nodes + 1)});
  memory.indices.resize(context, Dtype::int32, {3 * size.edges});
  const auto* const offset = memory.offsets.view().as<const std::int64_t>();
  const auto* const index = memory.indices.view().as<const std::int32_t>();
  state.device = context.device();
  state.num_sources = state.num_destinations = size.nodes;
  state.num_edges = size.edges;
  state.in.adjacency = {.rows = size.nodes, .edges = size.edges, .offset = offset, .neighbor = index, .long_rows = {}};
  state.out.adjacency = {.rows = size.nodes,
                         .edges = size.edges,
                         .offset = offset + size.nodes + 1,
                         .neighbor = index + size.edges,
                         .edge_id = index + 2 * size.edges,
                         .long_rows = {}};
}

void fill_selection(const Context& context, const Graph::State& whole, const std::int32_t* slot_of_edge,
                    const SelectionTable& table, std::int64_t graphs, std::int64_t largest,
                    const SelectionMemory& memory, const GraphSelection& selection) {
  const std::int64_t nodes = selection.nodes.view().shape[0], slots = selection.edges.view().shape[0];
  auto* const offset = memory.offsets.view().as<std::int64_t>();
  auto* const index = memory.indices.view().as<std::int32_t>();
  const backend::SelectArgs args{
      .in = &whole.in.adjacency,
      .out = &whole.out.adjacency,
      .slot_of_edge = slot_of_edge,
      .total = table.total,
      .parts = table.parts,
      .count = graphs,
      .largest = largest,
      .nodes = nodes,
      .slots = slots,
      .in_offset = offset,
      .out_offset = offset + nodes + 1,
      .in_neighbor = index,
      .out_neighbor = index + slots,
      .out_edge_id = index + 2 * slots,
      .node_map = selection.nodes.view().as<std::int32_t>(),
      .edge_map = selection.edges.view().as<std::int32_t>(),
  };
  with_exec(context, [&](const auto& exec) { backend::select_parts(exec, args); });
}

}  // namespace warpgnn
