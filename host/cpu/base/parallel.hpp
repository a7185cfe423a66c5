// SPDX-License-Identifier: MIT
#pragma once

// Loops over rows, nodes or elements on OpenMP threads. Every row, or chunk of a long one, is computed by one thread in
// one fixed order, so that results do not depend on the number of threads.

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "host/cpu/base/vec.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// Multiply-adds below which waking threads costs more than it gains: some 50 microseconds of one core.
inline constexpr std::int64_t kSerialWork = 1 << 20;

/// The one compiled copy of a loop's body: on one thread and on many its sums are made by the same instructions.
template <class Body, class... Place>
WARPGNN_ONE_COPY void run_body(const Body& body, Place... place) {
  body(place...);
}

/// body(first, last) over [0, count) in pieces of `grain`; `work` estimates the multiply-adds of one item.
template <class Body>
void parallel_for(const CpuExec& exec, std::int64_t count, std::int64_t work, Body&& body) {
  if (exec.threads == 1 || count * work <= kSerialWork) {
    if (count > 0) run_body(body, std::int64_t{0}, count);
    return;
  }
  const std::int64_t grain = std::max<std::int64_t>(1, kSerialWork / 8 / std::max<std::int64_t>(work, 1));
  const std::int64_t pieces = (count + grain - 1) / grain;
#pragma omp parallel for schedule(dynamic, 1) num_threads(exec.threads)
  for (std::int64_t p = 0; p < pieces; ++p) run_body(body, p * grain, std::min(count, (p + 1) * grain));
}

/// body(task, thread) for tasks that are each one thread's work; `work` estimates the multiply-adds of all of them.
template <class Body>
void parallel_tasks(const CpuExec& exec, std::int64_t tasks, std::int64_t work, Body&& body) {
  const int threads = tasks == 1 || work <= kSerialWork ? 1 : exec.threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (std::int64_t t = 0; t < tasks; ++t) body(t, omp_get_thread_num());
}

/// Rows cut into pieces of equal cost, a row costing 1 + its edges.
struct RowPieces {
  const std::int64_t* offset;
  std::int64_t rows, pieces;

  RowPieces(const std::int64_t* row_offset, std::int64_t row_count, std::int64_t wanted)
      : offset(row_offset), rows(row_count), pieces(std::min(row_count, wanted)) {}

  std::int64_t cost() const { return rows == 0 ? 0 : rows + offset[rows] - offset[0]; }
  std::int64_t first_row(std::int64_t piece) const {
    if (piece == pieces) return rows;
    const std::int64_t target = cost() * piece / pieces;
    std::int64_t low = 0, high = rows;
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (middle + offset[middle] - offset[0] < target)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};

/// body(first_row, last_row, thread) over pieces of equal cost; `work` estimates the multiply-adds of one edge.
template <class Body>
void parallel_rows(const CpuExec& exec, const std::int64_t* offset, std::int64_t rows, std::int64_t work, Body&& body) {
  if (rows == 0) return;
  const RowPieces pieces(offset, rows, std::int64_t{exec.threads} * 16);
  if (exec.threads == 1 || pieces.cost() * work <= kSerialWork) {
    run_body(body, std::int64_t{0}, rows, 0);
    return;
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(exec.threads)
  for (std::int64_t p = 0; p < pieces.pieces; ++p) {
    const std::int64_t first = pieces.first_row(p), last = pieces.first_row(p + 1);
    if (first < last) run_body(body, first, last, omp_get_thread_num());
  }
}

/// body(first_row, last_row, piece, thread) over the given pieces, however many threads there are: for sums over rows
/// that are made piece by piece.
template <class Body>
void parallel_pieces(const CpuExec& exec, const RowPieces& pieces, std::int64_t work, Body&& body) {
  const int threads = pieces.cost() * work <= kSerialWork ? 1 : exec.threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (std::int64_t p = 0; p < pieces.pieces; ++p) {
    body(pieces.first_row(p), pieces.first_row(p + 1), p, omp_get_thread_num());
  }
}

/// Sums over many rows are cut into blocks that depend on the row count alone; each block's double partial is added up
/// in order.
struct ReductionBlocks {
  std::int64_t rows_per_block, blocks;
};

inline ReductionBlocks reduction_blocks(std::int64_t rows) {
  const std::int64_t rows_per_block = std::max<std::int64_t>(256, (rows + 63) / 64);
  return {rows_per_block, (rows + rows_per_block - 1) / rows_per_block};
}

inline std::int64_t reduction_doubles(std::int64_t rows, std::int64_t columns) {
  return reduction_blocks(rows).blocks * columns;
}

/// out(column, total) for the sums over `rows` of `columns` columns. add(row, partial) adds a row to [columns] doubles.
/// `partials` holds reduction_doubles().
template <class Add, class Out>
void reduce_rows(const CpuExec& exec, std::int64_t rows, std::int64_t columns, double* partials, Add&& add, Out&& out) {
  const ReductionBlocks plan = reduction_blocks(rows);
  parallel_for(exec, plan.blocks, plan.rows_per_block * columns, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t b = first; b < last; ++b) {
      double* const partial = partials + b * columns;
      std::fill(partial, partial + columns, 0.0);
      const std::int64_t end = std::min(rows, (b + 1) * plan.rows_per_block);
      for (std::int64_t r = b * plan.rows_per_block; r < end; ++r) add(r, partial);
    }
  });
  for (std::int64_t c = 0; c < columns; ++c) {
    double total = 0;
    for (std::int64_t b = 0; b < plan.blocks; ++b) total += partials[b * columns + c];
    out(c, total);
  }
}

}  // namespace warpgnn::backend::WARPGNN_ISA
