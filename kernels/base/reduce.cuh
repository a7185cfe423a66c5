// SPDX-License-Identifier: MIT
#pragma once

// Deterministic sums over all rows of a matrix: slabs of rows to partial sums in a workspace, partial sums to totals.
// Of few rows, such as those of a batch of small graphs, there is one slab, and the first stage is the last: a launch
// costs more than what the second slab would save. The order depends on the shape alone.

#include <algorithm>
#include <cstdint>

#include "kernels/base/launch.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/tuning.cuh"
#include "kernels/base/warp.cuh"

namespace warpgnn::kernels {

inline constexpr int kReduceThreads = kTuning.reduce_threads;
inline constexpr std::int64_t kMaxSlabs = 1024;
inline constexpr std::int64_t kMinSlabRows = 64;
/// Steps of a block over its rows that take less time than a second launch, each waiting for its loads, as those of
/// terms with several loads and a store do.
inline constexpr std::int64_t kOneSlabSteps = 8;
inline constexpr std::int64_t kSectorElements = 8;  // that memory moves together, of float32

/// How rows are cut into slabs: one block each.
struct Slabs {
  std::int64_t count = 0;
  std::int64_t rows = 0;  // of each slab but the last
};

constexpr Slabs slabs_of(std::int64_t rows) {
  const std::int64_t per_slab = std::max(kMinSlabRows, (rows + kMaxSlabs - 1) / kMaxSlabs);
  return Slabs{(rows + per_slab - 1) / per_slab, per_slab};
}

// --- Column sums -----------------------------------------------------------------------------------------------------

/// A term that writes to its row as well says so by kStoresRow: no load of the next rows may move before that store.
template <class Term>
concept StoresRow = requires {
  requires Term::kStoresRow;
};

/// partial[(s * slabs + slab) * columns + column] = sum s of the slab's rows. term(row, column, sum) adds what the row
/// gives to kSums packs of columns. The block is kReduceThreads threads as (lanes over packs) x (rows at a time). The
/// sums of a single slab go to `finish` as those of column_totals do.
template <class Partial, int kWidth, int kSums, class Term, class Finish>
__global__ void __launch_bounds__(kReduceThreads)
    column_partials(std::int64_t rows, Slabs slabs, std::int64_t columns, Term term, Finish finish, Partial* partial) {
  __shared__ Partial shared[kSums][kWidth][kReduceThreads];  // threads last: no two of a warp share a bank
  const std::int64_t column = (static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * kWidth;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * slabs.rows;
  const std::int64_t last = first + slabs.rows < rows ? first + slabs.rows : rows;
  const unsigned place = threadIdx.y * blockDim.x + threadIdx.x;

  Pack<Partial, kWidth> sum[kSums] = {};
  if (column < columns) {
    std::int64_t row = first + threadIdx.y;
    if constexpr (!StoresRow<Term>) {
      while (row + 3 * blockDim.y < last) {  // without a branch between the loads of four rows
#pragma unroll
        for (int k = 0; k < 4; ++k, row += blockDim.y) term(row, column, sum);
      }
    }
#pragma unroll 1
    for (; row < last; row += blockDim.y) term(row, column, sum);
  }
  for (int s = 0; s < kSums; ++s) {
    for (int k = 0; k < kWidth; ++k) shared[s][k][place] = sum[s][k];
  }
  for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y >= half) continue;
    for (int s = 0; s < kSums; ++s) {
      for (int k = 0; k < kWidth; ++k)
        shared[s][k][place] += shared[s][k][place + static_cast<std::size_t>(half) * blockDim.x];
    }
  }
  if (threadIdx.y != 0 || column >= columns) return;
  if (slabs.count == 1) {
    for (int k = 0; k < kWidth; ++k) {
      double total[kSums];
      for (int s = 0; s < kSums; ++s) total[s] = static_cast<double>(shared[s][k][place]);
      finish(column + k, total);
    }
    return;
  }
  for (int s = 0; s < kSums; ++s) {
    Partial* const target = partial + (static_cast<std::int64_t>(s) * slabs.count + blockIdx.x) * columns + column;
    for (int k = 0; k < kWidth; ++k) target[k] = shared[s][k][place];
  }
}

/// Adds the slabs' partial sums, in fp64, and calls finish(column, total) with the kSums totals of each column.
template <class Partial, int kSums, class Finish>
__global__ void __launch_bounds__(kReduceThreads)
    column_totals(std::int64_t slabs, std::int64_t columns, const Partial* partial, Finish finish) {
  constexpr unsigned kRows = kReduceThreads / kWarpSize;
  __shared__ double shared[kSums][kRows][kWarpSize];
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kWarpSize + threadIdx.x;
  for (int s = 0; s < kSums; ++s) {
    double sum = 0;
    if (column < columns) {
      for (std::int64_t slab = threadIdx.y; slab < slabs; slab += kRows) {
        sum += static_cast<double>(partial[(s * slabs + slab) * columns + column]);
      }
    }
    shared[s][threadIdx.y][threadIdx.x] = sum;
  }
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  double total[kSums] = {};
  for (int s = 0; s < kSums; ++s) {
    for (unsigned row = 0; row < kRows; ++row) total[s] += shared[s][row][threadIdx.x];
  }
  finish(column, total);
}

/// Lanes over the packs of a row with which one block adds up all rows of its columns in few enough steps: the fewer,
/// the more rows at a time, and the more blocks side by side. 0: there are too many rows.
inline unsigned one_slab_lanes(std::int64_t rows, std::int64_t packs, int width) {
  for (std::int64_t lanes = lanes_for(packs); lanes > 0 && packs <= lanes * kMaxGridY; lanes /= 2) {
    if (rows * lanes <= kOneSlabSteps * kReduceThreads) return static_cast<unsigned>(lanes);
    if (lanes * width <= kSectorElements) break;
  }
  return 0;
}

/// Elements of workspace for reduce_columns.
constexpr std::int64_t column_partial_count(std::int64_t rows, std::int64_t columns, int sums) {
  return slabs_of(rows).count * columns * sums;
}

/// Both stages. Without rows every total is 0 and finish is still called; `partial` holds column_partial_count
/// elements.
template <class Partial, int kWidth, int kSums, class Term, class Finish>
void reduce_columns(const backend::CudaExec& exec, const char* name, std::int64_t rows, std::int64_t columns,
                    const Term& term, const Finish& finish, Partial* partial) {
  const std::int64_t packs = columns / kWidth;
  unsigned lanes = rows > 0 ? one_slab_lanes(rows, packs, kWidth) : 0;
  Slabs slabs{1, rows};
  if (lanes == 0) {
    lanes = static_cast<unsigned>(lanes_for(packs));
    slabs = slabs_of(rows);
  }
  launch(exec, name, column_partials<Partial, kWidth, kSums, Term, Finish>,
         {dim3(static_cast<unsigned>(slabs.count), blocks_for(packs, lanes)), dim3(lanes, kReduceThreads / lanes)},
         rows, slabs, columns, term, finish, partial);
  if (slabs.count == 1) return;
  launch(exec, name, column_totals<Partial, kSums, Finish>,
         {dim3(blocks_for(columns, kWarpSize)), dim3(kWarpSize, kReduceThreads / kWarpSize)}, slabs.count, columns,
         static_cast<const Partial*>(partial), finish);
}

// --- Sums over everything --------------------------------------------------------------------------------------------

/// partial[s * slabs + slab] = sum s of the slab's rows and all columns, in steps of kWidth columns: term(row, column,
/// sum) adds what they give to kSums sums. Those of a single slab go to `finish`.
template <int kWidth, int kSums, class Term, class Finish>
__global__ void __launch_bounds__(kReduceThreads)
    scalar_partials(std::int64_t rows, Slabs slabs, std::int64_t columns, Term term, Finish finish, double* partial) {
  __shared__ double shared[kSums][kWarpSize];
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * slabs.rows;
  const std::int64_t count = first + slabs.rows < rows ? slabs.rows : rows - first;
  const std::int64_t packs = columns / kWidth;
  double sum[kSums] = {};
  for (std::int64_t item = threadIdx.x; item < count * packs; item += blockDim.x) {
    term(first + item / packs, item % packs * kWidth, sum);
  }
  for (int s = 0; s < kSums; ++s) {
    sum[s] = block_sum(sum[s], shared[s]);
    if (threadIdx.x == 0 && slabs.count > 1) partial[s * slabs.count + blockIdx.x] = sum[s];
  }
  if (threadIdx.x == 0 && slabs.count == 1) finish(sum);
}

template <int kSums, class Finish>
__global__ void __launch_bounds__(kReduceThreads)
    scalar_total(std::int64_t slabs, const double* partial, Finish finish) {
  __shared__ double shared[kSums][kWarpSize];
  double sum[kSums] = {};
  for (int s = 0; s < kSums; ++s) {
    for (std::int64_t slab = threadIdx.x; slab < slabs; slab += blockDim.x) sum[s] += partial[s * slabs + slab];
    sum[s] = block_sum(sum[s], shared[s]);
  }
  if (threadIdx.x == 0) finish(sum);
}

/// Elements of workspace for reduce_all.
constexpr std::int64_t scalar_partial_count(std::int64_t rows, int sums = 1) {
  return slabs_of(rows).count * sums;
}

/// Calls finish(total) once, on the device, with the kSums sums of all terms; 0 without rows.
template <int kWidth, int kSums, class Term, class Finish>
void reduce_all(const backend::CudaExec& exec, const char* name, std::int64_t rows, std::int64_t columns,
                const Term& term, const Finish& finish, double* partial) {
  const Slabs slabs = slabs_of(rows);
  launch(exec, name, scalar_partials<kWidth, kSums, Term, Finish>,
         {dim3(static_cast<unsigned>(slabs.count)), dim3(kReduceThreads)}, rows, slabs, columns, term, finish, partial);
  if (slabs.count == 1) return;
  launch(exec, name, scalar_total<kSums, Finish>, {dim3(1), dim3(kReduceThreads)}, slabs.count,
         static_cast<const double*>(partial), finish);
}

}  // namespace warpgnn::kernels
