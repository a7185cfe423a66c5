#pragma once

// The parts of attention that work on the edges of one row: scores, exponentials and weighted sums of values, for all
// heads at once. Buffers hold [edges of the chunk][heads].

#include "heads.hpp"
#include "math.hpp"
#include "rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// GAT: LeakyReLU(source_j + destination_i + edge_e).
template <class T>
struct GatScore {
  Rows<const T> source, destination, edge;
  T slope;

  /// The score before the LeakyReLU.
  WARPGNN_INLINE T raw(std::int64_t j, std::int64_t i, std::int64_t e, std::int64_t head) const {
    const T sum = source[j][head] + destination[i][head];
    return edge ? sum + edge[e][head] : sum;
  }
  WARPGNN_INLINE T activate(T p) const { return leaky_relu(p, slope); }
};

/// `count` rounded up to whole vectors; chunk buffers have room for it, kChunkEdges being a multiple of kLanes.
template <class T>
WARPGNN_INLINE std::int64_t whole_vectors(std::int64_t count) {
  return (count + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

template <class Op>
auto gat_score(const Op& op, auto real) {
  using T = decltype(real);
  return GatScore<T>{read_rows<T>(op.source_score), read_rows<T>(op.destination_score), read_rows<T>(op.edge_score),
                     static_cast<T>(op.negative_slope)};
}

/// Writes factor[e][h] = 1/(1-p) for kept (edge, head) pairs and 0 for dropped ones.
template <class T>
struct DropoutMask {
  std::uint64_t seed;
  std::uint32_t threshold;
  T scale;
  bool active;

  explicit DropoutMask(const AttentionDropout& dropout)
      : seed(dropout.seed),
        threshold(dropout_threshold(dropout.probability)),
        scale(static_cast<T>(1 / (1 - dropout.probability))),
        active(dropout.probability > 0) {}

  WARPGNN_INLINE void write(std::int64_t edge, std::int64_t heads, T* factor) const {
    for (std::int64_t h = 0; h < heads; h += 4) {
      const PhiloxWords words = philox(seed, static_cast<std::uint64_t>(edge), static_cast<std::uint64_t>(h / 4));
      for (std::int64_t k = 0; k < std::min<std::int64_t>(4, heads - h); ++k) {
        factor[h + k] = words.word[k] >= threshold ? scale : T(0);
      }
    }
  }
};

/// Sums of rows weighed per head: y[h][c] = sum over slots of weight[s - begin][h] * x[neighbor[s]][h][c], for one or
/// two sets of weights over the same rows.
template <class T, int Sets>
struct HeadwiseSum {
  const T* weight[Sets];
  T* y[Sets];

  /// Whole vectors of `Bytes` lie within one head.
  template <int Bytes>
  WARPGNN_INLINE void by_vectors(const std::int32_t* neighbor, std::int64_t begin, std::int64_t end, Rows<const T> x,
                                 std::int64_t heads, std::int64_t channels, std::int64_t last_slot) const {
    for_each_vector_tile<T, Bytes, 8 / Sets>(0, heads * channels, [&](auto tile, std::int64_t column) {
      using Tile = decltype(tile);
      Tile sum[Sets];
      for (auto& s : sum) s = Tile::zero();
      std::int64_t head[Tile::kVectors];
      for (int k = 0; k < Tile::kVectors; ++k) head[k] = (column + k * Tile::kLanes) / channels;
      for (std::int64_t s = begin; s < end; ++s) {
        if (column == 0) prefetch_row(x[neighbor[std::min(s + kPrefetchSlots, last_slot)]], heads * channels);
        const T* const row = x[neighbor[s]] + column;
        for (int k = 0; k < Tile::kVectors; ++k) {
          const auto value = Tile::load_vector(row + k * Tile::kLanes);
          for (int set = 0; set < Sets; ++set) sum[set].v[k] += weight[set][(s - begin) * heads + head[k]] * value;
        }
      }
      for (int set = 0; set < Sets; ++set) sum[set].store(y[set] + column);
    });
  }

  WARPGNN_INLINE void by_heads(const std::int32_t* neighbor, std::int64_t begin, std::int64_t end, Rows<const T> x,
                               std::int64_t heads, std::int64_t channels) const {
    for (std::int64_t h = 0; h < heads; ++h) {
      for (int set = 0; set < Sets; ++set) {
        for_each_tile<T>(channels, [&](auto tile, std::int64_t column) {
          auto sum = tile.zero();
          for (std::int64_t s = begin; s < end; ++s) {
            sum.add_scaled(x[neighbor[s]] + h * channels + column, weight[set][(s - begin) * heads + h]);
          }
          sum.store(y[set] + h * channels + column);
        });
      }
    }
  }

  WARPGNN_INLINE void run(const Adjacency& adjacency, std::int64_t begin, std::int64_t end, Rows<const T> x,
                          std::int64_t heads, std::int64_t channels) const {
    const std::int32_t* const neighbor = adjacency.neighbor;
    const std::int64_t head_bytes = channels * static_cast<std::int64_t>(sizeof(T)), last_slot = adjacency.edges - 1;
    if constexpr (kVectorBytes >= 64) {
      if (head_bytes % 64 == 0) return by_vectors<64>(neighbor, begin, end, x, heads, channels, last_slot);
    }
    if constexpr (kVectorBytes >= 32) {
      if (head_bytes % 32 == 0) return by_vectors<32>(neighbor, begin, end, x, heads, channels, last_slot);
    }
    if (head_bytes % 16 == 0) return by_vectors<16>(neighbor, begin, end, x, heads, channels, last_slot);
    by_heads(neighbor, begin, end, x, heads, channels);
  }
};

}  // namespace warpgnn::backend::WARPGNN_ISA
