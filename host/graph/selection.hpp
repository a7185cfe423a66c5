// SPDX-License-Identifier: MIT
#pragma once

/// What Graph::select and Selector share: which parts go where, as a table, and a graph in the memory for it.

#include <span>
#include <vector>

#include "host/graph/state.hpp"
#include "warpgnn/selector.hpp"

namespace warpgnn {

/// Chosen parts of a batch, one behind the other.
struct SelectionPlan {
  std::vector<backend::PartCopy> parts;
  std::vector<std::int64_t> graph_offsets, slot_offsets;
  std::vector<std::int32_t> graphs;
  backend::PartsTotal total{};
  SelectionSize size;  // padding included

  /// The most nodes or slots of a part, or of the padding.
  std::int64_t largest() const;
};

/// @param slot_offsets where each graph's slots begin in the whole.
SelectionPlan plan_selection(const Graph::State& whole, std::span<const std::int64_t> slot_offsets,
                             std::span<const std::int64_t> graphs, const std::optional<SelectionSize>& padded_to);

/// Where the parts of a plan stand in one table of 64-bit words: total, graph offsets, part copies, graph numbers.
class SelectionTable {
 public:
  /// @param base null: it only counts.
  SelectionTable(void* base, std::int64_t graphs);

  std::int64_t words() const { return words_; }
  void write(const SelectionPlan& plan) const;

  backend::PartsTotal* total;
  std::int64_t* graph_offsets;  // [graphs + 1]
  backend::PartCopy* parts;     // [graphs]
  std::int32_t* graphs;         // [graphs]

 private:
  std::int64_t words_ = 0;
};

/// The memory of a selection's graph.
struct SelectionMemory {
  Tensor offsets, indices;
};

/// Shapes the memory and the maps for a size, and points the state to it.
void shape_selection(const Context& context, const SelectionSize& size, SelectionMemory& memory,
                     GraphSelection& selection, Graph::State& state);
/// Writes memory and maps. The table, of `graphs` graphs, lies on the device; `largest` is about its plan's.
void fill_selection(const Context& context, const Graph::State& whole, const std::int32_t* slot_of_edge,
                    const SelectionTable& table, std::int64_t graphs, std::int64_t largest,
                    const SelectionMemory& memory, const GraphSelection& selection);

}  // namespace warpgnn
