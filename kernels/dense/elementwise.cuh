// SPDX-License-Identifier: MIT
#pragma once

// Element-wise kernels, row gathering, and what they compute for one element.

#include <cstdint>

#include "host/math/activations.hpp"
#include "kernels/base/dropout.cuh"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"
#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn::kernels {

/// A matrix, or a contiguous run of elements folded into one whose last row may be shorter.
struct Extent {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t count = 0;
};

/// out = function(first, second), element by element; second may be null. Inputs may be the output: each element is
/// read by the thread that writes it, before it does.
template <class S, int kWidth, class Function>
__global__ void __launch_bounds__(kTileThreads)
    map_elements(Extent extent, Rows<const S> first, Rows<const S> second, Rows<S> out, Function function) {
  using T = Accumulator<S>;
#pragma unroll 1
  for (std::int64_t row = tile_row(); row < extent.rows; row += tile_row_step()) {
    const std::int64_t left = extent.count - row * extent.columns;
    const std::int64_t columns = left < extent.columns ? left : extent.columns;
#pragma unroll 1
    for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
      const S* const a_at = first[row] + column;
      const S* const b_at = second ? second[row] + column : nullptr;
      S* const out_at = out[row] + column;
      if (column + kWidth <= columns) {
        Pack<T, kWidth> a = load<kWidth>(a_at);
        const Pack<T, kWidth> b = second ? load<kWidth>(b_at) : Pack<T, kWidth>{};
        for (int k = 0; k < kWidth; ++k) a[k] = function(a[k], b[k]);
        store(out_at, a);
      } else {
        const int rest = static_cast<int>(columns - column);
#pragma unroll 1
        for (int k = 0; k < rest; ++k) {
          const T b = second ? to_accumulator(b_at[k]) : T{};
          out_at[k] = to_storage<S>(function(to_accumulator(a_at[k]), b));
        }
      }
    }
  }
}

template <class T, Activation kKind>
struct ActivationFunction {
  T slope;

  __device__ T operator()(T x, T) const { return math::activation<Math, kKind>(x, slope); }
};

/// From y and dy.
template <class T, Activation kKind>
struct ActivationGradient {
  T slope;

  __device__ T operator()(T y, T dy) const { return math::activation_gradient<kKind>(y, dy, slope); }
};

template <class T>
struct ScaledSum {
  T scale;

  __device__ T operator()(T source, T target) const { return target + scale * source; }
};

/// One random block of philox serves four columns, which one thread takes, as packs of kWidth.
inline constexpr int kDropoutColumns = 4;

template <class S, int kWidth, class T = Accumulator<S>>
__global__ void __launch_bounds__(kTileThreads)
    dropout_rows(std::int64_t rows, std::int64_t columns, DropoutSeed mask, std::uint32_t threshold, T scale,
                 Rows<const S> x, Rows<S> y) {
  const std::uint64_t seed = mask.now();
  for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
    for (std::int64_t quad = tile_pack(); quad * kDropoutColumns < columns; quad += tile_pack_step()) {
      const PhiloxWords words = philox(seed, static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(quad));
#pragma unroll
      for (int first = 0; first < kDropoutColumns; first += kWidth) {
        const std::int64_t column = quad * kDropoutColumns + first;
        if (column >= columns) break;
        Pack<T, kWidth> pack = load<kWidth>(x[row] + column);
        for (int k = 0; k < kWidth; ++k) pack[k] = words.word[first + k] >= threshold ? pack[k] * scale : T(0);
        store(y[row] + column, pack);
      }
    }
  }
}

/// y = x in another storage.
template <class From, class To, int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    convert_rows(std::int64_t rows, std::int64_t columns, Rows<const From> x, Rows<To> y) {
  for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
    for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
      store(y[row] + column, load_read_only<kWidth>(x[row] + column));
    }
  }
}

/// y_n = x[index_n], zeros where index_n is not in [0, x_rows).
template <class Word, int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    gather_rows_kernel(std::int64_t rows, std::int64_t columns, std::int64_t x_rows, Rows<const std::int32_t> index,
                       Rows<const Word> x, Rows<Word> y) {
  for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
    const std::int64_t from = *index[row];
    const bool exists = from >= 0 && from < x_rows;
    for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
      store(y[row] + column, exists ? load_read_only<kWidth>(x[from] + column) : Pack<Word, kWidth>{});
    }
  }
}

/// y_n = x_n + bias; x may be y.
template <class S, int kWidth, class T = Accumulator<S>>
__global__ void __launch_bounds__(kTileThreads)
    add_to_rows(std::int64_t rows, std::int64_t columns, Rows<const T> bias, Rows<const S> x, Rows<S> y) {
  for (std::int64_t column = tile_pack() * kWidth; column < columns; column += tile_pack_step() * kWidth) {
    Pack<T, kWidth> addend;
    for (int k = 0; k < kWidth; ++k) addend[k] = *bias[column + k];
    for (std::int64_t row = tile_row(); row < rows; row += tile_row_step()) {
      Pack<T, kWidth> pack = load<kWidth>(x[row] + column);
      for (int k = 0; k < kWidth; ++k) pack[k] += addend[k];
      store(y[row] + column, pack);
    }
  }
}

}  // namespace warpgnn::kernels
