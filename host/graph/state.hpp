// SPDX-License-Identifier: MIT
#pragma once

#include "host/core/backend.hpp"

namespace warpgnn {

struct Graph::State {
  Device device{};
  std::int64_t num_sources = 0, num_destinations = 0, num_edges = 0;
  backend::AdjacencyStorage in, out;

  // The batch. Slots of graph g are [slot_offsets[g], slot_offsets[g + 1]), in in_edges and out_edges alike; a graph
  // from parts may come without.
  std::vector<std::int64_t> host_graph_offsets, slot_offsets;
  const std::int64_t* graph_offsets = nullptr;  // the same on the device
  const std::int32_t* slot_of_edge = nullptr;   // in a batch of several graphs whose edge ids are not slots

  // What keeps the memory that all this points to, beside in.memory and out.memory.
  std::vector<Tensor> memory;
  std::shared_ptr<const void> owner;
  std::shared_ptr<const State> reversal_of;  // the graph whose two directions these are, changed round
};

/// The inverse of in_edges' edge ids; undefined where those are the slots themselves.
Tensor slots_of_edges(const Context& context, const Graph::State& state);
/// The same as an address; where the graph does not keep them they are made and kept in `storage`.
const std::int32_t* slots_of_edges(const Context& context, const Graph::State& state, Tensor& storage);
/// Where each graph's slots begin: the row offsets at its first node. Waits.
std::vector<std::int64_t> slot_offsets_of(const Context& context, const Graph::State& state);
/// Takes the offsets of a batch's graphs, and uploads them.
void attach_graph_offsets(const Context& context, Graph::State& state, std::vector<std::int64_t> offsets);

}  // namespace warpgnn
