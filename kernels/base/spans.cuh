// SPDX-License-Identifier: MIT
#pragma once

// How the edges of an adjacency are handed out: every short row whole, every long row in chunks whose partial results
// are merged in order by a second kernel, which is launched only when there are long rows.

#include <cstdint>

#include "kernels/base/launch.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/tuning.cuh"
#include "kernels/base/warp.cuh"
#include "warpgnn/graph.hpp"

namespace warpgnn::kernels {

inline constexpr int kSpanThreads = kTuning.span_threads;
/// Edges whose rows a lane has in flight at a time.
inline constexpr int kEdgesInFlight = kTuning.edges_in_flight;

/// A run of edges of one row.
struct EdgeSpan {
  std::int64_t row;
  std::int64_t begin;  // slots
  std::int64_t end;
  std::int64_t chunk;  // -1: the row is whole

  /// The row as GatheredRows are asked for it.
  __device__ std::uint32_t node() const { return static_cast<std::uint32_t>(row); }
};

/// Chunks come first, because they are the longest work.
inline std::int64_t span_count(const Adjacency& edges) {
  return edges.long_rows.chunks + edges.rows;
}

/// The span of item number `item`. False beyond the last item, and for a long row itself, which its chunks stand for.
__device__ inline bool find_span(const Adjacency& edges, std::int64_t item, EdgeSpan& span) {
  const LongRows& long_rows = edges.long_rows;
  if (item < long_rows.chunks) {
    const std::int64_t owner = long_rows.chunk_owner[item];
    span.row = long_rows.row[owner];
    span.begin = edges.offset[span.row] + (item - long_rows.first_chunk[owner]) * kChunkEdges;
    const std::int64_t row_end = edges.offset[span.row + 1];
    span.end = span.begin + kChunkEdges < row_end ? span.begin + kChunkEdges : row_end;
    span.chunk = item;
    return true;
  }
  span.row = item - long_rows.chunks;
  if (span.row >= edges.rows) return false;
  if (edges.row_order != nullptr) span.row = edges.row_order[span.row];
  span.begin = edges.offset[span.row];
  span.end = edges.offset[span.row + 1];
  span.chunk = -1;
  return span.end - span.begin <= kChunkEdges;
}

__device__ inline std::int64_t edge_id_of(const Adjacency& edges, std::int64_t slot) {
  return edges.edge_id == nullptr ? slot : __ldcs(edges.edge_id + slot);
}

/// The span of item number `item` for a warp that walks together: where there is none, an empty one of row 0.
__device__ inline EdgeSpan span_or_none(const Adjacency& edges, std::int64_t item, bool& exists) {
  EdgeSpan span;
  exists = find_span(edges, item, span);
  return exists ? span : EdgeSpan{0, 0, 0, -1};
}

/// Walks over the spans of a warp's groups, all together, in batches of as many edges as a group has lanes. Each lane
/// holds fetch(slot) of one edge of its group's batch, and then body(mine, k, held) takes the edges k, ...,
/// k + kInFlight - 1 of it: it broadcasts what the lanes hold, and issues all the loads that it needs before it uses
/// any of them. Only those before `held` are there, perhaps none. The others are some edge of the span over again, or
/// in an empty span node 0, so that their loads need no branch; they must not count.
template <int kInFlight, class Fetch, class Body>
__device__ void for_each_batch(const WarpGroup& group, const EdgeSpan& span, const Fetch& fetch, const Body& body) {
  const int edges = static_cast<int>(span.end - span.begin);
  const int longest = warp_max(edges);
  for (int first = 0; first < longest; first += group.size) {
    decltype(fetch(span.begin)) mine{};
    if (edges > 0) mine = fetch(span.begin + (first + group.lane < edges ? first + group.lane : edges - 1));
    const int count = longest - first < group.size ? longest - first : group.size;
    const int held = edges - first < group.size ? edges - first : group.size;
#pragma unroll 1
    for (int k = 0; k < count; k += kInFlight) body(mine, k, held);
  }
}

/// The numbers of an edge as the lane that fetched it holds them. Unsigned, for they are multiplied to addresses.
struct EdgeNumbers {
  std::uint32_t neighbor = 0;
  std::uint32_t id = 0;

  /// Those of the edge that lane `from` of the group has fetched.
  __device__ EdgeNumbers of_edge(const WarpGroup& group, int from) const {
    return {group.broadcast(neighbor, from), group.broadcast(id, from)};
  }
};

__device__ inline EdgeNumbers fetch_numbers(const Adjacency& edges, std::int64_t slot) {
  return {static_cast<std::uint32_t>(__ldcs(edges.neighbor + slot)),
          static_cast<std::uint32_t>(edge_id_of(edges, slot))};
}

// --- Which lanes work on which part of a row -------------------------------------------------------------------------

/// A row of `columns` elements cut into tiles of at most a warp's lanes, one pack of `width` elements per lane; narrow
/// rows take part of a warp, wide rows several.
struct ColumnTiles {
  int group;  // lanes per tile, a power of two
  int tiles;  // per row

  static ColumnTiles of(std::int64_t columns, int width) {
    const std::int64_t packs = columns / width;
    const int group = lanes_for(packs);
    return ColumnTiles{group, static_cast<int>((packs + group - 1) / group)};
  }
};

/// Splits a group's number into work item and tile; the tiles of one item are neighbours, so they share its indices in
/// the caches.
__device__ inline std::int64_t split_tile(std::int64_t number, int tiles, int& tile) {
  if (tiles == 1) {
    tile = 0;
    return number;
  }
  tile = static_cast<int>(number % tiles);
  return number / tiles;
}

/// Lanes for walking the `per_edge` elements of every edge of a row, one element per lane: what an average row fills.
inline int edge_lanes(const Adjacency& edges, std::int64_t per_edge) {
  return edges.rows == 0 ? 1 : lanes_for((edges.edges + edges.rows - 1) / edges.rows * per_edge);
}

inline LaunchShape span_shape(const Adjacency& edges, int group, int tiles) {
  return LaunchShape{dim3(blocks_for(span_count(edges) * tiles, kSpanThreads / group)), dim3(kSpanThreads)};
}

/// The same for the chunks of long rows alone.
inline LaunchShape chunk_shape(const Adjacency& edges, int group, int tiles) {
  return LaunchShape{dim3(blocks_for(edges.long_rows.chunks * tiles, kSpanThreads / group)), dim3(kSpanThreads)};
}

// --- Sums of long rows -----------------------------------------------------------------------------------------------

inline constexpr int kMergeThreads = kTuning.merge_threads;
inline constexpr int kMergeParts = kMergeThreads / kWarpSize;

/// The chunks of long row `owner` that part `part` of the kMergeParts parts of a merging block adds up.
struct ChunkRange {
  std::int64_t begin;
  std::int64_t end;
};
__device__ inline ChunkRange chunks_of_part(const LongRows& long_rows, std::int64_t owner, int part) {
  const std::int64_t first = long_rows.first_chunk[owner];
  const std::int64_t last = long_rows.first_chunk[owner + 1];
  const std::int64_t per_part = (last - first + kMergeParts - 1) / kMergeParts;
  const std::int64_t begin = first + part * per_part < last ? first + part * per_part : last;
  return ChunkRange{begin, begin + per_part < last ? begin + per_part : last};
}

/// Takes the chunks in order, several at a time, whose load(chunk) are all in flight before the first add(loaded).
template <class Load, class Add>
__device__ void for_each_chunk(const ChunkRange& chunks, const Load& load, const Add& add) {
  constexpr int kInFlight = 4;
#pragma unroll 1
  for (std::int64_t chunk = chunks.begin; chunk < chunks.end; chunk += kInFlight) {
    decltype(load(chunk)) loaded[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) loaded[u] = load(chunk + u < chunks.end ? chunk + u : chunks.end - 1);
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      if (chunk + u < chunks.end) add(loaded[u]);
    }
  }
}

/// Blocks (long rows) x (tiles of kWarpSize columns), threads (column) x (part).
inline LaunchShape merge_shape(const LongRows& long_rows, std::int64_t columns) {
  return LaunchShape{dim3(static_cast<unsigned>(long_rows.rows), blocks_for(columns, kWarpSize)),
                     dim3(kWarpSize, kMergeParts)};
}

/// Adds partial [chunks, columns] over the chunks of each long row, in fp64 and in order, and calls
/// finish(row, column, total).
template <class T, class Finish>
__global__ void __launch_bounds__(kMergeThreads)
    merge_chunk_sums(LongRows long_rows, std::int64_t columns, const T* partial, Finish finish) {
  __shared__ double shared[kMergeParts][kWarpSize];
  const std::int64_t owner = blockIdx.x;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kWarpSize + threadIdx.x;
  double sum = 0;
  if (column < columns) {
    const ChunkRange chunks = chunks_of_part(long_rows, owner, static_cast<int>(threadIdx.y));
    for_each_chunk(
        chunks, [&](std::int64_t chunk) { return partial[chunk * columns + column]; },
        [&](T part) { sum += static_cast<double>(part); });
  }
  shared[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  double total = 0;
  for (int part = 0; part < kMergeParts; ++part) total += shared[part][threadIdx.x];
  finish(static_cast<std::int64_t>(long_rows.row[owner]), column, static_cast<T>(total));
}

/// Finish of merge_chunk_sums that stores the total.
template <class S>
struct StoreTotal {
  Rows<S> target;
  __device__ void operator()(std::int64_t row, std::int64_t column, Accumulator<S> total) const {
    target[row][column] = to_storage<S>(total);
  }
};

}  // namespace warpgnn::kernels
