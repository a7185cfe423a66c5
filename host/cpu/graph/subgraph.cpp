// SPDX-License-Identifier: MIT
// The graph between chosen nodes, on the CPU: linear scans.

#include <algorithm>

#include "host/core/backend.hpp"

namespace warpgnn::backend {

namespace {

/// offset[k] for k in [0, nodes]: the edges of selected rows whose other end is selected as well.
void count_edges(const SubgraphArgs& args, const Adjacency& edges, std::int64_t* offset) {
  offset[0] = 0;
  for (std::int64_t k = 0; k < args.nodes; ++k) {
    const std::int64_t row = args.selected[k];
    offset[k + 1] =
        offset[k] + std::count_if(edges.neighbor + edges.offset[row], edges.neighbor + edges.offset[row + 1],
                                  [&](std::int32_t node) { return args.position[node] >= 0; });
  }
}

/// Calls keep(to, from) for every slot that stays, in order.
template <class Keep>
void for_each_kept(const SubgraphArgs& args, const Adjacency& edges, Keep&& keep) {
  std::int64_t to = 0;
  for (std::int64_t k = 0; k < args.nodes; ++k) {
    const std::int64_t row = args.selected[k];
    for (std::int64_t from = edges.offset[row]; from < edges.offset[row + 1]; ++from) {
      if (args.position[edges.neighbor[from]] >= 0) keep(to++, from);
    }
  }
}

}  // namespace

std::int64_t find_not_increasing(const CpuExec&, std::int64_t count, const std::int32_t* ids) {
  for (std::int64_t k = 0; k + 1 < count; ++k) {
    if (ids[k + 1] <= ids[k]) return k;
  }
  return -1;
}

SubgraphOffsets count_subgraph(const CpuExec&, const SubgraphArgs& args) {
  std::fill(args.position, args.position + args.in->rows, -1);
  for (std::int64_t k = 0; k < args.nodes; ++k) args.position[args.selected[k]] = static_cast<std::int32_t>(k);
  count_edges(args, *args.in, args.in_offset);
  count_edges(args, *args.out, args.out_offset);
  SubgraphOffsets starts;
  for (std::int64_t g = 0; g <= args.graphs; ++g) {
    const std::int32_t* const first =
        std::lower_bound(args.selected, args.selected + args.nodes, args.graph_offsets[g]);
    starts.nodes.push_back(first - args.selected);
    starts.slots.push_back(args.in_offset[first - args.selected]);
  }
  return starts;
}

void fill_subgraph(const CpuExec&, const SubgraphArgs& args) {
  const Adjacency &in = *args.in, &out = *args.out;
  for_each_kept(args, in, [&](std::int64_t to, std::int64_t from) {
    args.in_neighbor[to] = args.position[in.neighbor[from]];
    args.edge_map[to] = in.edge_id == nullptr ? static_cast<std::int32_t>(from) : in.edge_id[from];
    args.new_slot[from] = static_cast<std::int32_t>(to);
  });
  for_each_kept(args, out, [&](std::int64_t to, std::int64_t from) {
    const std::int32_t edge = out.edge_id[from];
    args.out_neighbor[to] = args.position[out.neighbor[from]];
    args.out_edge_id[to] = args.new_slot[args.slot_of_edge == nullptr ? edge : args.slot_of_edge[edge]];
  });
}

}  // namespace warpgnn::backend
