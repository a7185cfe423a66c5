// SPDX-License-Identifier: MIT
#pragma once

// What both passes of attention's backward do with a few edges of a row at a time: recompute their weights,
// and from them the gradients of their scores.

#include "host/cpu/attention/attention_row.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// Edges whose activations are kept at a time: enough for whole vectors of weights, few enough for the first cache.
inline constexpr std::int64_t kBlockEdges = 32;

/// One thread's memory for a block: [kBlockEdges][heads], and `row` [heads][score channels], for activated scores one
/// of each edge.
template <class T>
struct BlockScratch {
  T *exponent, *weight, *dscore, *keep, *spare;
  T* row;

  BlockScratch(Carver& carver, const AttentionBackward& op) {
    const std::int64_t heads = op.query.shape[1], width = op.query.row_size();
    exponent = carver.take<T>(kBlockEdges * heads);
    weight = carver.take<T>(kBlockEdges * heads);
    dscore = carver.take<T>(kBlockEdges * heads);
    keep = carver.take<T>(kBlockEdges * heads);
    spare = carver.take<T>(heads);
    row = carver.take<T>(op.score == AttentionScore::dot ? width : kBlockEdges * width);
  }
};

/// The end at which a pass gathers its edges.
enum class Side { destination, source };

template <class S, class Score>
class AttentionEdges {
 public:
  using T = Accumulator<S>;

  AttentionEdges(const AttentionBackward& op, const Score& score, const DestinationTerms<T>& terms)
      : scores(op, score),
        heads(op.value.shape[1]),
        channels(op.value.shape[2]),
        value(read_rows<S>(op.value)),
        edge_value(read_rows<S>(op.edge_value)),
        dy(read_rows<S>(op.dy)),
        value_is_key_(op.value.data == op.key.data),
        terms_(terms),
        dropout_(op.dropout) {}

  /// The weights after dropout in `weight`, the gradients of the scores in `dscore`, and what is kept of
  /// activated scores in `row`, of the edges in slots [begin, end) of `node`; at most kBlockEdges.
  template <Side kSide>
  WARPGNN_INLINE void block(const Adjacency& edges, std::int64_t node, std::int64_t begin, std::int64_t end,
                            const BlockScratch<T>& scratch) const {
    const std::int64_t last_slot = edges.edges - 1;
    std::int64_t k = 0;
    for (std::int64_t s = begin; s < end; ++s, k += heads) {
      const std::int64_t other = edges.neighbor[s], e = edge_of(edges, s);
      const std::int64_t j = kSide == Side::destination ? other : node, i = kSide == Side::destination ? node : other;
      prefetch<kSide>(edges.neighbor[std::min(s + kPrefetchSlots, last_slot)]);
      scores.write(j, i, e, scratch.row + (Score::kHasVector ? (s - begin) * scores.width() : 0), scratch.exponent + k);
      write_dots(j, i, e, scratch.spare, scratch.dscore + k);
      write_terms(i, e, k, scratch);
    }
    finish(k, scratch);
  }

  const AttentionScores<S, Score> scores;
  const std::int64_t heads, channels;  // of values
  const Rows<const S> value, edge_value, dy;

 private:
  template <Side kSide>
  WARPGNN_INLINE void prefetch(std::int64_t node) const {
    if constexpr (kSide == Side::destination) {
      prefetch_row(scores.key[node], scores.width());
      if (!value_is_key_) prefetch_row(value[node], heads * channels);
    } else {
      prefetch_row(scores.query[node], scores.width());
      prefetch_row(dy[node], heads * channels);
      prefetch_row(terms_.base(node), 3 * heads);
    }
  }

  WARPGNN_INLINE void write_dots(std::int64_t j, std::int64_t i, std::int64_t e, T* spare, T* dots) const {
    dot_heads(dy[i], value[j], heads, channels, dots);
    if (!edge_value) return;
    dot_heads(dy[i], edge_value[e], heads, channels, spare);
    for (std::int64_t h = 0; h < heads; ++h) dots[h] += spare[h];
  }

  /// The exponent, 1 / sum in `weight`, and dalpha - delta in `dscore`.
  WARPGNN_INLINE void write_terms(std::int64_t i, std::int64_t e, std::int64_t k,
                                  const BlockScratch<T>& scratch) const {
    const T *const base = terms_.base(i), *const inverse = terms_.inverse(i), *const delta = terms_.delta(i);
    T *const exponent = scratch.exponent + k, *const weight = scratch.weight + k, *const dscore = scratch.dscore + k,
             *const keep = scratch.keep + k;
    if (dropout_.active) {
      dropout_.write(e, heads, keep);
    } else {
      std::fill(keep, keep + heads, T(1));
    }
    with_heads(heads, [&](auto count) {
#pragma omp simd
      for (std::int64_t h = 0; h < count; ++h) {
        exponent[h] -= base[h];
        weight[h] = inverse[h];
        dscore[h] = keep[h] * dscore[h] - delta[h];
      }
    });
  }

  WARPGNN_INLINE void finish(std::int64_t count, const BlockScratch<T>& scratch) const {
    const std::int64_t padded = whole_vectors<T>(count);
    for (T* const buffer : {scratch.exponent, scratch.weight, scratch.dscore, scratch.keep}) {
      std::fill(buffer + count, buffer + padded, T(0));
    }
#pragma omp simd
    for (std::int64_t k = 0; k < padded; ++k) {
      const T alpha = vector_exp(scratch.exponent[k]) * scratch.weight[k];
      scratch.weight[k] = alpha * scratch.keep[k];
      scratch.dscore[k] *= alpha;
    }
  }

  bool value_is_key_;
  DestinationTerms<T> terms_;
  DropoutMask<T> dropout_;
};

/// value(kept) and derivative(kept) of a block's activations, as rows for HeadwiseSum.
template <class T, class Score>
struct ActivationRows {
  const Score& score;
  const T* kept;  // [edges of the block][width]
  std::int64_t begin, width;
  bool derivative;

  template <class Tile>
  WARPGNN_INLINE auto load(std::int64_t slot, std::int64_t column) const {
    const auto each = Tile::load_vector(kept + (slot - begin) * width + column);
    return derivative ? score.derivative(each) : score.value(each);
  }
  WARPGNN_INLINE void prefetch(std::int64_t, std::int64_t) const {}
};

}  // namespace warpgnn::backend::WARPGNN_ISA
