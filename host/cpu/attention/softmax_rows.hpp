// SPDX-License-Identifier: MIT
#pragma once

// What all attention does with the edges of one row, for all heads at once: exponentials, their softmax and its merge,
// and weighted sums of values. Buffers hold [edges of the span][heads].

#include "host/cpu/base/heads.hpp"
#include "host/cpu/base/math.hpp"
#include "host/cpu/base/random.hpp"
#include "host/cpu/base/walker.hpp"
#include "host/math/softmax.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// `count` rounded up to whole vectors; chunk buffers have room for it, kChunkEdges being a multiple of kLanes.
template <class T>
WARPGNN_INLINE std::int64_t whole_vectors(std::int64_t count) {
  return (count + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

/// Writes factor[e][h] = 1/(1-p) for kept (edge, head) pairs and 0 for dropped ones.
template <class T>
struct DropoutMask {
  std::uint64_t seed;
  std::uint32_t threshold;
  T scale;
  bool active;

  explicit DropoutMask(const AttentionDropout& dropout)
      : seed(dropout.counter.defined() ? dropout_seed(dropout.seed, *dropout.counter.as<std::int64_t>())
                                       : dropout.seed),
        threshold(dropout_threshold(dropout.probability)),
        scale(static_cast<T>(1 / (1 - dropout.probability))),
        active(dropout.probability > 0) {}

  /// Flattened: a copy of philox of its own would be for everybody, in the instructions of this level.
  __attribute__((flatten)) void write(std::int64_t edge, std::int64_t heads, T* factor) const {
    for (std::int64_t h = 0; h < heads; h += 4) {
      const PhiloxWords words = philox(seed, static_cast<std::uint64_t>(edge), static_cast<std::uint64_t>(h / 4));
      for (std::int64_t k = 0; k < std::min<std::int64_t>(4, heads - h); ++k) {
        factor[h + k] = words.word[k] >= threshold ? scale : T(0);
      }
    }
  }

  /// The same for `count` edges, edge_at(0) and so on, whose factors follow each other.
  template <class EdgeAt>
  WARPGNN_INLINE void write_all(std::int64_t count, const EdgeAt& edge_at, std::int64_t heads, T* factor) const {
    for (std::int64_t first = 0; first < count; first += kPhiloxLanes) {
      const std::int64_t lanes = std::min(kPhiloxLanes, count - first);
      T* const to = factor + first * heads;
      for (std::int64_t h = 0; h < heads; h += 4) {
        PhiloxLanes drawn;
        for (std::int64_t l = 0; l < lanes; ++l) {
          drawn.set(l, static_cast<std::uint64_t>(edge_at(first + l)), static_cast<std::uint64_t>(h / 4));
        }
        drawn.draw(seed, lanes);
        store(drawn.word0, lanes, heads, to + h);
        if (h + 1 < heads) store(drawn.word1, lanes, heads, to + h + 1);
        if (h + 2 < heads) store(drawn.word2, lanes, heads, to + h + 2);
        if (h + 3 < heads) store(drawn.word3, lanes, heads, to + h + 3);
      }
    }
  }

 private:
  /// Of one head: factors lie `heads` apart.
  WARPGNN_INLINE void store(const std::uint32_t* words, std::int64_t lanes, std::int64_t heads, T* factor) const {
    const T factors[2] = {T(0), scale};
    for (std::int64_t l = 0; l < lanes; ++l) factor[l * heads] = factors[words[l] >= threshold ? 1 : 0];
  }
};

/// The rows that HeadwiseSum adds: that of the neighbour behind each slot, fetched ahead of its use.
template <class S>
struct NeighborRows {
  const std::int32_t* neighbor;
  std::int64_t last_slot;
  Rows<const S> x;

  NeighborRows(const Adjacency& adjacency, Rows<const S> rows)
      : neighbor(adjacency.neighbor), last_slot(adjacency.edges - 1), x(rows) {}

  template <class Tile>
  WARPGNN_INLINE auto load(std::int64_t slot, std::int64_t column) const {
    return Tile::load_vector(x[neighbor[slot]] + column);
  }
  WARPGNN_INLINE void prefetch(std::int64_t slot, std::int64_t width) const {
    prefetch_row(x[neighbor[std::min(slot + kPrefetchSlots, last_slot)]], width);
  }
};

/// Sums of rows weighed per head: y[h][c] = sum over slots of weight[s - begin][h] * row(s)[h][c], for one or two sets
/// of weights over the same rows; with kAdd, what y holds is the first addend.
template <class T, int Sets, bool kAdd = false>
struct HeadwiseSum {
  const T* weight[Sets];
  T* y[Sets];

  /// Whole vectors of `Bytes` lie within one head.
  template <int Bytes>
  WARPGNN_INLINE void by_vectors(std::int64_t begin, std::int64_t end, const auto& rows, std::int64_t heads,
                                 std::int64_t channels) const {
    for_each_vector_tile<T, Bytes, 8 / Sets>(0, heads * channels, [&](auto tile, std::int64_t column) {
      using Tile = decltype(tile);
      Tile sum[Sets];
      for (int set = 0; set < Sets; ++set) sum[set] = first_addend<Tile>(set, column);
      std::int64_t head[Tile::kVectors];
      for (int k = 0; k < Tile::kVectors; ++k) head[k] = (column + k * Tile::kLanes) / channels;
      for (std::int64_t s = begin; s < end; ++s) {
        if (column == 0) rows.prefetch(s, heads * channels);
        for (int k = 0; k < Tile::kVectors; ++k) {
          const auto value = rows.template load<Tile>(s, column + k * Tile::kLanes);
          for (int set = 0; set < Sets; ++set) sum[set].v[k] += weight[set][(s - begin) * heads + head[k]] * value;
        }
      }
      for (int set = 0; set < Sets; ++set) sum[set].store(y[set] + column);
    });
  }

  WARPGNN_INLINE void by_heads(std::int64_t begin, std::int64_t end, const auto& rows, std::int64_t heads,
                               std::int64_t channels) const {
    for (std::int64_t h = 0; h < heads; ++h) {
      for (int set = 0; set < Sets; ++set) {
        for_each_tile<T, 4>(channels, [&](auto tile, std::int64_t c) {
          using Tile = decltype(tile);
          const std::int64_t column = h * channels + c;
          Tile sum = first_addend<Tile>(set, column);
          for (std::int64_t s = begin; s < end; ++s) {
            const T factor = weight[set][(s - begin) * heads + h];
            for (int k = 0; k < Tile::kVectors; ++k) {
              sum.v[k] += factor * rows.template load<Tile>(s, column + k * Tile::kLanes);
            }
          }
          sum.store(y[set] + column);
        });
      }
    }
  }

  WARPGNN_INLINE void run(std::int64_t begin, std::int64_t end, const auto& rows, std::int64_t heads,
                          std::int64_t channels) const {
    const std::int64_t head_bytes = channels * static_cast<std::int64_t>(sizeof(T));
    if constexpr (kVectorBytes >= 64) {
      if (head_bytes % 64 == 0) return by_vectors<64>(begin, end, rows, heads, channels);
    }
    if constexpr (kVectorBytes >= 32) {
      if (head_bytes % 32 == 0) return by_vectors<32>(begin, end, rows, heads, channels);
    }
    if (head_bytes % 16 == 0) return by_vectors<16>(begin, end, rows, heads, channels);
    by_heads(begin, end, rows, heads, channels);
  }

 private:
  template <class Tile>
  WARPGNN_INLINE Tile first_addend(int set, std::int64_t column) const {
    return kAdd ? Tile::load(y[set] + column) : Tile::zero();
  }
};

// --- The softmax of one chunk of a row, scores [edges][heads] -------------------------------------------------------

/// What a destination passes on to all its edges, for each head, side by side: what is subtracted from their scores,
/// 1 / sum, and delta = <dy, y>.
template <class T>
struct DestinationTerms {
  T* data;
  std::int64_t heads;

  static std::int64_t count(std::int64_t rows, std::int64_t heads) { return rows * 3 * heads; }
  WARPGNN_INLINE T* base(std::int64_t i) const { return data + i * 3 * heads; }
  WARPGNN_INLINE T* inverse(std::int64_t i) const { return base(i) + heads; }
  WARPGNN_INLINE T* delta(std::int64_t i) const { return base(i) + 2 * heads; }

  /// The first two, from what the forward saved of row i.
  WARPGNN_INLINE void write_softmax(std::int64_t i, const T* maximum, const T* sum) const {
    for (std::int64_t h = 0; h < heads; ++h) {
      base(i)[h] = math::softmax_base(maximum[h]);
      inverse(i)[h] = math::inverse_sum(sum[h]);
    }
  }
};

template <class T>
WARPGNN_INLINE void find_max(const T* score, std::int64_t count, std::int64_t all_heads, T* max) {
  std::fill(max, max + all_heads, -math::kInfinity<T>);
  with_heads(all_heads, [&](auto heads) {
    for (std::int64_t k = 0; k < count; k += heads) {
#pragma omp simd
      for (std::int64_t h = 0; h < heads; ++h) max[h] = score[k + h] > max[h] ? score[k + h] : max[h];
    }
  });
}

/// A head with nothing but -inf keeps its scores.
template <class T>
WARPGNN_INLINE void subtract_max(const T* max, std::int64_t count, std::int64_t all_heads, T* score) {
  with_heads(all_heads, [&](auto heads) {
    for (std::int64_t k = 0; k < count; k += heads) {
#pragma omp simd
      for (std::int64_t h = 0; h < heads; ++h) score[k + h] -= math::softmax_base(max[h]);
    }
  });
}

template <class T>
WARPGNN_INLINE void add_up(const T* weight, std::int64_t count, std::int64_t all_heads, T* sum) {
  std::fill(sum, sum + all_heads, T(0));
  with_heads(all_heads, [&](auto heads) {
    for (std::int64_t k = 0; k < count; k += heads) {
#pragma omp simd
      for (std::int64_t h = 0; h < heads; ++h) sum[h] += weight[k + h];
    }
  });
}

/// The softmaxes of a row's heads, with a sum of values [heads][channels] that is relative to the same maximum, and for
/// GAT the part of both that comes from positive scores (null elsewhere).
template <class T>
struct RowSoftmax {
  T *maximum, *sum, *y;
  T *positive_sum, *positive_y;
};

/// Brings the chunks of a long row to one maximum, in order, and adds them in double.
template <class T>
class SoftmaxMerge {
 public:
  SoftmaxMerge() = default;
  SoftmaxMerge(Carver& carver, std::int64_t heads, std::int64_t channels, bool positive)
      : heads_(heads),
        channels_(channels),
        maximum_(carver.take<T>(heads)),
        sum_{carver.take<double>(heads), carver.take<double>(positive ? heads : 0)},
        y_{carver.take<double>(heads * channels), carver.take<double>(positive ? heads * channels : 0)} {}

  void begin(bool positive) const {
    std::fill(maximum_, maximum_ + heads_, -math::kInfinity<T>);
    for (int part = 0; part < (positive ? 2 : 1); ++part) {
      std::fill(sum_[part], sum_[part] + heads_, 0.0);
      std::fill(y_[part], y_[part] + heads_ * channels_, 0.0);
    }
  }
  void add(const RowSoftmax<T>& chunk) const {
    for (std::int64_t h = 0; h < heads_; ++h) {
      const Factors factors = raise_maximum(maximum_[h], chunk.maximum[h]);
      const std::int64_t c = h * channels_;
      add_values(factors, chunk.sum + h, 1, sum_[0] + h);
      add_values(factors, chunk.y + c, channels_, y_[0] + c);
      if (chunk.positive_y == nullptr) continue;
      add_values(factors, chunk.positive_sum + h, 1, sum_[1] + h);
      add_values(factors, chunk.positive_y + c, channels_, y_[1] + c);
    }
  }
  /// Divided in double: the sums of a hub may be large and have more digits than T.
  void finish(const RowSoftmax<T>& row) const {
    for (std::int64_t h = 0; h < heads_; ++h) {
      const double scale = math::inverse_sum(sum_[0][h]);
      row.maximum[h] = maximum_[h];
      row.sum[h] = static_cast<T>(sum_[0][h]);
      for (std::int64_t c = h * channels_; c < (h + 1) * channels_; ++c) row.y[c] = static_cast<T>(y_[0][c] * scale);
      if (row.positive_y == nullptr) continue;
      row.positive_sum[h] = static_cast<T>(sum_[1][h] * scale);
      for (std::int64_t c = h * channels_; c < (h + 1) * channels_; ++c) {
        row.positive_y[c] = static_cast<T>(y_[1][c] * scale);
      }
    }
  }

 private:
  /// What is there and what is added, brought to one maximum.
  struct Factors {
    double row, chunk;
  };
  static Factors raise_maximum(T& maximum, T chunk) {
    const T before = maximum;
    maximum = std::max(before, chunk);
    // A side with nothing but -inf has zero sums; exp(-inf - -inf) must not make them NaN.
    return {before == -math::kInfinity<T> ? 0.0 : std::exp(static_cast<double>(before) - maximum),
            chunk == -math::kInfinity<T> ? 1.0 : std::exp(static_cast<double>(chunk) - maximum)};
  }
  static WARPGNN_INLINE void add_values(const Factors& factors, const T* chunk, std::int64_t count, double* row) {
    for (std::int64_t c = 0; c < count; ++c) {
      row[c] = row[c] * factors.row + static_cast<double>(chunk[c]) * factors.chunk;
    }
  }

  std::int64_t heads_ = 0, channels_ = 0;
  T* maximum_ = nullptr;
  double *sum_[2] = {}, *y_[2] = {};  // all, and the positive part
};

/// Divides a whole row by its sums.
template <class T>
WARPGNN_INLINE void normalise(const RowSoftmax<T>& row, std::int64_t heads, std::int64_t channels) {
  for (std::int64_t h = 0; h < heads; ++h) {
    const T scale = math::inverse_sum(row.sum[h]);
    for (std::int64_t c = h * channels; c < (h + 1) * channels; ++c) row.y[c] *= scale;
    if (row.positive_y == nullptr) continue;
    for (std::int64_t c = h * channels; c < (h + 1) * channels; ++c) row.positive_y[c] *= scale;
    row.positive_sum[h] *= scale;
  }
}

}  // namespace warpgnn::backend::WARPGNN_ISA
