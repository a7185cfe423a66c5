// SPDX-License-Identifier: MIT
#include "warpgnn/selector.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/graph/arguments.hpp"
#include "host/graph/selection.hpp"

namespace warpgnn {

struct Selector::Parts {
  Context context;
  Graph whole;
  std::vector<std::int64_t> slot_offsets;
  Tensor computed_slots;
  const std::int32_t* slot_of_edge;
  std::int64_t largest = 0;  // most nodes or slots of a graph of the whole
  std::int64_t most_graphs;
  Tensor table;  // of the last choice, for most_graphs graphs
  void* uploads;

  SelectionPlan plan;
  SelectionMemory memory;
  std::shared_ptr<Graph::State> state = std::make_shared<Graph::State>();
  GraphSelection selection;

  Parts(const Context& where, const Graph& graph, std::int64_t most)
      : context(where),
        whole(graph),
        slot_offsets(graph.state().slot_offsets.empty() ? slot_offsets_of(where, graph.state())
                                                        : graph.state().slot_offsets),
        slot_of_edge(slots_of_edges(where, graph.state(), computed_slots)),
        most_graphs(most),
        table(where, Dtype::int64, {SelectionTable(nullptr, most).words()}),
        uploads(with_exec(where, [&](const auto& exec) { return backend::open_uploads(exec, table.bytes()); })) {
    const std::vector<std::int64_t>& nodes = graph.state().host_graph_offsets;
    for (std::size_t g = 0; g + 1 < nodes.size(); ++g) {
      largest = std::max({largest, nodes[g + 1] - nodes[g], slot_offsets[g + 1] - slot_offsets[g]});
    }
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    with_exec(context, [&](const auto& exec) { backend::close_uploads(exec, uploads); });
  }

  SelectionTable table_on_device() const { return {table.view().data, most_graphs}; }
};

namespace {

bool has_long_rows(const Graph& graph) {
  return graph.in_edges().long_rows.rows > 0 || graph.out_edges().long_rows.rows > 0;
}

const Graph& expect_batch(const Context& context, const Graph& whole) {
  expect_on_device(context, whole);
  if (whole.num_graphs() > 0 || !whole.host_graph_offsets().empty()) return whole;
  throw Error(ErrorCode::invalid_argument, "whole: expected a batch of graphs, got a graph with two node sets");
}

std::int64_t expect_count(std::int64_t most_graphs) {
  if (most_graphs > 0) return most_graphs;
  throw Error(ErrorCode::invalid_argument, "most_graphs: expected 1 or more, got " + std::to_string(most_graphs));
}

}  // namespace

Selector::Selector(const Context& context, const Graph& whole, std::int64_t most_graphs)
    : parts_(std::make_unique<Parts>(context, expect_batch(context, whole), expect_count(most_graphs))) {}

Selector::Selector(Selector&&) noexcept = default;
Selector& Selector::operator=(Selector&&) noexcept = default;
Selector::~Selector() = default;

void Selector::choose(std::span<const std::int64_t> graphs, const std::optional<SelectionSize>& padded_to) {
  Parts& parts = *parts_;
  if (padded_to && !can_pad()) {
    throw Error(ErrorCode::invalid_argument,
                "padded_to: expected none, for a graph of the whole has a row of more than " +
                    std::to_string(kChunkEdges) + " edges, got a size");
  }
  SelectionPlan plan =
      with_host_memory([&] { return "a selection of " + std::to_string(graphs.size()) + " graphs"; },
                       [&] { return plan_selection(parts.whole.state(), parts.slot_offsets, graphs, padded_to); });
  if (plan.size.graphs > parts.most_graphs) {
    throw Error(ErrorCode::invalid_argument, std::string(padded_to ? "padded_to.graphs" : "graphs") +
                                                 ": expected at most " + std::to_string(parts.most_graphs) + ", got " +
                                                 std::to_string(plan.size.graphs));
  }
  with_exec(parts.context, [&](const auto& exec) {
    void* const words = backend::next_upload(exec, parts.uploads);
    SelectionTable(words, parts.most_graphs).write(plan);
    backend::send_upload(exec, parts.uploads, parts.table.view().data, parts.table.bytes());
  });
  parts.plan = std::move(plan);
}

const GraphSelection& Selector::cut() {
  Parts& parts = *parts_;
  const SelectionPlan& plan = parts.plan;
  if (plan.graph_offsets.empty()) {
    throw Error(ErrorCode::invalid_argument, "graphs: expected choose() before cut()");
  }
  shape_selection(parts.context, plan.size, parts.memory, parts.selection, *parts.state);
  const SelectionTable table = parts.table_on_device();
  // The launch is the same whatever was chosen of this size.
  fill_selection(parts.context, parts.whole.state(), parts.slot_of_edge, table, plan.size.graphs, parts.largest,
                 parts.memory, parts.selection);
  if (has_long_rows(parts.whole)) {
    parts.state->in.memory.clear();
    parts.state->out.memory.clear();
    with_exec(parts.context, [&](const auto& exec) {
      backend::find_long_rows(exec, parts.context, parts.state->in);
      backend::find_long_rows(exec, parts.context, parts.state->out);
    });
  }
  parts.state->host_graph_offsets = plan.graph_offsets;
  parts.state->slot_offsets = plan.slot_offsets;
  parts.state->graph_offsets = table.graph_offsets;
  parts.selection.graph = Graph(parts.state);
  return parts.selection;
}

const GraphSelection& Selector::select(std::span<const std::int64_t> graphs,
                                       const std::optional<SelectionSize>& padded_to) {
  choose(graphs, padded_to);
  return cut();
}

SelectionSize Selector::size_of(std::span<const std::int64_t> graphs) const {
  return plan_selection(parts_->whole.state(), parts_->slot_offsets, graphs, {}).size;
}

ConstTensorView Selector::graphs() const {
  const Parts& parts = *parts_;
  const std::array<std::int64_t, 1> shape{parts.plan.size.graphs};
  return {contiguous_layout(Dtype::int32, shape, parts.context.device()), parts.table_on_device().graphs};
}

bool Selector::can_pad() const {
  return !has_long_rows(parts_->whole);
}

}  // namespace warpgnn
