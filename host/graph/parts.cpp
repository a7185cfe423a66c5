// SPDX-License-Identifier: MIT
// Graphs on memory that a framework owns, and a graph's own memory for it.

#include <array>

#include "host/core/dispatch.hpp"
#include "host/core/memory_guard.hpp"
#include "host/core/shape_text.hpp"
#include "host/graph/arguments.hpp"
#include "host/graph/state.hpp"

namespace warpgnn {

namespace {

constexpr Device kHost{};

/// Refuses anything but a vector of `count` elements there.
void expect_array(const std::string& name, const ConstTensorView& view, Dtype dtype, Device device,
                  std::int64_t count) {
  expect_vector(name, view, view.dtype == dtype, name_of(dtype));
  if (view.device != device) {
    throw Error(ErrorCode::invalid_argument, name + (device == kHost ? ": expected memory of the host"
                                                                     : ": expected memory of the context's device"));
  }
  if (view.shape[0] != count) {
    throw Error(ErrorCode::invalid_argument, name + ": expected shape " + list_text(std::array{count}) + ", got " +
                                                 list_text(std::array{view.shape[0]}));
  }
}

std::int64_t size_of(const std::string& name, const ConstTensorView& view) {
  if (!view.defined()) throw Error(ErrorCode::invalid_argument, name + ": expected a vector, got none");
  expect_count(name, view.shape[0]);
  return view.shape[0];
}

void expect_long_rows(const std::string& name, const AdjacencyParts& parts, Device device) {
  const bool given = parts.long_rows.defined();
  if (parts.first_chunks.defined() != given || parts.chunk_owners.defined() != given) {
    throw Error(ErrorCode::invalid_argument,
                name + ".long_rows: expected with first_chunks and chunk_owners or without both");
  }
  if (!given) return;
  const std::int64_t rows = size_of(name + ".long_rows", parts.long_rows);
  const std::int64_t chunks = size_of(name + ".chunk_owners", parts.chunk_owners);
  expect_array(name + ".long_rows", parts.long_rows, Dtype::int32, device, rows);
  expect_array(name + ".first_chunks", parts.first_chunks, Dtype::int32, device, rows > 0 ? rows + 1 : 0);
  expect_array(name + ".chunk_owners", parts.chunk_owners, Dtype::int32, device, chunks);
  if (chunks < 2 * rows || (rows == 0 && chunks > 0)) {
    throw Error(ErrorCode::invalid_argument, name + ".chunk_owners: expected two elements or more for each of " +
                                                 std::to_string(rows) + " long rows, got " + std::to_string(chunks));
  }
}

/// The direction as ops see it, still without long rows that are not given.
Adjacency checked_direction(const std::string& name, const AdjacencyParts& parts, Device device) {
  const std::int64_t rows = size_of(name + ".offsets", parts.offsets) - 1;
  expect_count(name + ".offsets (rows)", rows);
  expect_array(name + ".offsets", parts.offsets, Dtype::int64, device, rows + 1);
  const std::int64_t edges = size_of(name + ".neighbors", parts.neighbors);
  expect_array(name + ".neighbors", parts.neighbors, Dtype::int32, device, edges);
  if (parts.edge_ids.defined()) expect_array(name + ".edge_ids", parts.edge_ids, Dtype::int32, device, edges);
  expect_long_rows(name, parts, device);
  if (parts.row_order.defined()) expect_array(name + ".row_order", parts.row_order, Dtype::int32, device, rows);
  Adjacency adjacency{.rows = rows,
                      .edges = edges,
                      .offset = parts.offsets.as<std::int64_t>(),
                      .neighbor = parts.neighbors.as<std::int32_t>(),
                      .edge_id = parts.edge_ids.as<std::int32_t>(),
                      .long_rows = {},
                      .row_order = parts.row_order.as<std::int32_t>()};
  if (parts.long_rows.defined() && parts.long_rows.shape[0] > 0) {
    adjacency.long_rows = {.rows = parts.long_rows.shape[0],
                           .chunks = parts.chunk_owners.shape[0],
                           .row = parts.long_rows.as<std::int32_t>(),
                           .first_chunk = parts.first_chunks.as<std::int32_t>(),
                           .chunk_owner = parts.chunk_owners.as<std::int32_t>()};
  }
  return adjacency;
}

void expect_directions_agree(const GraphParts& parts, const Adjacency& in, const Adjacency& out) {
  if (in.edges != out.edges) {
    throw Error(ErrorCode::invalid_argument, "out_edges.neighbors: expected " + std::to_string(in.edges) +
                                                 " elements as in in_edges, got " + std::to_string(out.edges));
  }
  if (out.edges > 0 && !parts.out_edges.edge_ids.defined()) {
    throw Error(ErrorCode::invalid_argument, "out_edges.edge_ids: expected edge ids, got none");
  }
}

/// Fails unless the arrays of a batch are there together and fit. Returns how many elements its offsets have, 0
/// without.
std::int64_t checked_batch(const GraphParts& parts, const Adjacency& in, const Adjacency& out, Device device) {
  const bool on_device = parts.graph_offsets.defined(), on_host = parts.host_graph_offsets.defined();
  if (!on_device && !on_host) {
    if (parts.host_slot_offsets.defined()) {
      throw Error(ErrorCode::invalid_argument, "host_slot_offsets: expected none without offsets of graphs");
    }
    return 0;
  }
  const char* const name = on_device ? "graph_offsets" : "host_graph_offsets";
  if (in.rows != out.rows) {
    throw Error(ErrorCode::invalid_argument, std::string(name) +
                                                 ": expected as many sources as destinations in a batch, got " +
                                                 std::to_string(out.rows) + " and " + std::to_string(in.rows));
  }
  const std::int64_t count = size_of(name, on_device ? parts.graph_offsets : parts.host_graph_offsets);
  if (count < 1) throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected at least 1 element, got 0");
  if (on_device) expect_array("graph_offsets", parts.graph_offsets, Dtype::int64, device, count);
  const auto expect_on_host = [&](const char* array, const ConstTensorView& view, std::int64_t end) {
    if (!view.defined()) return;
    expect_array(array, view, Dtype::int64, kHost, count);
    expect_offsets(array, {view.as<std::int64_t>(), static_cast<std::size_t>(count)}, end);
  };
  expect_on_host("host_graph_offsets", parts.host_graph_offsets, in.rows);
  expect_on_host("host_slot_offsets", parts.host_slot_offsets, in.edges);
  return count;
}

void expect_slots_of_edges(const GraphParts& parts, std::int64_t edges, Device device) {
  if (!parts.slot_of_edge.defined()) return;
  expect_array("slot_of_edge", parts.slot_of_edge, Dtype::int32, device, edges);
  if (edges > 0 && !parts.in_edges.edge_ids.defined()) {
    throw Error(ErrorCode::invalid_argument, "slot_of_edge: expected none where in_edges.edge_ids are left out");
  }
}

std::vector<std::int64_t> on_host(const ConstTensorView& offsets) {
  if (!offsets.defined()) return {};
  return {offsets.as<std::int64_t>(), offsets.as<std::int64_t>() + offsets.shape[0]};
}

/// The offsets of the graphs, on both sides; what is missing is made.
void take_batch(const Context& context, Graph::State& state, const GraphParts& parts, std::int64_t count) {
  state.slot_offsets = on_host(parts.host_slot_offsets);
  if (count == 0) {
    if (state.num_sources == state.num_destinations) {
      attach_graph_offsets(context, state, {0, state.num_sources});
      state.slot_offsets = {0, state.num_edges};
    }
    return;
  }
  std::vector<std::int64_t> offsets = on_host(parts.host_graph_offsets);
  if (!parts.graph_offsets.defined()) return attach_graph_offsets(context, state, std::move(offsets));
  state.graph_offsets = parts.graph_offsets.as<std::int64_t>();
  if (offsets.empty()) {
    offsets.resize(static_cast<std::size_t>(count));
    with_exec(context, [&](const auto& exec) {
      backend::copy_to_host(exec, offsets.data(), state.graph_offsets, offsets.size() * sizeof(std::int64_t));
    });
    expect_offsets("graph_offsets", offsets, state.num_sources);
  }
  state.host_graph_offsets = std::move(offsets);
}

void find_missing_long_rows(const Context& context, Graph::State& state, const GraphParts& parts) {
  const std::size_t before = state.in.memory.size() + state.out.memory.size();
  with_exec(context, [&](const auto& exec) {
    if (!parts.in_edges.long_rows.defined()) backend::find_long_rows(exec, context, state.in);
    if (!parts.out_edges.long_rows.defined()) backend::find_long_rows(exec, context, state.out);
  });
  if (state.in.memory.size() + state.out.memory.size() > before) context.synchronize();
}

Graph take_parts(const Context& context, const GraphParts& parts) {
  const Device device = context.device();
  auto state = std::make_shared<Graph::State>();
  state->in.adjacency = checked_direction("in_edges", parts.in_edges, device);
  state->out.adjacency = checked_direction("out_edges", parts.out_edges, device);
  const Adjacency &in = state->in.adjacency, &out = state->out.adjacency;
  expect_directions_agree(parts, in, out);
  const std::int64_t offsets = checked_batch(parts, in, out, device);
  expect_slots_of_edges(parts, in.edges, device);

  state->device = device;
  state->num_sources = out.rows;
  state->num_destinations = in.rows;
  state->num_edges = in.edges;
  state->slot_of_edge = parts.slot_of_edge.as<std::int32_t>();
  state->owner = parts.owner;
  take_batch(context, *state, parts, offsets);
  find_missing_long_rows(context, *state, parts);
  return Graph(std::move(state));
}

template <class T>
ConstTensorView array(const T* data, std::int64_t count, Device device) {
  return view(data, {count}, device);
}

AdjacencyParts parts_of(const Adjacency& adjacency, Device device) {
  const LongRows& rows = adjacency.long_rows;
  AdjacencyParts parts{.offsets = array(adjacency.offset, adjacency.rows + 1, device),
                       .neighbors = array(adjacency.neighbor, adjacency.edges, device),
                       .long_rows = array(rows.row, rows.rows, device),
                       .first_chunks = array(rows.first_chunk, rows.rows > 0 ? rows.rows + 1 : 0, device),
                       .chunk_owners = array(rows.chunk_owner, rows.chunks, device)};
  if (adjacency.edge_id != nullptr) parts.edge_ids = array(adjacency.edge_id, adjacency.edges, device);
  if (adjacency.row_order != nullptr) parts.row_order = array(adjacency.row_order, adjacency.rows, device);
  return parts;
}

}  // namespace

Graph Graph::from_parts(const Context& context, const GraphParts& parts) {
  return with_host_memory([] { return "a graph of parts"; }, [&] { return take_parts(context, parts); });
}

GraphParts Graph::parts() const {
  GraphParts parts{.in_edges = parts_of(in_edges(), device()), .out_edges = parts_of(out_edges(), device())};
  const auto count = static_cast<std::int64_t>(state_->host_graph_offsets.size());
  if (count > 0) {
    parts.graph_offsets = array(state_->graph_offsets, count, device());
    parts.host_graph_offsets = array(state_->host_graph_offsets.data(), count, kHost);
  }
  if (!state_->slot_offsets.empty()) parts.host_slot_offsets = array(state_->slot_offsets.data(), count, kHost);
  if (state_->slot_of_edge != nullptr) parts.slot_of_edge = array(state_->slot_of_edge, num_edges(), device());
  parts.owner = state_;
  return parts;
}

}  // namespace warpgnn
