// SPDX-License-Identifier: MIT
#pragma once

// The parts of attention between pairs of feature vectors that forward, backward and weights share: the scores of an
// edge for all heads, and what gradients need of them.

#include "host/cpu/attention/softmax_rows.hpp"
#include "host/math/scores.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// The scores of edges, all heads of one edge at a time.
template <class S, class Score>
struct AttentionScores {
  using T = Accumulator<S>;
  std::int64_t heads, channels;
  Score score;
  Rows<const S> query, key, edge_key;
  Rows<const T> edge_bias;
  const T* vector;

  AttentionScores(const auto& op, const Score& s)
      : heads(op.query.shape[1]),
        channels(op.query.shape[2]),
        score(s),
        query(read_rows<S>(op.query)),
        key(read_rows<S>(op.key)),
        edge_key(read_rows<S>(op.edge_key)),
        edge_bias(read_rows<T>(op.edge_bias)),
        vector(op.vector.template as<T>()) {}

  std::int64_t width() const { return heads * channels; }

  /// l[h] of edge e = (j -> i). `row` has room for width() elements, and is left with what backward needs of an
  /// activated score.
  WARPGNN_INLINE void write(std::int64_t j, std::int64_t i, std::int64_t e, T* row, T* l) const {
    if constexpr (Score::kHasVector) {
      keep(query[i], with_edge(key[j], e, row), row);
      dot_heads(static_cast<const T*>(row), vector, heads, channels, l,
                [this](auto kept) { return score.value(kept); });
    } else {
      dot_heads(query[i], with_edge(key[j], e, row), heads, channels, l);
      for (std::int64_t h = 0; h < heads; ++h) l[h] = score.score(l[h]);
    }
    if (!edge_bias) return;
    const T* const bias = edge_bias[e];
    for (std::int64_t h = 0; h < heads; ++h) l[h] += bias[h];
  }

 private:
  WARPGNN_INLINE void keep(const S* q, const T* k, T* row) const {
    const std::int64_t count = width();
    if constexpr (is_half_type<S>) {
      add_pair(q, k, row);
#pragma omp simd
      for (std::int64_t c = 0; c < count; ++c) row[c] = score.kept(row[c]);
    } else {
#pragma omp simd
      for (std::int64_t c = 0; c < count; ++c) row[c] = score.keep(q[c], k[c]);
    }
  }

  /// key + edge_key in `row`; a key without an edge's part where it lies, if it need not be converted.
  WARPGNN_INLINE const T* with_edge(const S* k, std::int64_t e, T* row) const {
    if (edge_key) {
      add_pair(k, edge_key[e], row);
      return row;
    }
    if constexpr (is_half_type<S>) {
      convert_row(k, width(), row);
      return row;
    } else {
      return k;
    }
  }

  template <class A, class B>
  WARPGNN_INLINE void add_pair(const A* a, const B* b, T* sum) const {
    for_each_tile<T, kStreamVectors>(width(), [&](auto tile, std::int64_t c) {
      auto total = tile.load(a + c);
      total.add(b + c);
      total.store(sum + c);
    });
  }
};

/// The rows of edges behind slots, for HeadwiseSum.
template <class S>
struct EdgeRows {
  const Adjacency& adjacency;
  Rows<const S> x;

  template <class Tile>
  WARPGNN_INLINE auto load(std::int64_t slot, std::int64_t column) const {
    return Tile::load_vector(x[edge_of(adjacency, slot)] + column);
  }
  WARPGNN_INLINE void prefetch(std::int64_t, std::int64_t) const {}
};

/// y (+)= the sum over slots of weight[slot - begin][h] * row(slot)[h]. Not inlined: it is used often.
template <bool kAdd, class T, class RowsOf>
void add_rows(std::int64_t begin, std::int64_t end, const RowsOf& rows, std::int64_t heads, std::int64_t channels,
              const T* weight, T* y) {
  HeadwiseSum<T, 1, kAdd>{{weight}, {y}}.run(begin, end, rows, heads, channels);
}

}  // namespace warpgnn::backend::WARPGNN_ISA
