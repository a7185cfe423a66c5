// SPDX-License-Identifier: MIT
#include "warpgnn/graph.hpp"

#include "host/graph/state.hpp"

namespace warpgnn {

namespace {

const Graph::State& defined_state(const Graph& graph, const std::shared_ptr<const Graph::State>& state) {
  if (!graph.defined()) throw Error(ErrorCode::invalid_argument, "graph: expected a graph, got none");
  return *state;
}

}  // namespace

Device Graph::device() const {
  return defined_state(*this, state_).device;
}
std::int64_t Graph::num_sources() const {
  return defined_state(*this, state_).num_sources;
}
std::int64_t Graph::num_destinations() const {
  return defined_state(*this, state_).num_destinations;
}
std::int64_t Graph::num_edges() const {
  return defined_state(*this, state_).num_edges;
}
std::int64_t Graph::num_graphs() const {
  const State& state = defined_state(*this, state_);
  return state.host_graph_offsets.empty() ? 0 : static_cast<std::int64_t>(state.host_graph_offsets.size()) - 1;
}
std::int64_t Graph::num_nodes() const {
  const State& state = defined_state(*this, state_);
  if (state.num_sources != state.num_destinations) {
    throw Error(ErrorCode::invalid_argument, "graph: expected as many sources as destinations, got " +
                                                 std::to_string(state.num_sources) + " and " +
                                                 std::to_string(state.num_destinations));
  }
  return state.num_destinations;
}
const Adjacency& Graph::in_edges() const {
  return defined_state(*this, state_).in.adjacency;
}
const Adjacency& Graph::out_edges() const {
  return defined_state(*this, state_).out.adjacency;
}
const std::int64_t* Graph::graph_offsets() const {
  return defined_state(*this, state_).graph_offsets;
}
std::span<const std::int64_t> Graph::host_graph_offsets() const {
  return defined_state(*this, state_).host_graph_offsets;
}

}  // namespace warpgnn
