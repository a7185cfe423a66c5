#pragma once

// The element-wise part of an LSTM cell: one thread takes one pack of features of a row, with all four of its gates.

#include <cmath>
#include <cstdint>

#include "kernels/base/activations.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"

namespace warpgnn::kernels {

/// The four gates of a pack of features, as given or after their functions.
template <class T, int kWidth>
struct LstmGates {
  Pack<T, kWidth> input, forget, candidate, output;

  __device__ static LstmGates of_row(const T* row, std::int64_t features, std::int64_t column) {
    LstmGates gates{load<kWidth>(row + column), load<kWidth>(row + features + column),
                    load<kWidth>(row + 2 * features + column), load<kWidth>(row + 3 * features + column)};
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      gates.input[k] = sigmoid(gates.input[k]);
      gates.forget[k] = sigmoid(gates.forget[k]);
      gates.candidate[k] = std::tanh(gates.candidate[k]);
      gates.output[k] = sigmoid(gates.output[k]);
    }
    return gates;
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
      const auto gates = LstmGates<T, kWidth>::of_row(arguments.gates[row], arguments.features, column);
      Pack<T, kWidth> c = load_or_zero<T, kWidth>(arguments.c_previous, row, column), h;
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        c[k] = gates.forget[k] * c[k] + gates.input[k] * gates.candidate[k];
        h[k] = gates.output[k] * std::tanh(c[k]);
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
  Rows<const T> dc;  // may be null
  Rows<T> dgates;
  Rows<T> dc_previous;  // may be null
};

/// Everything of a pack is read before anything is written, so that dgates may be gates and dc_previous dc.
template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads, 4) lstm_cell_backward_by_row(LstmCellBackwardArguments<T> arguments) {
#pragma unroll 1
  for (std::int64_t row = tile_row(); row < arguments.rows; row += tile_row_step()) {
#pragma unroll 1
    for (std::int64_t column = tile_pack() * kWidth; column < arguments.features; column += tile_pack_step() * kWidth) {
      auto gates = LstmGates<T, kWidth>::of_row(arguments.gates[row], arguments.features, column);
      const Pack<T, kWidth> before = load_or_zero<T, kWidth>(arguments.c_previous, row, column);
      const Pack<T, kWidth> c = load<kWidth>(arguments.c[row] + column);
      const Pack<T, kWidth> dh = load<kWidth>(arguments.dh[row] + column);
      Pack<T, kWidth> dc = load_or_zero<T, kWidth>(arguments.dc, row, column);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        const T i = gates.input[k], f = gates.forget[k], g = gates.candidate[k], o = gates.output[k];
        const T squashed = std::tanh(c[k]);
        const T total = dc[k] + dh[k] * o * (T(1) - squashed * squashed);
        gates.input[k] = total * g * i * (T(1) - i);
        gates.forget[k] = total * before[k] * f * (T(1) - f);
        gates.candidate[k] = total * i * (T(1) - g * g);
        gates.output[k] = dh[k] * squashed * o * (T(1) - o);
        dc[k] = total * f;
      }
      T* const dgates = arguments.dgates[row] + column;
      store(dgates, gates.input);
      store(dgates + arguments.features, gates.forget);
      store(dgates + 2 * arguments.features, gates.candidate);
      store(dgates + 3 * arguments.features, gates.output);
      if (arguments.dc_previous) store(arguments.dc_previous[row] + column, dc);
    }
  }
}

}  // namespace warpgnn::kernels
