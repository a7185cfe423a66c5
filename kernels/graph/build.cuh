// SPDX-License-Identifier: MIT
#pragma once

// Kernels that turn edge lists into adjacencies and back. One thread takes one edge or row unless a kernel says that a
// warp takes a row: then its lanes share the row's edges, which keeps hub rows parallel and accesses coalesced.

#include <cuda_runtime.h>

#include <cstdint>

#include "host/core/backend.hpp"
#include "kernels/base/tuning.cuh"
#include "kernels/base/warp.cuh"

namespace warpgnn::kernels {

inline constexpr int kBuildThreads = 256;
inline constexpr int kBuildRowsPerBlock = kBuildThreads / 32;

__device__ inline std::int64_t build_thread() {
  return static_cast<std::int64_t>(blockIdx.x) * kBuildThreads + threadIdx.x;
}

/// The row that the thread's warp takes.
__device__ inline std::int64_t build_row() {
  return build_thread() / 32;
}

__device__ inline int build_lane() {
  return static_cast<int>(threadIdx.x % 32);
}

/// Lowers *first to the first position that is found; positions ascend with the lane. All lanes of a warp call it. The
/// result of many warps is the minimum in any order, and all bits set stand for none.
__device__ inline void report_first(bool found, std::int64_t position, unsigned long long* first) {
  const unsigned lanes = __ballot_sync(0xffffffffu, found);
  if (build_lane() == __ffs(static_cast<int>(lanes)) - 1) {
    atomicMin(first, static_cast<unsigned long long>(position));
  }
}

/// How many of the ascending values are below `bound`.
template <class T>
__device__ std::int64_t lower_bound(const T* values, std::int64_t count, T bound) {
  std::int64_t low = 0, high = count;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (values[middle] < bound) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

template <class Id>
__global__ void narrow_ids_kernel(const Id* ids, std::int64_t stride, std::int64_t count, std::int64_t limit,
                                  std::int32_t* narrowed, unsigned long long* first_bad) {
  const std::int64_t i = build_thread();
  bool is_bad = false;
  if (i < count) {
    const std::int64_t id = ids[i * stride];
    narrowed[i] = static_cast<std::int32_t>(id);
    is_bad = id < 0 || id >= limit;
  }
  report_first(is_bad, i, first_bad);
}

/// Finds the first i in [0, count) with values[i + 1] < values[i].
template <class T>
__global__ void find_descent(const T* values, std::int64_t count, unsigned long long* first) {
  const std::int64_t i = build_thread();
  report_first(i < count && values[i + 1] < values[i], i, first);
}

/// A warp takes a row.
__global__ void expand_rows_kernel(std::int64_t rows, const std::int64_t* offset, std::int32_t* row) {
  const std::int64_t r = build_row();
  if (r >= rows) return;
  const std::int64_t end = offset[r + 1];
  for (std::int64_t s = offset[r] + build_lane(); s < end; s += 32) row[s] = static_cast<std::int32_t>(r);
}

__global__ void fill_iota(std::int64_t count, std::int32_t* values) {
  const std::int64_t i = build_thread();
  if (i < count) values[i] = static_cast<std::int32_t>(i);
}

__global__ void gather_ids(std::int64_t count, const std::int32_t* index, const std::int32_t* source,
                           std::int32_t* target) {
  const std::int64_t i = build_thread();
  if (i < count) target[i] = source[index[i]];
}

/// offset[r] for r in [0, rows]: each thread searches, so that a long run of empty rows costs no thread more.
__global__ void find_offsets(std::int64_t rows, std::int64_t edges, const std::int32_t* sorted_row,
                             std::int64_t* offset) {
  const std::int64_t r = build_thread();
  if (r > rows) return;
  offset[r] = r == rows ? edges : lower_bound(sorted_row, edges, static_cast<std::int32_t>(r));
}

// --- The order of rows -----------------------------------------------------------------------------------------------

inline constexpr int kDegreeBits = 10;
static_assert(kChunkEdges < 1 << kDegreeBits);

/// The edges of a row that its own span walks: those of long rows are in their chunks.
__device__ inline unsigned span_edges(const std::int64_t* offset, std::int64_t row) {
  const std::int64_t edges = offset[row + 1] - offset[row];
  return edges > kChunkEdges ? 0 : static_cast<unsigned>(edges);
}

/// key[r] sorts rows by window, and in it by falling length. *edges gains the edges of all spans, and *slots what
/// kRowsSideBySide rows at a time take, each as long as the longest of them. One thread takes a row.
__global__ void write_order_keys(std::int64_t rows, const std::int64_t* offset, std::uint32_t* key,
                                 unsigned long long* edges, unsigned long long* slots) {
  const std::int64_t row = build_thread();
  const unsigned own = row < rows ? span_edges(offset, row) : 0;
  if (row < rows) {
    key[row] = static_cast<std::uint32_t>(row >> kOrderWindowBits << kDegreeBits) | (kChunkEdges - own);
  }
  unsigned longest = own;
#pragma unroll
  for (int distance = 1; distance < kRowsSideBySide; distance *= 2) {
    const unsigned other = __shfl_xor_sync(0xffffffffu, longest, distance);
    longest = other > longest ? other : longest;
  }
  const unsigned own_sum = warp_sum(own);
  const unsigned longest_sum = warp_sum(longest);
  if (build_lane() != 0) return;
  atomicAdd(edges, static_cast<unsigned long long>(own_sum));
  atomicAdd(slots, static_cast<unsigned long long>(longest_sum));
}

// --- Long rows -------------------------------------------------------------------------------------------------------

/// Two counts in one word, so that one scan numbers both: rows in the upper half, chunks in the lower. Their sums stay
/// below 2^31 each because a row that counts has more than kChunkEdges of at most 2^31 edges.
__device__ inline std::uint64_t pack_counts(std::uint64_t rows, std::uint64_t chunks) {
  return rows << 32 | chunks;
}
__host__ __device__ inline std::int64_t packed_rows(std::uint64_t packed) {
  return static_cast<std::int64_t>(packed >> 32);
}
__host__ __device__ inline std::int64_t packed_chunks(std::uint64_t packed) {
  return static_cast<std::int64_t>(packed & 0xffffffffu);
}

/// What each row adds to the counts of long rows and chunks; element `rows` adds nothing and becomes the total.
__global__ void count_chunks(std::int64_t rows, const std::int64_t* offset, std::uint64_t* counts) {
  const std::int64_t r = build_thread();
  if (r > rows) return;
  const std::int64_t degree = r == rows ? 0 : offset[r + 1] - offset[r];
  const bool is_long = degree > kChunkEdges;
  counts[r] = is_long ? pack_counts(1, static_cast<std::uint64_t>((degree + kChunkEdges - 1) / kChunkEdges)) : 0;
}

/// `position` is the exclusive scan of count_chunks' result, [rows + 1]. A warp takes a row.
__global__ void write_long_rows(std::int64_t rows, const std::uint64_t* position, std::int32_t* row,
                                std::int32_t* first_chunk, std::int32_t* chunk_owner) {
  const std::int64_t r = build_row();
  if (r > rows) return;
  const std::int64_t owner = packed_rows(position[r]), chunk = packed_chunks(position[r]);
  if (r == rows) {
    if (build_lane() == 0) first_chunk[owner] = static_cast<std::int32_t>(chunk);
    return;
  }
  const std::int64_t chunk_end = packed_chunks(position[r + 1]);
  if (chunk == chunk_end) return;
  if (build_lane() == 0) {
    row[owner] = static_cast<std::int32_t>(r);
    first_chunk[owner] = static_cast<std::int32_t>(chunk);
  }
  for (std::int64_t c = chunk + build_lane(); c < chunk_end; c += 32) {
    chunk_owner[c] = static_cast<std::int32_t>(owner);
  }
}

/// A warp takes a row.
__global__ void list_edges_kernel(Adjacency in, std::int32_t shift, std::int32_t* source, std::int32_t* destination) {
  const std::int64_t r = build_row();
  if (r >= in.rows) return;
  const std::int64_t end = in.offset[r + 1];
  for (std::int64_t s = in.offset[r] + build_lane(); s < end; s += 32) {
    const std::int64_t id = in.edge_id == nullptr ? s : in.edge_id[s];
    source[id] = in.neighbor[s] + shift;
    destination[id] = static_cast<std::int32_t>(r) + shift;
  }
}

__global__ void number_typed_nodes_kernel(std::int64_t count, const std::int32_t* node, const std::int32_t* relation,
                                          std::int64_t relations, std::int32_t* typed) {
  const std::int64_t k = build_thread();
  if (k < count) typed[k] = static_cast<std::int32_t>(node[k] * relations + relation[k]);
}

/// missing[r] = 1 where row r has no edge to itself, else 0; element `rows` is 0. A warp takes a row.
__global__ void mark_missing_loops(Adjacency in, std::int32_t* missing) {
  const std::int64_t r = build_row();
  if (r > in.rows) return;
  bool found = r == in.rows;
  if (!found) {
    const std::int64_t end = in.offset[r + 1];
    for (std::int64_t first = in.offset[r]; first < end && !found; first += 32) {
      const std::int64_t s = first + build_lane();
      found = __any_sync(0xffffffffu, s < end && in.neighbor[s] == r) != 0;
    }
  }
  if (build_lane() == 0) missing[r] = found ? 0 : 1;
}

/// nodes[position[r]] = r for the rows that count, which are those where the exclusive scan `position` steps up.
__global__ void compact_rows(std::int64_t rows, const std::int32_t* position, std::int32_t* nodes) {
  const std::int64_t r = build_thread();
  if (r < rows && position[r] != position[r + 1]) nodes[position[r]] = static_cast<std::int32_t>(r);
}

/// proper[e] = 1 where edge e is no loop, else 0; element `edges` is 0.
__global__ void mark_proper_edges(backend::DropLoopsArgs args, std::int32_t* proper) {
  const std::int64_t e = build_thread();
  if (e <= args.edges) proper[e] = e < args.edges && args.source[e] != args.destination[e] ? 1 : 0;
}

/// Edges that are no loops are those where the exclusive scan `place` steps up.
__global__ void place_proper_edges(backend::DropLoopsArgs args, const std::int32_t* place) {
  const std::int64_t e = build_thread();
  if (e >= args.edges) return;
  const std::int32_t to = place[e];
  const bool proper = place[e + 1] != to;
  args.position[e] = proper ? to : -1;
  if (!proper) return;
  args.kept[to] = static_cast<std::int32_t>(e);
  args.kept_source[to] = args.source[e];
  args.kept_destination[to] = args.destination[e];
}

/// A warp takes a row.
__global__ void find_crossing_row_kernel(Adjacency adjacency, std::int64_t graphs, const std::int64_t* graph_offsets,
                                         unsigned long long* first) {
  const std::int64_t r = build_row();
  if (r >= adjacency.rows) return;
  // The last offset not above r: an empty graph begins where its successor does and is passed over.
  const std::int64_t graph = lower_bound(graph_offsets, graphs, r + 1) - 1;
  const std::int64_t begin = graph_offsets[graph], end = graph_offsets[graph + 1];
  bool crosses = false;
  for (std::int64_t s = adjacency.offset[r] + build_lane(); s < adjacency.offset[r + 1]; s += 32) {
    const std::int64_t neighbor = adjacency.neighbor[s];
    crosses = crosses || neighbor < begin || neighbor >= end;
  }
  report_first(crosses, r, first);
}

__global__ void invert_edge_ids_kernel(std::int64_t edges, const std::int32_t* edge_id, std::int32_t* slot_of_edge) {
  const std::int64_t s = build_thread();
  if (s < edges) slot_of_edge[edge_id[s]] = static_cast<std::int32_t>(s);
}

/// What select_parts_kernel reads and writes: SelectArgs with everything on the device.
struct SelectTables {
  Adjacency in, out;
  const std::int32_t* slot_of_edge;
  const backend::PartsTotal* total;
  const backend::PartCopy* parts;
  std::int64_t nodes, slots;
  std::int64_t* in_offset;
  std::int64_t* out_offset;
  std::int32_t* in_neighbor;
  std::int32_t* out_neighbor;
  std::int32_t* out_edge_id;
  std::int32_t* node_map;
  std::int32_t* edge_map;
};

/// Nodes behind the parts', and slots that are their loops, as many for each as for any other but the last.
__device__ inline void pad_selection(const SelectTables& tables, std::int64_t thread, std::int64_t step) {
  const std::int64_t first = tables.total->nodes, slot = tables.total->slots;
  const std::int64_t nodes = tables.nodes - first, slots = tables.slots - slot;
  const std::int64_t degree = nodes == 0 ? 0 : (slots + nodes - 1) / nodes;
  for (std::int64_t n = thread; n <= nodes; n += step) {
    const std::int64_t offset = n * degree < slots ? n * degree : slots;
    tables.in_offset[first + n] = tables.out_offset[first + n] = slot + offset;
    if (n < nodes) tables.node_map[first + n] = static_cast<std::int32_t>(tables.in.rows);
  }
  for (std::int64_t s = thread; s < slots; s += step) {
    tables.in_neighbor[slot + s] = tables.out_neighbor[slot + s] = static_cast<std::int32_t>(first + s / degree);
    tables.edge_map[slot + s] = static_cast<std::int32_t>(tables.in.edges);
    tables.out_edge_id[slot + s] = static_cast<std::int32_t>(slot + s);
  }
}

/// Blocks (part, slice) copy a part together. Every number moves by a constant: nodes by where the part's nodes went,
/// slots by where its slots went. The last column of blocks makes the padding, and ends both offset arrays.
__global__ void select_parts_kernel(SelectTables tables) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.y) * kBuildThreads + threadIdx.x;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.y) * kBuildThreads;
  if (blockIdx.x + 1 == gridDim.x) return pad_selection(tables, first, step);
  const backend::PartCopy part = tables.parts[blockIdx.x];
  const std::int64_t slot_shift = part.to_slot - part.from_slot;
  const std::int32_t node_shift = static_cast<std::int32_t>(part.to_node - part.from_node);
  for (std::int64_t i = first; i < part.nodes; i += step) {
    const std::int64_t from = part.from_node + i, to = part.to_node + i;
    tables.in_offset[to] = tables.in.offset[from] + slot_shift;
    tables.out_offset[to] = tables.out.offset[from] + slot_shift;
    tables.node_map[to] = static_cast<std::int32_t>(from);
  }
  for (std::int64_t i = first; i < part.slots; i += step) {
    const std::int64_t from = part.from_slot + i, to = part.to_slot + i;
    tables.in_neighbor[to] = tables.in.neighbor[from] + node_shift;
    tables.edge_map[to] = tables.in.edge_id == nullptr ? static_cast<std::int32_t>(from) : tables.in.edge_id[from];
    tables.out_neighbor[to] = tables.out.neighbor[from] + node_shift;
    const std::int32_t edge = tables.out.edge_id[from];
    const std::int64_t slot = tables.slot_of_edge == nullptr ? edge : tables.slot_of_edge[edge];
    tables.out_edge_id[to] = static_cast<std::int32_t>(slot + slot_shift);
  }
}

}  // namespace warpgnn::kernels
