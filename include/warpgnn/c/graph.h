// SPDX-License-Identifier: MIT
#pragma once

/// Graphs: building them, and making one of another. What each call checks and refuses stands in warpgnn/graph.hpp.

#include "warpgnn/c/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/// An immutable graph, or batch of graphs, prepared for message passing: warpgnn::Graph, a cheap handle. Tensors with
/// one row per edge are always in the caller's order, whatever order the graph keeps inside.
typedef struct warpgnn_graph warpgnn_graph;

/// Edges as the caller has them. Edge e goes from source[e] to destination[e]; duplicates and self-loops are kept.
typedef struct warpgnn_edge_list {
  /// [E] int32 or int64, in [0, num_sources)
  warpgnn_view source;
  /// [E] same dtype, in [0, num_destinations)
  warpgnn_view destination;
  int64_t num_sources;
  int64_t num_destinations;
  /// [G + 1] int64 on the host: nodes of graph g are [offset[g], offset[g + 1]). Optional.
  warpgnn_view graph_offsets;
} warpgnn_edge_list;

/// Edges grouped by destination: row i holds the sources of node i's in-edges.
typedef struct warpgnn_compressed_rows {
  /// [N_dst + 1] int64, from 0, never decreasing, ending at E
  warpgnn_view offsets;
  /// [E] int32, in [0, num_sources)
  warpgnn_view sources;
  int64_t num_sources;
  /// As in warpgnn_edge_list.
  warpgnn_view graph_offsets;
} warpgnn_compressed_rows;

/// One direction of a graph as contiguous tensors on the graph's device.
typedef struct warpgnn_adjacency_parts {
  /// [rows + 1] int64: row r owns slots [offsets[r], offsets[r + 1]), the last one E
  warpgnn_view offsets;
  /// [E] int32: the node at the other end of the edge in a slot
  warpgnn_view neighbors;
  /// [E] int32: a permutation, the edge in a slot; in in_edges left out: the slot itself
  warpgnn_view edge_ids;
  /// [L] int32: the rows of more than 512 edges, increasing. This and the next two are given, or none of them.
  warpgnn_view long_rows;
  /// [L + 1] int32: the first of a long row's chunks of 512 edges; [0] where L is 0
  warpgnn_view first_chunks;
  /// [C] int32: the long row that a chunk belongs to
  warpgnn_view chunk_owners;
  /// [rows] int32: a permutation, the order in which a GPU takes the rows; left out: as they are numbered
  warpgnn_view row_order;
} warpgnn_adjacency_parts;

/// A graph as tensors, for frameworks that keep it so.
typedef struct warpgnn_graph_parts {
  /// Rows are destinations.
  warpgnn_adjacency_parts in_edges;
  /// Rows are sources.
  warpgnn_adjacency_parts out_edges;
  /// Of a batch, [G + 1] int64 on the graph's device.
  warpgnn_view graph_offsets;
  /// The same on the host.
  warpgnn_view host_graph_offsets;
  /// [G + 1] int64 on the host: in_edges.offsets at each of graph_offsets
  warpgnn_view host_slot_offsets;
  /// [E] int32: the inverse of in_edges.edge_ids
  warpgnn_view slot_of_edge;
} warpgnn_graph_parts;

/// Sorts and checks the edges; it allocates and waits. Views may lie on the host or on the context's device.
warpgnn_status warpgnn_graph_from_coo(const warpgnn_context* context, const warpgnn_edge_list* edges,
                                      warpgnn_graph** graph);
/// The same of rows that are sorted already.
warpgnn_status warpgnn_graph_from_csr(const warpgnn_context* context, const warpgnn_compressed_rows* rows,
                                      warpgnn_graph** graph);
/// A graph on the caller's memory: nothing is copied or sorted, and what lies on the device is trusted.
///
/// The memory must not change until the last graph on it, reversed ones included, is gone. Then `release(owner)` is
/// called, once, from whichever thread; where the call fails it never is. Null: nobody is told.
warpgnn_status warpgnn_graph_from_parts(const warpgnn_context* context, const warpgnn_graph_parts* parts,
                                        void (*release)(void* owner), void* owner, warpgnn_graph** graph);
/// One batch of all the graphs' parts, in order. Edge ids of a later graph follow those of the one before it.
warpgnn_status warpgnn_graph_batch(const warpgnn_context* context, const warpgnn_graph* const* graphs, size_t count,
                                   warpgnn_graph** graph);
/// The memory goes with the last handle that shares it.
void warpgnn_graph_destroy(warpgnn_graph* graph);

/// Where the graph's arrays lie.
warpgnn_status warpgnn_graph_device(const warpgnn_graph* graph, warpgnn_device* device);
/// The nodes that edges come from.
warpgnn_status warpgnn_graph_num_sources(const warpgnn_graph* graph, int64_t* count);
/// The nodes that edges go to.
warpgnn_status warpgnn_graph_num_destinations(const warpgnn_graph* graph, int64_t* count);
/// The edges.
warpgnn_status warpgnn_graph_num_edges(const warpgnn_graph* graph, int64_t* count);
/// The graphs of a batch; 0 for one with two node sets.
warpgnn_status warpgnn_graph_num_graphs(const warpgnn_graph* graph, int64_t* count);
/// The nodes of a graph whose sources and destinations are the same set; refused for any other.
warpgnn_status warpgnn_graph_num_nodes(const warpgnn_graph* graph, int64_t* count);
/// Views of all that the graph consists of. They are good as long as the graph, or one that shares its data, is there.
warpgnn_status warpgnn_graph_get_parts(const warpgnn_graph* graph, warpgnn_graph_parts* parts);

/// The values of warpgnn_self_loops.
enum warpgnn_self_loops_values {
  /// Every node, whatever it has; the loop of node i gets edge id E + i.
  WARPGNN_SELF_LOOPS_ALL_NODES = 0,
  /// Nodes that have none; the k-th of them gets edge id E + k.
  WARPGNN_SELF_LOOPS_WHERE_MISSING = 1
};
/// Which nodes warpgnn_graph_with_self_loops gives a loop.
typedef int32_t warpgnn_self_loops;

/// The graph with every edge turned round: edge ids and batches stay, and the data is shared.
warpgnn_status warpgnn_graph_reversed(const warpgnn_context* context, const warpgnn_graph* graph,
                                      warpgnn_graph** reversed);
/// The same graph with loops added. Edge ids of old edges stay.
warpgnn_status warpgnn_graph_with_self_loops(const warpgnn_context* context, const warpgnn_graph* graph,
                                             warpgnn_self_loops which, warpgnn_graph** looped);
/// The same graph without its loops, and where its edges come from, as tensors of int32: edge e of it is edge edges[e]
/// of the whole, and edge e of the whole is edge position[e] of it, or a loop (-1). Either of the two may be null, and
/// is not kept then.
warpgnn_status warpgnn_graph_without_self_loops(const warpgnn_context* context, const warpgnn_graph* graph,
                                                warpgnn_graph** loopless, warpgnn_tensor** edges,
                                                warpgnn_tensor** position);
/// The batch of the chosen parts, in the order given, and where its nodes and edges come from, as tensors of int32:
/// node n of the selection is node selected_nodes[n] of the whole, and so are edges. Either of the two may be null, and
/// is not kept then.
warpgnn_status warpgnn_graph_select(const warpgnn_context* context, const warpgnn_graph* graph, const int64_t* graphs,
                                    size_t count, warpgnn_graph** selected, warpgnn_tensor** selected_nodes,
                                    warpgnn_tensor** selected_edges);
/// The batch of the chosen nodes, [K] int32 or int64 and strictly increasing, and of the edges between them; the rest
/// as in warpgnn_graph_select.
warpgnn_status warpgnn_induced_subgraph(const warpgnn_context* context, const warpgnn_graph* graph,
                                        const warpgnn_view* nodes, warpgnn_graph** selected,
                                        warpgnn_tensor** selected_nodes, warpgnn_tensor** selected_edges);

/// A graph with typed edges whose nodes stand once for each relation, as expand_relations in warpgnn/ops/relation.hpp
/// makes it: with R relations, edge e = (j -> i) goes from j * R + r_e to i * R + r_e in `typed`, and to i in `merged`;
/// `typed_destination` [E] int32 is i * R + r_e. What is not wanted may be null.
warpgnn_status warpgnn_expand_relations(const warpgnn_context* context, const warpgnn_graph* graph,
                                        const warpgnn_view* relation, int64_t relations, warpgnn_graph** typed,
                                        warpgnn_graph** merged, warpgnn_tensor** typed_destination);
/// How many nodes of a batch warpgnn_segment_top_k keeps: the sum over its graphs of min(count, n_g), or where count is
/// 0 of ceil(ratio n_g).
warpgnn_status warpgnn_top_k_count(const warpgnn_graph* graph, double ratio, int64_t count, int64_t* kept);

#ifdef __cplusplus
}
#endif
