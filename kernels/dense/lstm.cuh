// SPDX-License-Identifier: MIT
#pragma once

// The element-wise part of an LSTM cell: one thread takes one pack of features of a row, with all four of its gates.

#include <cstdint>

#include "host/math/cells.hpp"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"

namespace warpgnn::kernels {

/// What the four gates of a pack of features get, before their functions.
template <class T, int kWidth>
struct LstmPacks {
  Pack<T, kWidth> input, forget, candidate, output;

  __device__ static LstmPacks of_row(const T* row, std::int64_t features, std::int64_t column) {
    return {load<kWidth>(row + column), load<kWidth>(row + features + column),
            load<kWidth>(row + 2 * features + column), load<kWidth>(row + 3 * features + column)};
  }
  __device__ void store_to(T* row, std::int64_t features) const {
    store(row, input);
    store(row + features, forget);
    store(row + 2 * features, candidate);
    store(row + 3 * features, output);
  }
  __device__ math::LstmGates<T> gates(int k) const {
    return math::LstmGates<T>::template of<Math>(input[k], forget[k], candidate[k], output[k]);
  }
};

template <class T, int kWidth>
__device__ Pack<T, kWidth> load_or_zero(const Rows<const T>& rows, std::int64_t row, std::int64_t column) {
  return rows ? load<kWidth>(rows[row] + column) : Pack<T, kWidth>{};
}

template <class T>
struct LstmCellForwardArguments {
  std::int64_t rows;
  std::int64_t features;
  Rows<const T> gates;
  Rows<const T> c_previous;  // may be null
  Rows<T> c;
  Rows<T> h;
};

template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads, 4) lstm_cell_forward_by_row(LstmCellForwardArguments<T> arguments) {
#pragma unroll 1
  for (std::int64_t row = tile_row(); row < arguments.rows; row += tile_row_step()) {
#pragma unroll 1
    for (std::int64_t column = tile_pack() * kWidth; column < arguments.features; column += tile_pack_step() * kWidth) {
      const auto packs = LstmPacks<T, kWidth>::of_row(arguments.gates[row], arguments.features, column);
      Pack<T, kWidth> c = load_or_zero<T, kWidth>(arguments.c_previous, row, column), h;
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        const math::LstmState<T> state = math::lstm_cell<Math>(packs.gates(k), c[k]);
        c[k] = state.c;
        h[k] = state.h;
      }
      store(arguments.c[row] + column, c);
      store(arguments.h[row] + column, h);
    }
  }
}

template <class T>
struct LstmCellBackwardArguments {
  std::int64_t rows;
  std::int64_t features;
  Rows<const T> gates;
  Rows<const T> c_previous;  // may be null
  Rows<const T> c;
  Rows<const T> dh;
  Rows<const T> dc;     // may be null
  Rows<T> dgates;       // may be null
  Rows<T> dc_previous;  // may be null
};

/// Everything of a pack is read before anything is written, so that dgates may be gates and dc_previous dc.
template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads, 4) lstm_cell_backward_by_row(LstmCellBackwardArguments<T> arguments) {
#pragma unroll 1
  for (std::int64_t row = tile_row(); row < arguments.rows; row += tile_row_step()) {
#pragma unroll 1
    for (std::int64_t column = tile_pack() * kWidth; column < arguments.features; column += tile_pack_step() * kWidth) {
      auto packs = LstmPacks<T, kWidth>::of_row(arguments.gates[row], arguments.features, column);
      const Pack<T, kWidth> before = load_or_zero<T, kWidth>(arguments.c_previous, row, column);
      const Pack<T, kWidth> c = load<kWidth>(arguments.c[row] + column);
      const Pack<T, kWidth> dh = load<kWidth>(arguments.dh[row] + column);
      Pack<T, kWidth> dc = load_or_zero<T, kWidth>(arguments.dc, row, column);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        const math::LstmGradients<T> gradients =
            math::lstm_gradients<Math>(packs.gates(k), before[k], c[k], dh[k], dc[k]);
        packs.input[k] = gradients.input;
        packs.forget[k] = gradients.forget;
        packs.candidate[k] = gradients.candidate;
        packs.output[k] = gradients.output;
        dc[k] = gradients.c_previous;
      }
      if (arguments.dgates) packs.store_to(arguments.dgates[row] + column, arguments.features);
      if (arguments.dc_previous) store(arguments.dc_previous[row] + column, dc);
    }
  }
}

}  // namespace warpgnn::kernels
