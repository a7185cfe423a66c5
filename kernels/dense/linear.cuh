// SPDX-License-Identifier: MIT
#pragma once

// What a linear layer needs beside cuBLAS: rows filled with the bias, and the bias' gradient.

#include <cstdint>

#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"

namespace warpgnn::kernels {

/// y_n = bias, or zeros where it is null.
template <class S, int kWidth, class T = Accumulator<S>>
__global__ void __launch_bounds__(kTileThreads)
    fill_rows(std::int64_t rows, std::int64_t columns, Rows<const T> bias, Rows<S> y) {
  for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
    Pack<T, kWidth> pack{};
    if (bias) {
      for (int k = 0; k < kWidth; ++k) pack[k] = *bias[column + k];
    }
    for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) store(y[row] + column, pack);
  }
}

template <class S, int kWidth>
struct ColumnSumTerm {
  using T = Accumulator<S>;
  Rows<const S> values;

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<T, kWidth> (&sum)[1]) const {
    const Pack<T, kWidth> pack = load_read_only<kWidth>(values[row] + column);
    for (int k = 0; k < kWidth; ++k) sum[0][k] += pack[k];
  }
};

template <class T>
struct StoreColumn {
  Rows<T> target;

  __device__ void operator()(std::int64_t column, const double (&total)[1]) const {
    *target[column] = static_cast<T>(total[0]);
  }
};

}  // namespace warpgnn::kernels
