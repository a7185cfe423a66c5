// SPDX-License-Identifier: MIT
#pragma once

// Kernels that take the edges between chosen nodes out of a graph. Where a warp takes a row, its lanes look at
// neighbouring edges together and the edges that stay close up in order.

#include <cstdint>

#include "kernels/graph/build.cuh"

namespace warpgnn::kernels {

__global__ void find_not_increasing_kernel(std::int64_t pairs, const std::int32_t* ids, unsigned long long* first) {
  const std::int64_t i = build_thread();
  report_first(i < pairs && ids[i + 1] <= ids[i], i, first);
}

/// position[selected[k]] = k.
__global__ void scatter_positions(std::int64_t count, const std::int32_t* selected, std::int32_t* position) {
  const std::int64_t k = build_thread();
  if (k < count) position[selected[k]] = static_cast<std::int32_t>(k);
}

/// Which lanes have an edge, of `first` and those after it, whose other end is selected.
__device__ inline unsigned kept_lanes(const Adjacency& edges, const std::int32_t* position, std::int64_t first,
                                      std::int64_t end) {
  const std::int64_t s = first + build_lane();
  return __ballot_sync(0xffffffffu, s < end && position[edges.neighbor[s]] >= 0);
}

/// counts[k] = the edges of the k-th selected row that stay; element `count` adds nothing and becomes the total. A warp
/// takes a row.
__global__ void count_kept_edges(std::int64_t count, const std::int32_t* selected, Adjacency edges,
                                 const std::int32_t* position, std::int64_t* counts) {
  const std::int64_t k = build_row();
  if (k > count) return;
  std::int64_t kept = 0;
  if (k < count) {
    const std::int64_t row = selected[k], end = edges.offset[row + 1];
    for (std::int64_t first = edges.offset[row]; first < end; first += 32) {
      kept += __popc(kept_lanes(edges, position, first, end));
    }
  }
  if (build_lane() == 0) counts[k] = kept;
}

/// starts[g] = the selected nodes before graph g, starts[graphs + 1 + g] = the edges that stay before it.
__global__ void find_graph_starts(std::int64_t graphs, const std::int64_t* graph_offsets, std::int64_t count,
                                  const std::int32_t* selected, const std::int64_t* in_offset, std::int64_t* starts) {
  const std::int64_t g = build_thread();
  if (g > graphs) return;
  const std::int64_t node = lower_bound(selected, count, static_cast<std::int32_t>(graph_offsets[g]));
  starts[g] = node;
  starts[graphs + 1 + g] = in_offset[node];
}

/// Calls keep(to, from) for every slot that stays. A warp takes a row.
template <class Keep>
__global__ void for_each_kept_edge(std::int64_t count, const std::int32_t* selected, Adjacency edges,
                                   const std::int32_t* position, const std::int64_t* offset, Keep keep) {
  const std::int64_t k = build_row();
  if (k >= count) return;
  const std::int64_t row = selected[k], end = edges.offset[row + 1];
  const unsigned lanes_before = (1u << build_lane()) - 1u;
  std::int64_t to = offset[k];
  for (std::int64_t first = edges.offset[row]; first < end; first += 32) {
    const unsigned lanes = kept_lanes(edges, position, first, end);
    if ((lanes >> build_lane() & 1u) != 0) keep(to + __popc(lanes & lanes_before), first + build_lane());
    to += __popc(lanes);
  }
}

struct KeepInEdge {
  Adjacency in;
  const std::int32_t* position;
  std::int32_t* neighbor;
  std::int32_t* edge_map;
  std::int32_t* new_slot;

  __device__ void operator()(std::int64_t to, std::int64_t from) const {
    neighbor[to] = position[in.neighbor[from]];
    edge_map[to] = in.edge_id == nullptr ? static_cast<std::int32_t>(from) : in.edge_id[from];
    new_slot[from] = static_cast<std::int32_t>(to);
  }
};

struct KeepOutEdge {
  Adjacency out;
  const std::int32_t* position;
  const std::int32_t* slot_of_edge;  // null: edge ids are slots
  const std::int32_t* new_slot;
  std::int32_t* neighbor;
  std::int32_t* edge_id;

  __device__ void operator()(std::int64_t to, std::int64_t from) const {
    const std::int32_t edge = out.edge_id[from];
    neighbor[to] = position[out.neighbor[from]];
    edge_id[to] = new_slot[slot_of_edge == nullptr ? edge : slot_of_edge[edge]];
  }
};

}  // namespace warpgnn::kernels
