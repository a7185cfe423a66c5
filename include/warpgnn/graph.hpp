// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "warpgnn/context.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Rows with more edges than this are "long": their work is cut into chunks of this many edges, whose partial results
/// are merged in order. It bounds the rounding error of a hub row and lets a GPU share one row between blocks.
inline constexpr std::int64_t kChunkEdges = 512;

/// The long rows of an adjacency and the chunks they are cut into.
/// Chunk c belongs to long row r = chunk_owner[c] and covers edges [b, min(b + kChunkEdges, offset[row[r] + 1])) with
/// b = offset[row[r]] + (c - first_chunk[r]) * kChunkEdges.
struct LongRows {
  std::int64_t rows = 0;
  std::int64_t chunks = 0;
  const std::int32_t* row = nullptr;          ///< [rows], increasing
  const std::int32_t* first_chunk = nullptr;  ///< [rows + 1]
  const std::int32_t* chunk_owner = nullptr;  ///< [chunks]
};

/// One direction of a graph in compressed form: row r owns the edges in slots [offset[r], offset[r + 1]).
/// Pointers lie on the graph's device.
struct Adjacency {
  std::int64_t rows = 0;
  std::int64_t edges = 0;
  const std::int64_t* offset = nullptr;    ///< [rows + 1]
  const std::int32_t* neighbor = nullptr;  ///< [edges] the node at the other end
  const std::int32_t* edge_id = nullptr;   ///< [edges] the edge in the caller's order; null: the slot itself
  LongRows long_rows;
  /// [rows] a permutation: the order in which a GPU takes the rows, so that those side by side in a warp are about as
  /// long. It changes no result. Null: as they are numbered.
  const std::int32_t* row_order = nullptr;
};

/// Edges as the caller has them. Edge e goes from source[e] to destination[e]; duplicates and self-loops are kept.
struct EdgeList {
  ConstTensorView source;       ///< [E] int32 or int64, in [0, num_sources)
  ConstTensorView destination;  ///< [E] same dtype, in [0, num_destinations)
  std::int64_t num_sources = 0;
  std::int64_t num_destinations = 0;
  ConstTensorView graph_offsets{};  ///< [G + 1] int64 on the host: nodes of graph g are [offset[g], offset[g + 1])
};

/// Edges grouped by destination: row i holds the sources of node i's in-edges.
struct CompressedRows {
  ConstTensorView offsets;  ///< [N_dst + 1] int64, from 0, never decreasing, ending at E
  ConstTensorView sources;  ///< [E] int32, in [0, num_sources)
  std::int64_t num_sources = 0;
  ConstTensorView graph_offsets{};  ///< as in EdgeList
};

/// One direction of a graph as tensors on the graph's device: the arrays of Adjacency and LongRows, each contiguous.
struct AdjacencyParts {
  ConstTensorView offsets;      ///< [rows + 1] int64: row r owns slots [offsets[r], offsets[r + 1]), the last one E
  ConstTensorView neighbors;    ///< [E] int32: the node at the other end of the edge in a slot
  ConstTensorView edge_ids{};   ///< [E] int32: a permutation, the edge in a slot; in in_edges left out: the slot itself
  ConstTensorView long_rows{};  ///< [L] int32: LongRows::row. All three are given, or none of them
  ConstTensorView first_chunks{};  ///< [L + 1] int32: LongRows::first_chunk; [0] where L is 0
  ConstTensorView chunk_owners{};  ///< [C] int32: LongRows::chunk_owner
  ConstTensorView row_order{};     ///< [rows] int32: Adjacency::row_order; left out: as the rows are numbered
};

/// A graph as tensors, for frameworks that keep it so: what Graph::parts gives and Graph::from_parts takes.
struct GraphParts {
  AdjacencyParts in_edges;   ///< rows are destinations
  AdjacencyParts out_edges;  ///< rows are sources
  // Of a batch; a graph without these has two node sets, or is one graph.
  ConstTensorView graph_offsets{};       ///< [G + 1] int64 on the graph's device
  ConstTensorView host_graph_offsets{};  ///< the same on the host
  ConstTensorView host_slot_offsets{};   ///< [G + 1] int64 on the host: in_edges.offsets at each of graph_offsets
  ConstTensorView slot_of_edge{};        ///< [E] int32: the inverse of in_edges.edge_ids
  std::shared_ptr<const void> owner{};   ///< kept as long as the graph, for memory that nobody else keeps
};

/// Which nodes with_self_loops gives a loop.
enum class SelfLoops {
  all_nodes,      ///< every node, whatever it has; the loop of node i gets edge id E + i
  where_missing,  ///< nodes that have none; the k-th of them gets edge id E + k
};

struct GraphSelection;
struct LooplessGraph;

/// An immutable graph, or batch of graphs, prepared for message passing.
///
/// Building it validates the edges, sorts them by destination and by source (stable, so a row keeps the caller's
/// order), finds the long rows and, on a GPU, an order to take uneven rows in; it allocates and synchronises. No later
/// op does. A Graph is a cheap handle: copies share the data, and any number of threads may use one at the same time.
///
/// Edge ids. Tensors with one row per edge (weights, features, attention) are always in the caller's order, whatever
/// order the graph keeps inside.
///
/// Batches. A batch is one graph of disconnected parts with offsets that say where each part's nodes begin. Edges must
/// not cross parts. Without offsets a graph with equal node sets counts as a batch of one, a bipartite one as a batch
/// of none.
///
/// Limits. 2^31 - 1 nodes on each side and 2^31 - 1 edges; offsets and all address arithmetic are 64-bit.
///
/// Errors. `out_of_range` for a node id or offset outside its domain, `overflow` beyond the limits,
/// `invalid_argument` for shapes, dtypes, decreasing offsets, or an edge between two graphs of a batch.
class Graph {
 public:
  Graph() = default;

  /// Views may lie on the host or on the context's device.
  static Graph from_coo(const Context& context, const EdgeList& edges);
  static Graph from_csr(const Context& context, const CompressedRows& rows);
  /// A graph on the caller's memory: nothing is copied or sorted.
  ///
  /// Given in full it neither allocates on the device nor waits, and may be called during a capture. What is left out
  /// is made, which allocates and waits: the long rows of a direction of more than kChunkEdges edges; graph_offsets
  /// from host_graph_offsets or the other way round; without both, those of the one graph that a square graph is.
  /// select() looks for host_slot_offsets and slot_of_edge itself where they are left out, induced_subgraph() for
  /// slot_of_edge: at each call, and waits.
  ///
  /// Contract. Sizes, dtypes, devices and what lies on the host are checked. What lies on the device is trusted to be
  /// as the parts' comments say: ids in range, the same edges in both directions, no edge between graphs of a batch,
  /// and exactly the rows of more than kChunkEdges edges long. On anything else ops read and write anywhere.
  ///
  /// Memory. It belongs to the caller, and must not change until the last copy of the graph, and of its reversal, is
  /// gone; `owner` can see to that. Its content must be there for each stream that the graph is used on.
  ///
  /// Errors. `invalid_argument` for a size, dtype or device, `out_of_range` for offsets that end elsewhere.
  static Graph from_parts(const Context& context, const GraphParts& parts);
  /// One batch of all the graphs' parts, in order. Edge ids of a later graph follow those of the one before it.
  static Graph batch(const Context& context, std::span<const Graph> graphs);

  bool defined() const { return state_ != nullptr; }
  Device device() const;
  std::int64_t num_sources() const;
  std::int64_t num_destinations() const;
  std::int64_t num_edges() const;
  std::int64_t num_graphs() const;
  /// Node count of a graph whose sources and destinations are the same set; throws on any other.
  std::int64_t num_nodes() const;

  const Adjacency& in_edges() const;   ///< rows are destinations
  const Adjacency& out_edges() const;  ///< rows are sources; edge_id is never null when there are edges
  /// [num_graphs + 1] on the graph's device, and the same on the host.
  const std::int64_t* graph_offsets() const;
  std::span<const std::int64_t> host_graph_offsets() const;
  /// Views of all that the graph consists of, long rows included, and an owner that keeps them. A graph that is made of
  /// them again by from_parts, or of copies of them, is this one.
  GraphParts parts() const;

  /// The graph with every edge turned round: in_edges and out_edges change places, edge ids and batches stay. Reversing
  /// that gives this graph back.
  ///
  /// The data is shared. Where in_edges has no edge ids, those of the result's out_edges are made, and in a batch of
  /// several graphs what its select() needs: one int32 per edge each, and a wait. Otherwise it neither allocates on the
  /// device nor waits.
  Graph reversed(const Context& context) const;
  /// The same graph with loops added. Edge ids of old edges stay.
  Graph with_self_loops(const Context& context, SelfLoops which = SelfLoops::all_nodes) const;
  /// The same graph without its loops, and where its edges come from. With loops added to that, each node has one and
  /// no other: without_self_loops(context).graph.with_self_loops(context).
  LooplessGraph without_self_loops(const Context& context) const;
  /// The batch of the chosen parts, in the order given (repeats allowed), and where its nodes and edges come from. Rows
  /// keep the order they have here; edges are numbered anew, in the order of in_edges.
  GraphSelection select(const Context& context, std::span<const std::int64_t> graphs) const;

  struct State;
  const State& state() const { return *state_; }
  explicit Graph(std::shared_ptr<const State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const State> state_;
};

/// What Graph::select returns: gather rows with `nodes` to get the selection's features, with `edges` its edge data.
struct GraphSelection {
  Graph graph;
  Tensor nodes;  ///< [N] int32: node n of the selection is node nodes[n] of the whole
  Tensor edges;  ///< [E] int32: edge e of the selection is edge edges[e] of the whole
};

/// What Graph::without_self_loops returns. Edges that are no loops keep their order and are numbered anew, from 0.
/// Gather edge data with `edges` to get those of the graph without loops, and such data with `position`, whose rows of
/// loops become zeros, to get back.
struct LooplessGraph {
  Graph graph;
  Tensor edges;     ///< [E'] int32: edge e of the graph without loops is edge edges[e] of the whole
  Tensor position;  ///< [E] int32: where an edge of the whole stands in `edges`; -1 for a loop
};

/// The batch of the chosen nodes and of the edges between them, and where its nodes and edges come from. Graphs stay
/// graphs, empty ones included; rows keep the order they have; edges are numbered anew, in the order of in_edges.
/// Like every making of a graph it allocates and synchronises.
///
/// @param nodes [K] int32 or int64, strictly increasing, on the host or the context's device.
/// Errors. `out_of_range` for a node that is not there; `invalid_argument` for nodes that do not increase, for a wrong
/// dtype or device, and for a graph with two node sets.
GraphSelection induced_subgraph(const Context& context, const Graph& graph, const ConstTensorView& nodes);

}  // namespace warpgnn
