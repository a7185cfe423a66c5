// SPDX-License-Identifier: MIT
// Building graphs on the CPU: counting sorts and linear scans.

#include <algorithm>
#include <cstring>
#include <numeric>

#include "host/core/backend.hpp"

namespace warpgnn::backend {

namespace {

template <class Id>
std::int64_t narrow(const Id* ids, std::int64_t count, std::int64_t limit, std::int32_t* narrowed) {
  for (std::int64_t k = 0; k < count; ++k) {
    const auto id = static_cast<std::int64_t>(ids[k]);
    if (id < 0 || id >= limit) return k;
    narrowed[k] = static_cast<std::int32_t>(id);
  }
  return -1;
}

std::int32_t edge_of(const Adjacency& adjacency, std::int64_t slot) {
  return adjacency.edge_id == nullptr ? static_cast<std::int32_t>(slot) : adjacency.edge_id[slot];
}

Tensor& keep(AdjacencyStorage& storage, Tensor tensor) {
  storage.memory.push_back(std::move(tensor));
  return storage.memory.back();
}

}  // namespace

std::int64_t narrow_ids(const CpuExec&, const ConstTensorView& ids, std::int64_t limit, std::int32_t* narrowed) {
  if (ids.dtype == Dtype::int32) return narrow(ids.as<std::int32_t>(), ids.shape[0], limit, narrowed);
  return narrow(ids.as<std::int64_t>(), ids.shape[0], limit, narrowed);
}

std::int64_t find_decreasing(const CpuExec&, std::int64_t rows, const std::int64_t* offset) {
  for (std::int64_t r = 0; r < rows; ++r) {
    if (offset[r + 1] < offset[r]) return r;
  }
  return -1;
}

void expand_rows(const CpuExec&, std::int64_t rows, const std::int64_t* offset, std::int32_t* row) {
  for (std::int64_t r = 0; r < rows; ++r) {
    std::fill(row + offset[r], row + offset[r + 1], static_cast<std::int32_t>(r));
  }
}

AdjacencyStorage build_adjacency(const CpuExec& exec, const Context& context, std::int64_t rows, std::int64_t edges,
                                 const std::int32_t* row, const std::int32_t* neighbor, bool keep_edge_id) {
  AdjacencyStorage storage;
  auto* const offset = keep(storage, Tensor(context, Dtype::int64, {rows + 1})).view().as<std::int64_t>();
  std::fill(offset, offset + rows + 1, 0);
  for (std::int64_t e = 0; e < edges; ++e) ++offset[row[e] + 1];
  std::partial_sum(offset, offset + rows + 1, offset);

  auto* const sorted = keep(storage, Tensor(context, Dtype::int32, {edges})).view().as<std::int32_t>();
  const bool in_order = std::is_sorted(row, row + edges);
  std::int32_t* edge_id = nullptr;
  if (in_order) std::copy(neighbor, neighbor + edges, sorted);
  if (!in_order || keep_edge_id) {
    edge_id = keep(storage, Tensor(context, Dtype::int32, {edges})).view().as<std::int32_t>();
    std::vector<std::int64_t> next(offset, offset + rows);
    for (std::int64_t e = 0; e < edges; ++e) {
      const std::int64_t slot = next[static_cast<std::size_t>(row[e])]++;
      sorted[slot] = neighbor[e];
      edge_id[slot] = static_cast<std::int32_t>(e);
    }
  }
  storage.adjacency = {
      .rows = rows, .edges = edges, .offset = offset, .neighbor = sorted, .edge_id = edge_id, .long_rows = {}};
  find_long_rows(exec, context, storage);
  return storage;
}

void find_long_rows(const CpuExec&, const Context& context, AdjacencyStorage& storage) {
  const Adjacency& adjacency = storage.adjacency;
  std::vector<std::int32_t> row, first_chunk{0}, chunk_owner;
  for (std::int64_t r = 0; r < adjacency.rows; ++r) {
    const std::int64_t edges = adjacency.offset[r + 1] - adjacency.offset[r];
    if (edges <= kChunkEdges) continue;
    chunk_owner.insert(chunk_owner.end(), static_cast<std::size_t>((edges + kChunkEdges - 1) / kChunkEdges),
                       static_cast<std::int32_t>(row.size()));
    row.push_back(static_cast<std::int32_t>(r));
    first_chunk.push_back(static_cast<std::int32_t>(chunk_owner.size()));
  }
  if (row.empty()) return;
  const auto stored = [&](const std::vector<std::int32_t>& values) {
    return keep(storage, Tensor::from<std::int32_t>(context, values, {static_cast<std::int64_t>(values.size())}))
        .view()
        .as<const std::int32_t>();
  };
  storage.adjacency.long_rows = {.rows = static_cast<std::int64_t>(row.size()),
                                 .chunks = static_cast<std::int64_t>(chunk_owner.size()),
                                 .row = stored(row),
                                 .first_chunk = stored(first_chunk),
                                 .chunk_owner = stored(chunk_owner)};
}

void list_edges(const CpuExec&, const Adjacency& in, std::int32_t shift, std::int32_t* source,
                std::int32_t* destination) {
  for (std::int64_t r = 0; r < in.rows; ++r) {
    for (std::int64_t s = in.offset[r]; s < in.offset[r + 1]; ++s) {
      const std::int32_t edge = edge_of(in, s);
      source[edge] = in.neighbor[s] + shift;
      destination[edge] = static_cast<std::int32_t>(r) + shift;
    }
  }
}

void number_typed_nodes(const CpuExec&, std::int64_t count, const std::int32_t* node, const std::int32_t* relation,
                        std::int64_t relations, std::int32_t* typed) {
  for (std::int64_t k = 0; k < count; ++k) {
    typed[k] = static_cast<std::int32_t>(node[k] * relations + relation[k]);
  }
}

std::int64_t list_loop_nodes(const CpuExec&, const Context&, const Adjacency& in, SelfLoops which,
                             std::int32_t* nodes) {
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < in.rows; ++r) {
    const std::int32_t* const end = in.neighbor + in.offset[r + 1];
    const auto node = static_cast<std::int32_t>(r);
    const bool has_loop = which == SelfLoops::where_missing && std::find(in.neighbor + in.offset[r], end, node) != end;
    if (!has_loop) nodes[count++] = node;
  }
  return count;
}

std::int64_t drop_loops(const CpuExec&, const DropLoopsArgs& args) {
  std::int64_t count = 0;
  for (std::int64_t e = 0; e < args.edges; ++e) {
    const bool loop = args.source[e] == args.destination[e];
    args.position[e] = loop ? -1 : static_cast<std::int32_t>(count);
    if (loop) continue;
    args.kept[count] = static_cast<std::int32_t>(e);
    args.kept_source[count] = args.source[e];
    args.kept_destination[count] = args.destination[e];
    ++count;
  }
  return count;
}

std::int64_t find_crossing_row(const CpuExec&, const Adjacency& adjacency, std::int64_t graphs,
                               const std::int64_t* graph_offsets) {
  for (std::int64_t g = 0; g < graphs; ++g) {
    const std::int64_t begin = graph_offsets[g], end = graph_offsets[g + 1];
    for (std::int64_t r = begin; r < end; ++r) {
      for (std::int64_t s = adjacency.offset[r]; s < adjacency.offset[r + 1]; ++s) {
        if (adjacency.neighbor[s] < begin || adjacency.neighbor[s] >= end) return r;
      }
    }
  }
  return -1;
}

void number_slots(const CpuExec&, std::int64_t count, std::int32_t* ids) {
  std::iota(ids, ids + count, 0);
}

void invert_edge_ids(const CpuExec&, const Adjacency& in, std::int32_t* slot_of_edge) {
  for (std::int64_t s = 0; s < in.edges; ++s) slot_of_edge[in.edge_id[s]] = static_cast<std::int32_t>(s);
}

namespace {

/// Nodes behind the parts', and slots that are their loops, as many for each as for any other but the last.
void pad_selection(const SelectArgs& args) {
  const std::int64_t first = args.total->nodes, slot = args.total->slots;
  const std::int64_t nodes = args.nodes - first, slots = args.slots - slot;
  const std::int64_t degree = nodes == 0 ? 0 : (slots + nodes - 1) / nodes;
  for (std::int64_t n = 0; n < nodes; ++n) args.node_map[first + n] = static_cast<std::int32_t>(args.in->rows);
  for (std::int64_t n = 0; n <= nodes; ++n) {
    args.in_offset[first + n] = args.out_offset[first + n] = slot + std::min(n * degree, slots);
  }
  for (std::int64_t s = 0; s < slots; ++s) {
    args.in_neighbor[slot + s] = args.out_neighbor[slot + s] = static_cast<std::int32_t>(first + s / degree);
    args.edge_map[slot + s] = static_cast<std::int32_t>(args.in->edges);
    args.out_edge_id[slot + s] = static_cast<std::int32_t>(slot + s);
  }
}

}  // namespace

void select_parts(const CpuExec&, const SelectArgs& args) {
  const Adjacency &in = *args.in, &out = *args.out;
  for (std::int64_t k = 0; k < args.count; ++k) {
    const PartCopy& part = args.parts[k];
    const std::int64_t slot_shift = part.to_slot - part.from_slot;
    const auto node_shift = static_cast<std::int32_t>(part.to_node - part.from_node);
    for (std::int64_t n = 0; n < part.nodes; ++n) {
      args.in_offset[part.to_node + n] = in.offset[part.from_node + n] + slot_shift;
      args.out_offset[part.to_node + n] = out.offset[part.from_node + n] + slot_shift;
      args.node_map[part.to_node + n] = static_cast<std::int32_t>(part.from_node + n);
    }
    for (std::int64_t s = 0; s < part.slots; ++s) {
      const std::int64_t from = part.from_slot + s, to = part.to_slot + s;
      args.in_neighbor[to] = in.neighbor[from] + node_shift;
      args.out_neighbor[to] = out.neighbor[from] + node_shift;
      args.edge_map[to] = edge_of(in, from);
      const std::int32_t edge = out.edge_id[from];
      const std::int32_t slot = args.slot_of_edge == nullptr ? edge : args.slot_of_edge[edge];
      args.out_edge_id[to] = static_cast<std::int32_t>(slot + slot_shift);
    }
  }
  pad_selection(args);
}

}  // namespace warpgnn::backend
