// SPDX-License-Identifier: MIT
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

/// A row, or null where there are none.
template <class T>
WARPGNN_INLINE T* row_or_null(const Rows<T>& rows, std::int64_t row) {
  return rows ? rows[row] : nullptr;
}

/// The rows that a thread computes in T: the rows of y themselves, or for 16-bit storage a row of the thread's own,
/// which finish() rounds once into y.
template <class S>
class ComputedRows {
 public:
  using T = Accumulator<S>;

  ComputedRows() = default;
  ComputedRows(Carver& carver, const CpuExec& exec, const TensorView& y)
      : y_(y.defined() ? Rows<S>{y.as<S>(), y.row_stride()} : Rows<S>{}),
        width_(y.defined() ? y.row_size() : 0),
        rows_(carver.take<T>(is_half_type<S> ? exec.threads * width_ : 0)) {}

  explicit operator bool() const { return y_.data != nullptr; }
  WARPGNN_INLINE std::int64_t width() const { return width_; }
  WARPGNN_INLINE T* row(std::int64_t row, [[maybe_unused]] int thread) const {
    if constexpr (is_half_type<S>) {
      return rows_ + thread * width_;
    } else {
      return y_[row];
    }
  }
  WARPGNN_INLINE void finish([[maybe_unused]] std::int64_t row, [[maybe_unused]] int thread) const {
    if constexpr (is_half_type<S>) convert_row(rows_ + thread * width_, width_, y_[row]);
  }

 private:
  Rows<S> y_;
  std::int64_t width_ = 0;
  T* rows_ = nullptr;
};

/// Columns of rows stored in 16 bits that are worked on at a time, in copies on the stack.
inline constexpr std::int64_t kStagedColumns = 256;

/// body(first, count, rows) over the columns of some rows, as rows of T: all at once, or piece by piece where they are
/// stored in 16 bits.
template <class S, std::size_t N, class Body>
WARPGNN_INLINE void for_columns(const S* const (&rows)[N], std::int64_t width, Body&& body) {
  if constexpr (is_half_type<S>) {
    Accumulator<S> copy[N][kStagedColumns];
    const Accumulator<S>* copied[N];
    for (std::int64_t first = 0; first < width; first += kStagedColumns) {
      const std::int64_t count = std::min(kStagedColumns, width - first);
      for (std::size_t k = 0; k < N; ++k) {
        convert_row(rows[k] + first, count, copy[k]);
        copied[k] = copy[k];
      }
      body(first, count, copied);
    }
  } else {
    body(std::int64_t{0}, width, rows);
  }
}

/// write(to) for `count` elements of T that belong at `row`; at most kStagedColumns where that is stored in 16 bits.
template <class S, class Write>
WARPGNN_INLINE void write_columns(S* row, [[maybe_unused]] std::int64_t count, Write&& write) {
  if constexpr (is_half_type<S>) {
    Accumulator<S> computed[kStagedColumns];
    write(computed);
    convert_row(computed, count, row);
  } else {
    write(row);
  }
}

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

/// Divides a row's sum by the length of the row.
template <class T>
WARPGNN_INLINE void divide_by_degree(const Adjacency& edges, std::int64_t row, std::int64_t width, T* sum) {
  const T count = static_cast<T>(std::max<std::int64_t>(degree(edges, row), 1));
  for (std::int64_t c = 0; c < width; ++c) sum[c] /= count;
}

/// y[0, width) = the sum over [begin, end) that body(first, last, y) writes for any part of it. Long ranges go chunk by
/// chunk, added up in double, in `scratch` [width], which bounds the rounding error.
template <class T, class Body>
WARPGNN_INLINE void sum_in_chunks(std::int64_t begin, std::int64_t end, std::int64_t width, double* scratch, T* y,
                                  Body&& body) {
  const bool several = end - begin > kChunkEdges;
  if (several) std::fill(scratch, scratch + width, 0.0);
  std::int64_t first = begin;
  do {  // body in one place: it is inlined
    const std::int64_t last = several ? std::min(end, first + kChunkEdges) : end;
    body(first, last, y);
    for (std::int64_t c = 0; several && c < width; ++c) scratch[c] += static_cast<double>(y[c]);
    first = last;
  } while (first < end);
  for (std::int64_t c = 0; several && c < width; ++c) y[c] = static_cast<T>(scratch[c]);
}

/// Rows this many slots ahead are fetched into the cache while the current one is added.
inline constexpr std::int64_t kPrefetchSlots = 6;

template <class S>
WARPGNN_INLINE void prefetch_row(const S* row, std::int64_t width) {
  const auto* const bytes = reinterpret_cast<const char*>(row);
  const std::int64_t length = std::min<std::int64_t>(width * static_cast<std::int64_t>(sizeof(S)), 1024);
  for (std::int64_t b = 0; b < length; b += 64) __builtin_prefetch(bytes + b);
}

/// y = sum over slots [begin, end) of factor(slot) * x[neighbor].
template <class S, class T, class Factor>
WARPGNN_INLINE void weighted_row_sum(const Adjacency& adjacency, std::int64_t begin, std::int64_t end, Rows<const S> x,
                                     std::int64_t width, Factor&& factor, T* y) {
  const std::int32_t* const neighbor = adjacency.neighbor;
  const std::int64_t last_slot = adjacency.edges - 1;
  for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
    auto sum = tile.zero();
    for (std::int64_t s = begin; s < end; ++s) {
      if (column == 0) prefetch_row(x[neighbor[std::min(s + kPrefetchSlots, last_slot)]], width);
      sum.add_scaled(x[neighbor[s]] + column, factor(s));
    }
    sum.store(y + column);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
