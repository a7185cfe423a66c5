// SPDX-License-Identifier: MIT
#pragma once

// What a linear layer needs beside cuBLAS: bias and activation, their gradients, and products without terms.

#include <cstdint>

#include "host/math/activations.hpp"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"

namespace warpgnn::kernels {

/// y = activation(y + bias), the bias left out where it is null.
template <class S, int kWidth, Activation kKind, class T = Accumulator<S>>
__global__ void __launch_bounds__(kTileThreads)
    finish_rows(std::int64_t rows, std::int64_t columns, Rows<const T> bias, T slope, Rows<S> y) {
  for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
    Pack<T, kWidth> addend{};
    if (bias) {
      for (int k = 0; k < kWidth; ++k) addend[k] = *bias[column + k];
    }
    for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
      Pack<T, kWidth> pack = load<kWidth>(y[row] + column);
      for (int k = 0; k < kWidth; ++k) pack[k] = math::activation<Math, kKind>(pack[k] + addend[k], slope);
      store(y[row] + column, pack);
    }
  }
}

/// dz = dy activation'(z), from y; its column sums are the bias' gradient.
template <class S, int kWidth, Activation kKind>
struct PreactivationTerm {
  static constexpr int kColumns = kWidth;
  static constexpr bool kStoresRow = true;
  using T = Accumulator<S>;
  Rows<const S> y, dy;
  Rows<S> dz;
  T slope;

  __device__ void operator()(std::int64_t row, std::int64_t column, Pack<T, kWidth> (&sum)[1]) const {
    Pack<T, kWidth> pack = load_read_only<kWidth>(dy[row] + column);
    const Pack<T, kWidth> result = load_read_only<kWidth>(y[row] + column);
    for (int k = 0; k < kWidth; ++k) {
      pack[k] = math::activation_gradient<kKind>(result[k], pack[k], slope);
      sum[0][k] += pack[k];
    }
    store(dz[row] + column, pack);
  }
};

template <class S, int kWidth>
struct ColumnSumTerm {
  static constexpr int kColumns = kWidth;
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
    if (target) *target[column] = static_cast<T>(total[0]);
  }
};

}  // namespace warpgnn::kernels
