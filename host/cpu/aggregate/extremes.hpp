#pragma once

// Maxima and minima over the messages of a row's edges. A tile of columns keeps its best elements, and the edges they
// came from, in registers while the edges pass by.

#include <cstring>

#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

inline bool is_extreme(Reduce reduce) {
  return reduce == Reduce::max || reduce == Reduce::min;
}

/// Integers of the size of T, one per lane of a tile: edge numbers.
template <class T>
using LaneInteger = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

template <class Tile>
struct EdgeLanes;
template <class T, int Bytes, int N>
struct EdgeLanes<Pack<T, Bytes, N>> {
  typedef LaneInteger<T> Vector __attribute__((vector_size(Bytes)));
  typedef std::int32_t Stored __attribute__((vector_size(Bytes / sizeof(T) * sizeof(std::int32_t))));
  static WARPGNN_INLINE Vector filled(std::int32_t edge) { return Vector{} + LaneInteger<T>{edge}; }
  static WARPGNN_INLINE Vector load(const std::int32_t* from) {
    Stored stored;
    std::memcpy(&stored, from, sizeof stored);
    return __builtin_convertvector(stored, Vector);
  }
  static WARPGNN_INLINE void store(const Vector& edges, std::int32_t* to) {
    const Stored stored = __builtin_convertvector(edges, Stored);
    std::memcpy(to, &stored, sizeof stored);
  }
};
template <class T>
struct EdgeLanes<Scalar<T>> {
  using Vector = LaneInteger<T>;
  static WARPGNN_INLINE Vector filled(std::int32_t edge) { return edge; }
  static WARPGNN_INLINE Vector load(const std::int32_t* from) { return *from; }
  static WARPGNN_INLINE void store(Vector edges, std::int32_t* to) { *to = static_cast<std::int32_t>(edges); }
};

/// The best of the messages seen so far, and whose they were. Sign +1 keeps the largest, -1 the smallest; the first of
/// equals stays, and the first NaN beats any number.
template <class Tile, int Sign>
struct Extreme {
  using Edges = EdgeLanes<Tile>;
  Tile best;
  typename Edges::Vector edge[Tile::kVectors];

  WARPGNN_INLINE Extreme(const Tile& message, std::int32_t number) : best(message) {
    for (int k = 0; k < Tile::kVectors; ++k) edge[k] = Edges::filled(number);
  }
  WARPGNN_INLINE void absorb(const Tile& message, std::int32_t number) {
    const auto own = Edges::filled(number);
    for (int k = 0; k < Tile::kVectors; ++k) {
      const auto candidate = message.v[k], before = best.v[k];
      const auto stays = Sign > 0 ? candidate <= before : candidate >= before;  // false where either is NaN
      const auto open = before == before;
      best.v[k] = open ? (stays ? before : candidate) : before;
      edge[k] = open ? (stays ? edge[k] : own) : edge[k];
    }
  }
};

/// Vectors in a tile of extremes: two registers each, and one for the message.
inline constexpr int kExtremeVectors = kVectorBytes == 64 ? 8 : 4;

/// y and arg (null: not wanted) of one row. message(tile, slot, column) returns what the edge in `slot` sends to a tile
/// of columns; column 0 comes first.
template <class T, int Sign, class Message>
WARPGNN_INLINE void extreme_of_row(const Adjacency& in, std::int64_t row, std::int64_t width, T* y, std::int32_t* arg,
                                   Message&& message) {
  const std::int64_t begin = in.offset[row], end = in.offset[row + 1];
  if (begin == end) {
    std::fill(y, y + width, T(0));
    if (arg != nullptr) std::fill(arg, arg + width, -1);
    return;
  }
  for_each_tile<T, kExtremeVectors>(width, [&](auto tile, std::int64_t column) {
    using Tile = decltype(tile);
    Extreme<Tile, Sign> extreme(message(tile, begin, column), static_cast<std::int32_t>(edge_of(in, begin)));
    for (std::int64_t s = begin + 1; s < end; ++s) {
      extreme.absorb(message(tile, s, column), static_cast<std::int32_t>(edge_of(in, s)));
    }
    extreme.best.store(y + column);
    if (arg == nullptr) return;
    for (int k = 0; k < Tile::kVectors; ++k) {
      EdgeLanes<Tile>::store(extreme.edge[k], arg + column + k * Tile::kLanes);
    }
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
