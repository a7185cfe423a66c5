// SPDX-License-Identifier: MIT
#pragma once

// Maxima and minima over the messages of a row's edges. A tile of columns keeps its best elements, and the edges they
// came from, in registers while the edges pass by.

#include <cstring>

#include "host/cpu/base/walker.hpp"

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
    if constexpr (sizeof(Stored) < 16) {  // no processor has vectors so small
      Vector edges{};
      for (std::size_t lane = 0; lane < Bytes / sizeof(T); ++lane) edges[lane] = from[lane];
      return edges;
    } else {
      Stored stored;
      std::memcpy(&stored, from, sizeof stored);
      return __builtin_convertvector(stored, Vector);
    }
  }
  static WARPGNN_INLINE void store(const Vector& edges, std::int32_t* to) {
    if constexpr (sizeof(Stored) < 16) {
      for (std::size_t lane = 0; lane < Bytes / sizeof(T); ++lane) to[lane] = static_cast<std::int32_t>(edges[lane]);
    } else {
      const Stored stored = __builtin_convertvector(edges, Stored);
      std::memcpy(to, &stored, sizeof stored);
    }
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

/// The best messages of a span and whose they were (arg null: not wanted). message(tile, slot, column) returns what the
/// edge in `slot` sends to a tile of columns; column 0 comes first.
template <class T, int Sign, class Message>
WARPGNN_INLINE void extreme_of_span(const Adjacency& in, const Span& span, std::int64_t width, T* best,
                                    std::int32_t* arg, Message&& message) {
  if (span.count() == 0) {
    std::fill(best, best + width, T(0));
    if (arg != nullptr) std::fill(arg, arg + width, -1);
    return;
  }
  for_each_tile<T, kExtremeVectors>(width, [&](auto tile, std::int64_t column) {
    using Tile = decltype(tile);
    Extreme<Tile, Sign> extreme(message(tile, span.begin, column), static_cast<std::int32_t>(edge_of(in, span.begin)));
    for (std::int64_t s = span.begin + 1; s < span.end; ++s) {
      extreme.absorb(message(tile, s, column), static_cast<std::int32_t>(edge_of(in, s)));
    }
    extreme.best.store(best + column);
    if (arg == nullptr) return;
    for (int k = 0; k < Tile::kVectors; ++k) {
      EdgeLanes<Tile>::store(extreme.edge[k], arg + column + k * Tile::kLanes);
    }
  });
}

/// The rows of y and arg (where wanted), and what chunks of long rows have found.
template <class S>
class ExtremeRows : public ComputedRows<S> {
 public:
  using T = Accumulator<S>;

  ExtremeRows() = default;
  ExtremeRows(Carver& carver, const CpuExec& exec, const TensorView& y, const TensorView& arg,
              const LongRows& long_rows)
      : ComputedRows<S>(carver, exec, y),
        arg_(write_rows<std::int32_t>(arg)),
        partial_(carver.take<T>(long_rows.chunks * this->width())),
        partial_arg_(carver.take<std::int32_t>(long_rows.chunks * this->width())) {}

  WARPGNN_INLINE T* at(const Span& span, int thread) const {
    return span.whole() ? this->row(span.row, thread) : partial_ + span.chunk * this->width();
  }
  WARPGNN_INLINE std::int32_t* arg_at(const Span& span) const {
    if (!span.whole()) return partial_arg_ + span.chunk * this->width();
    return arg_ ? arg_[span.row] : nullptr;
  }
  /// The best of a long row's chunks, compared in order, so that the earliest edge still wins ties.
  template <int Sign>
  void choose(std::int64_t row, const Chunks& chunks, int thread) const {
    T* const best = this->row(row, thread);
    for (std::int64_t c = 0; c < this->width(); ++c) {
      std::int64_t winner = chunks.first * this->width() + c;
      for (std::int64_t chunk = chunks.first + 1; chunk < chunks.last; ++chunk) {
        const std::int64_t at = chunk * this->width() + c;
        const T candidate = partial_[at], before = partial_[winner];
        const bool stays = Sign > 0 ? candidate <= before : candidate >= before;  // false where either is NaN
        if (before == before && !stays) winner = at;
      }
      best[c] = partial_[winner];
      if (arg_) arg_[row][c] = partial_arg_[winner];
    }
  }

 private:
  Rows<std::int32_t> arg_;
  T* partial_ = nullptr;
  std::int32_t* partial_arg_ = nullptr;
};

/// Writes rows of extremes: find(span, best, arg) finds those of a span, finish(row, best) does what is left to do.
template <class S, int Sign, class Find, class Finish>
struct ExtremeWorker {
  const ExtremeRows<S>& y;
  const Find& find;
  const Finish& complete;
  int thread;

  WARPGNN_INLINE void span(const Span& span) const { find(span, y.at(span, thread), y.arg_at(span)); }
  WARPGNN_INLINE void merge(std::int64_t row, const Chunks& chunks) const {
    y.template choose<Sign>(row, chunks, thread);
  }
  WARPGNN_INLINE void finish(std::int64_t row) const {
    complete(row, y.row(row, thread));
    y.finish(row, thread);
  }
};
template <int Sign, class S, class Find, class Finish>
void extremes_over_edges(const CpuExec& exec, const Adjacency& edges, std::int64_t work, const ExtremeRows<S>& y,
                         const Find& find, const Finish& finish) {
  walk_rows(exec, edges, work, [&](int thread) {
    return ExtremeWorker<S, Sign, Find, Finish>{y, find, finish, thread};
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
