#pragma once

// What the graph ops of the CPU backend share: rows of a view, the edge behind a slot, sums over a row's edges.

#include <cstdint>

#include "host/cpu/base/parallel.hpp"
#include "host/cpu/base/vec.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// Rows of a view, any distance apart.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t stride = 0;

  WARPGNN_INLINE T* operator[](std::int64_t row) const { return data + row * stride; }
  explicit operator bool() const { return data != nullptr; }
};

/// For an undefined view: rows that are false.
template <class T>
Rows<const T> read_rows(const ConstTensorView& view) {
  return view.defined() ? Rows<const T>{view.as<T>(), view.row_stride()} : Rows<const T>{};
}
template <class T>
Rows<T> write_rows(const TensorView& view) {
  return view.defined() ? Rows<T>{view.as<T>(), view.row_stride()} : Rows<T>{};
}

/// The rows that a thread computes in T: the rows of y themselves, or for 16-bit storage a row of the thread's own
/// scratch, which finish() rounds once into y.
template <class S>
class ComputedRows {
 public:
  using T = Accumulator<S>;

  /// Elements of scratch.
  static std::int64_t scratch_count(const CpuExec& exec, std::int64_t width) {
    return is_half_type<S> ? exec.threads * width : 0;
  }
  ComputedRows(const TensorView& y, T* scratch)
      : y_(y.defined() ? Rows<S>{y.as<S>(), y.row_stride()} : Rows<S>{}), width_(y.row_size()), scratch_(scratch) {}

  explicit operator bool() const { return y_.data != nullptr; }
  WARPGNN_INLINE T* row(std::int64_t row, [[maybe_unused]] int thread) const {
    if constexpr (is_half_type<S>) {
      return scratch_ + thread * width_;
    } else {
      return y_[row];
    }
  }
  WARPGNN_INLINE void finish([[maybe_unused]] std::int64_t row, [[maybe_unused]] int thread) const {
    if constexpr (is_half_type<S>) convert_row(scratch_ + thread * width_, width_, y_[row]);
  }

 private:
  Rows<S> y_;
  std::int64_t width_;
  T* scratch_;
};

/// to = factor * from.
template <class S, class T = Accumulator<S>>
WARPGNN_INLINE void scale_row(const S* from, std::int64_t width, T factor, S* to) {
  if constexpr (is_half_type<S>) {
    for_each_tile<T, kStreamVectors>(width, [&](auto tile, std::int64_t column) {
      auto scaled = tile.load(from + column);
      for (int k = 0; k < tile.kVectors; ++k) scaled.v[k] *= factor;
      scaled.store(to + column);
    });
  } else {
    for (std::int64_t c = 0; c < width; ++c) to[c] = factor * from[c];
  }
}

/// A row as loops over T read it: itself, or for 16-bit storage its copy in `scratch`.
template <class S>
WARPGNN_INLINE const Accumulator<S>* widened(const S* row, [[maybe_unused]] std::int64_t width,
                                             [[maybe_unused]] Accumulator<S>* scratch) {
  if constexpr (is_half_type<S>) {
    convert_row(row, width, scratch);
    return scratch;
  } else {
    return row;
  }
}

WARPGNN_INLINE std::int64_t edge_of(const Adjacency& adjacency, std::int64_t slot) {
  return adjacency.edge_id == nullptr ? slot : adjacency.edge_id[slot];
}

WARPGNN_INLINE std::int64_t degree(const Adjacency& adjacency, std::int64_t row) {
  return adjacency.offset[row + 1] - adjacency.offset[row];
}

/// Doubles of scratch that rows of `width` need on each thread: only long rows need any.
inline std::int64_t long_row_doubles(const CpuExec& exec, const Adjacency& adjacency, std::int64_t width) {
  return adjacency.long_rows.rows > 0 ? exec.threads * width : 0;
}

/// What sums over the edges of rows need for each thread.
template <class S>
struct RowScratch {
  Accumulator<S>* row = nullptr;  // ComputedRows
  double* long_rows = nullptr;    // sum_in_chunks

  static RowScratch carve(Carver& carver, const CpuExec& exec, const Adjacency& adjacency, std::int64_t width) {
    RowScratch scratch;
    scratch.row = carver.take<Accumulator<S>>(ComputedRows<S>::scratch_count(exec, width));
    scratch.long_rows = carver.take<double>(long_row_doubles(exec, adjacency, width));
    return scratch;
  }
};

/// y[0, width) = the sum over slots [begin, end) that body(first, last, y) writes for any part of them. Long ranges go
/// chunk by chunk, added up in double, which bounds the rounding error of a hub row.
template <class T, class Body>
WARPGNN_INLINE void sum_in_chunks(std::int64_t begin, std::int64_t end, std::int64_t width, double* scratch, T* y,
                                  Body&& body) {
  if (end - begin <= kChunkEdges) {
    body(begin, end, y);
    return;
  }
  std::fill(scratch, scratch + width, 0.0);
  for (std::int64_t first = begin; first < end; first += kChunkEdges) {
    body(first, std::min(end, first + kChunkEdges), y);
    for (std::int64_t c = 0; c < width; ++c) scratch[c] += static_cast<double>(y[c]);
  }
  for (std::int64_t c = 0; c < width; ++c) y[c] = static_cast<T>(scratch[c]);
}

/// Rows this many slots ahead are fetched into the cache while the current one is added.
inline constexpr std::int64_t kPrefetchSlots = 6;

template <class S>
WARPGNN_INLINE void prefetch_row(const S* row, std::int64_t width) {
  const auto* const bytes = reinterpret_cast<const char*>(row);
  const std::int64_t length = std::min<std::int64_t>(width * static_cast<std::int64_t>(sizeof(S)), 1024);
  for (std::int64_t b = 0; b < length; b += 64) __builtin_prefetch(bytes + b);
}

/// y = sum over the slots of `row` of factor(slot) * x[neighbor].
template <class S, class T, class Factor>
WARPGNN_INLINE void weighted_row_sum(const Adjacency& adjacency, std::int64_t row, Rows<const S> x, std::int64_t width,
                                     Factor&& factor, double* scratch, T* y) {
  const std::int32_t* const neighbor = adjacency.neighbor;
  const std::int64_t last_slot = adjacency.edges - 1;
  sum_in_chunks(adjacency.offset[row], adjacency.offset[row + 1], width, scratch, y,
                [&](std::int64_t begin, std::int64_t end, T* out) {
                  for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
                    auto sum = tile.zero();
                    for (std::int64_t s = begin; s < end; ++s) {
                      if (column == 0) prefetch_row(x[neighbor[std::min(s + kPrefetchSlots, last_slot)]], width);
                      sum.add_scaled(x[neighbor[s]] + column, factor(s));
                    }
                    sum.store(out + column);
                  });
                });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
