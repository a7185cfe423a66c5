// SPDX-License-Identifier: MIT
#pragma once

// How many bytes each op has to move: with a perfect cache (compulsory: every array once) and with none at all for the
// rows that edges gather. Indices count 4 bytes, elements `s`. Both are bounds on traffic, not measurements; a time is
// good when it is near compulsory / copy bandwidth.

#include "warpgnn/ops/message_aggregate.hpp"
#include "warpgnn/ops/pool.hpp"

namespace warpgnn::bench {

struct Bytes {
  double gather = 0;
  double compulsory = 0;

  friend Bytes operator+(const Bytes& a, const Bytes& b) { return {a.gather + b.gather, a.compulsory + b.compulsory}; }
};

/// An array that is streamed once counts the same in both models.
inline Bytes streamed(double bytes) {
  return {bytes, bytes};
}

/// What the formulas below count in.
struct Sizes {
  double nodes = 0, edges = 0;
  double s = 4;       ///< bytes per element of what is not a row: scores, weights, statistics
  double index = 4;   ///< bytes per node or edge number
  double width = 0;   ///< features of a row
  double heads = 0;   ///< `width` is then heads * channels
  double graphs = 0;  ///< of a batch
  double stored = 4;  ///< bytes per element of a row of features

  double row() const { return width * stored; }
};

/// One row of neighbours per edge, one row per node written.
inline Bytes gathered_rows(const Sizes& z, double bytes_per_edge) {
  const double both = z.index * z.nodes + bytes_per_edge * z.edges + z.nodes * z.row();
  return {both + z.edges * z.row(), both + z.nodes * z.row()};
}

/// What the terms of a sum are multiplied by: nothing, weights of edges, or scales of the nodes at both ends.
enum class Factors { none, edges, nodes };

/// A row is scaled once, a neighbour once for each edge.
inline Bytes scale_bytes(const Sizes& z, Factors factors) {
  return factors == Factors::nodes ? Bytes{(z.edges + z.nodes) * z.s, 2 * z.nodes * z.s} : Bytes{};
}

inline Bytes aggregate_forward_bytes(const Sizes& z, Reduce reduce, Factors factors) {
  const bool extreme = reduce == Reduce::max || reduce == Reduce::min, weighted = factors == Factors::edges;
  const Bytes sum = gathered_rows(z, z.index + (weighted ? z.s : 0)) + scale_bytes(z, factors);
  return extreme ? sum + streamed(z.index * z.nodes * z.width) : sum;
}

/// The gradient of x alone. A weight is found through the edge's number; max and min gather their winners as well.
inline Bytes aggregate_backward_bytes(const Sizes& z, Reduce reduce, Factors factors) {
  const bool extreme = reduce == Reduce::max || reduce == Reduce::min, weighted = factors == Factors::edges;
  const Bytes sum =
      gathered_rows(z, z.index + (weighted ? z.index + z.s : 0) + (extreme ? z.index : 0)) + scale_bytes(z, factors);
  if (!extreme) return sum;
  return sum + Bytes{z.edges * z.width * z.index, z.nodes * z.width * z.index};
}

/// Edges bring a row each; only where their message has a part of the source are rows gathered.
inline Bytes message_aggregate_forward_bytes(const Sizes& z, EdgeMessage message, Reduce reduce) {
  const bool extreme = reduce == Reduce::max || reduce == Reduce::min;
  const Bytes rows = message == EdgeMessage::edge ? streamed((z.index + z.row()) * z.nodes) : gathered_rows(z, z.index);
  const Bytes sum = rows + streamed(z.edges * z.row());
  return extreme ? sum + streamed(z.index * z.nodes * z.width) : sum;
}

/// The gradients of x and of the edges' rows from one walk: dy is gathered, dedge written, dx written where there is an
/// x; what the derivative needs is read again. Max and min gather their winners as well.
inline Bytes message_aggregate_backward_bytes(const Sizes& z, EdgeMessage message, Reduce reduce) {
  const bool extreme = reduce == Reduce::max || reduce == Reduce::min;
  const bool reads = message == EdgeMessage::multiply || message == EdgeMessage::relu_add;
  Bytes bytes = gathered_rows(z, 2 * z.index + z.row() * (reads ? 2 : 1));
  if (reads) bytes = bytes + streamed(z.nodes * z.row());
  if (message == EdgeMessage::edge) bytes = bytes + streamed(-z.nodes * z.row());
  if (!extreme) return bytes;
  return bytes + Bytes{z.edges * z.width * z.index, z.nodes * z.width * z.index};
}

/// One dot product per edge: the gradient of a weight.
inline Bytes edge_dot_bytes(const Sizes& z) {
  return gathered_rows(z, z.index + z.s);
}

/// Relations and their counts: a relation, an edge number and a weight for each edge.
inline Bytes relation_weights_bytes(const Sizes& z) {
  return streamed(z.index * z.nodes + (2 * z.index + z.s) * z.edges);
}

/// Each edge has a neighbour, an edge number, a relation and a weight. Forward gathers one row of x and writes a row
/// for each basis, dx gathers a row for each basis. The coefficients' gradient reads both anew.
inline Bytes relation_forward_bytes(const Sizes& z, double bases) {
  return gathered_rows(z, 3 * z.index + z.s) + streamed((bases - 1) * z.nodes * z.row());
}
inline Bytes relation_backward_bytes(const Sizes& z, double bases) {
  const double edges = z.edges * (3 * z.index + z.s);
  const Bytes dx{edges + (z.edges * bases + z.nodes) * z.row(), edges + z.nodes * (bases + 1) * z.row()};
  return dx + relation_forward_bytes(z, bases);
}

inline Bytes gcn_norm_forward_bytes(const Sizes& z) {
  const double both = z.index * (z.nodes + z.edges) + z.s * (z.nodes + z.edges);
  return {both + z.s * z.edges, both};
}

/// The roots alone: how long rows are is all they need.
inline Bytes gcn_roots_bytes(const Sizes& z) {
  return streamed((z.index + z.s) * z.nodes);
}

/// In-edges and out-edges are each read once for dr, the in-edges once more for the result.
inline Bytes gcn_norm_backward_bytes(const Sizes& z) {
  const double compulsory = 2 * z.index * z.nodes + (3 * z.index + 2 * z.s) * z.edges + z.s * z.nodes;
  return {compulsory + z.edges * (z.index + 5 * z.s), compulsory};
}

inline Bytes edge_softmax_forward_bytes(const Sizes& z) {
  return streamed(z.index * z.nodes + 2 * z.edges * z.heads * z.s);
}
inline Bytes edge_softmax_backward_bytes(const Sizes& z) {
  return streamed(z.index * z.nodes + 3 * z.edges * z.heads * z.s);
}

/// Scores of both ends, values, y, maximum and sum; what training saves besides is another y and a weight.
inline Bytes gat_attention_forward_bytes(const Sizes& z, bool training) {
  const double score = z.heads * z.s;
  const double both = z.index * (z.nodes + z.edges) + (training ? z.nodes * (z.row() + score) : 0);
  return {both + z.edges * (score + z.row()) + z.nodes * (3 * score + z.row()),
          both + z.nodes * (4 * score + 2 * z.row())};
}

/// Each edge gathers dy, maximum, sum, delta and the score of its destination. Nodes: y, positive_y, dy and value are
/// read, dvalue is written, with seven scores each.
inline Bytes gat_attention_backward_bytes(const Sizes& z) {
  const double score = z.heads * z.s;
  const double compulsory = z.index * (z.nodes + z.edges) + z.nodes * (5 * z.row() + 7 * score);
  return {compulsory + z.edges * (z.row() + 4 * score), compulsory};
}

/// Queries, keys and values (`shared`: the values are the keys), y, maximum and sum.
inline Bytes attention_forward_bytes(const Sizes& z, bool shared) {
  const double score = z.heads * z.s, gathered = shared ? 1 : 2;
  const double both = z.index * (z.nodes + z.edges) + z.nodes * (2 * z.row() + 2 * score);
  return {both + z.edges * gathered * z.row(), both + z.nodes * gathered * z.row()};
}

/// By destination each edge gathers key and value, by source query, dy and the terms of its destination. Nodes: query,
/// dy and y are read by destination and dquery is written; key and value are read by source and their gradients
/// written.
inline Bytes attention_backward_bytes(const Sizes& z, bool shared) {
  const double score = z.heads * z.s, keys = shared ? 1 : 2;
  const double both = 2 * z.index * (z.nodes + z.edges) + z.nodes * ((4 + 2 * keys) * z.row() + 5 * score);
  return {both + z.edges * ((keys + 2) * z.row() + z.index + 3 * score),
          both + z.edges * z.index + z.nodes * ((keys + 2) * z.row() + 3 * score)};
}

/// Of two vectors, as in GAT.
inline Bytes head_dot_forward_bytes(const Sizes& z) {
  return streamed(z.nodes * (z.row() + 2 * z.heads * z.s) + 2 * z.row());
}
/// Of the vectors alone: attention's backward has passed the scores' gradients on to x.
inline Bytes head_dot_backward_bytes(const Sizes& z) {
  return streamed(z.nodes * (z.row() + 2 * z.heads * z.s) + 2 * z.row());
}

/// `z.heads` 0 is a pool without heads: one score per node.
inline Bytes pool_forward_bytes(const Sizes& z, PoolReduce reduce, PoolGate gate) {
  const double scores = (z.heads > 0 ? z.heads : 1) * z.s;
  double bytes = z.nodes * z.row() + z.graphs * (z.row() + z.index);
  if (gate != PoolGate::none) bytes += z.nodes * scores;
  if (gate == PoolGate::softmax) bytes += z.graphs * 2 * scores;
  if (reduce == PoolReduce::max) bytes += z.graphs * z.width * z.index;
  return streamed(bytes);
}
/// dx is written; with a gate x is read and the scores and their gradients pass by.
inline Bytes pool_backward_bytes(const Sizes& z, PoolReduce reduce, PoolGate gate) {
  Bytes bytes = pool_forward_bytes(z, reduce, gate);
  const double scores = (z.heads > 0 ? z.heads : 1) * z.s;
  if (gate != PoolGate::none) bytes = bytes + streamed(z.nodes * (z.row() + scores));
  if (gate == PoolGate::softmax) bytes = bytes + streamed(z.graphs * z.row());
  return bytes;
}

inline Bytes segment_dot_forward_bytes(const Sizes& z) {
  return streamed(z.nodes * (z.row() + z.s) + z.graphs * (z.row() + z.index));
}
/// dx is read and written, x read; queries are read and their gradients written.
inline Bytes segment_dot_backward_bytes(const Sizes& z) {
  return streamed(z.nodes * (3 * z.row() + z.s) + z.graphs * (2 * z.row() + z.index));
}

/// Mean and inverse deviation are saved, gamma and beta read.
inline Bytes layer_norm_forward_bytes(const Sizes& z) {
  return streamed(z.nodes * (2 * z.row() + 2 * z.s) + 2 * z.row());
}
inline Bytes layer_norm_backward_bytes(const Sizes& z) {
  return streamed(z.nodes * (3 * z.row() + 2 * z.s) + 3 * z.row());
}

inline Bytes normalize_rows_forward_bytes(const Sizes& z) {
  return streamed(z.nodes * (2 * z.row() + z.s));
}
inline Bytes normalize_rows_backward_bytes(const Sizes& z) {
  return streamed(z.nodes * (3 * z.row() + z.s));
}

/// Gates, the state before and after, and h.
inline Bytes lstm_cell_forward_bytes(const Sizes& z) {
  return streamed(7 * z.nodes * z.row());
}
inline Bytes lstm_cell_backward_bytes(const Sizes& z) {
  return streamed(13 * z.nodes * z.row());
}

/// Both gates' inputs, the state before, and h.
inline Bytes gru_cell_forward_bytes(const Sizes& z) {
  return streamed(8 * z.nodes * z.row());
}
inline Bytes gru_cell_backward_bytes(const Sizes& z) {
  return streamed(15 * z.nodes * z.row());
}

/// `kept` nodes of all.
inline Bytes segment_top_k_bytes(const Sizes& z, double kept) {
  return streamed(z.nodes * (z.s + z.index) + kept * z.index + z.graphs * z.index);
}
inline Bytes scaled_gather_forward_bytes(const Sizes& z, double kept) {
  return streamed(kept * (2 * z.row() + z.s + z.index));
}
/// x and dy of the kept nodes are read, both gradients written for all.
inline Bytes scaled_gather_backward_bytes(const Sizes& z, double kept) {
  return streamed(kept * (2 * z.row() + z.s) + z.nodes * (z.row() + z.s + z.index));
}

/// `in` and `z.width` are the two widths of the weight.
inline Bytes linear_forward_bytes(const Sizes& z, double in) {
  return streamed(z.stored * (z.nodes * (in + z.width) + in * z.width));
}
/// dx and dweight: x, dy and the weight are read.
inline Bytes linear_backward_bytes(const Sizes& z, double in) {
  return streamed(z.stored * (z.nodes * (2 * in + z.width) + in * z.width) + z.s * in * z.width);
}

/// An edge list is read; offsets (8 bytes), neighbours and one edge number are written, by destination and by source.
inline Bytes graph_build_bytes(const Sizes& z) {
  return streamed(2 * z.index * z.edges + 3 * z.index * z.edges + 16 * z.nodes);
}
/// Both directions are copied, with maps of nodes and edges.
inline Bytes graph_select_bytes(const Sizes& z) {
  return streamed(7 * z.index * z.edges + (32 + z.index) * z.nodes);
}

/// In both directions the edges of the kept nodes are read, with where their other ends went, and those that stay are
/// written; `left` is the subgraph.
inline Bytes induced_subgraph_bytes(const Sizes& whole, const Sizes& left) {
  const double read = 2 * whole.edges * left.nodes / whole.nodes;
  const double both =
      whole.index * (whole.nodes + 2 * left.nodes + read) + left.edges * 6 * left.index + 32 * left.nodes;
  return {both + read * whole.index, both};
}

}  // namespace warpgnn::bench
