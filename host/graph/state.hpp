#pragma once

#include "host/core/backend.hpp"

namespace warpgnn {

struct Graph::State {
  Device device{};
  std::int64_t num_sources = 0, num_destinations = 0, num_edges = 0;
  backend::AdjacencyStorage in, out;

  // The batch. Slots of graph g are [slot_offsets[g], slot_offsets[g + 1]), in in_edges and out_edges alike.
  Tensor graph_offsets;
  std::vector<std::int64_t> host_graph_offsets, slot_offsets;
  Tensor slot_of_edge;  // in a batch of several graphs whose edge ids are not slots
};

/// The inverse of in_edges' edge ids; undefined where those are the slots themselves.
Tensor slots_of_edges(const Context& context, const Graph::State& state);

/// Refuses anything but a vector of int32 or int64 side by side.
void expect_ids(const char* name, const ConstTensorView& ids);
/// The ids as int32 on the context's device; refuses those that are not in [0, limit).
Tensor narrowed_ids(const Context& context, const char* name, const ConstTensorView& ids, std::int64_t limit);

}  // namespace warpgnn
