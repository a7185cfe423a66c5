// SPDX-License-Identifier: MIT
#pragma once

// The element-wise part of a GRU cell: one thread takes one pack of features of a row, with all three of its gates.

#include <cstdint>

#include "host/math/cells.hpp"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"

namespace warpgnn::kernels {

/// What the gates of a pack of features get, from the input or from the state.
template <class T, int kWidth>
struct GruPacks {
  Pack<T, kWidth> reset, update, candidate;

  __device__ static GruPacks of_row(const T* row, std::int64_t features, std::int64_t column) {
    return {load<kWidth>(row + column), load<kWidth>(row + features + column),
            load<kWidth>(row + 2 * features + column)};
  }
  __device__ void store_to(T* row, std::int64_t features, std::int64_t column) const {
    store(row + column, reset);
    store(row + features + column, update);
    store(row + 2 * features + column, candidate);
  }
};

template <class T, int kWidth>
__device__ math::GruGates<T> gates_of(const GruPacks<T, kWidth>& input, const GruPacks<T, kWidth>& hidden, int k) {
  return math::GruGates<T>::template of<Math>(input.reset[k] + hidden.reset[k], input.update[k] + hidden.update[k],
                                              input.candidate[k], hidden.candidate[k]);
}

template <class T>
struct GruCellForwardArguments {
  std::int64_t rows;
  std::int64_t features;
  Rows<const T> input;
  Rows<const T> hidden;
  Rows<const T> h_previous;
  Rows<T> h;
};

/// A pack is read before it is written, so that h may be h_previous.
template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads, 4) gru_cell_forward_by_row(GruCellForwardArguments<T> arguments) {
#pragma unroll 1
  for (std::int64_t row = tile_row(); row < arguments.rows; row += tile_row_step()) {
#pragma unroll 1
    for (std::int64_t column = tile_pack() * kWidth; column < arguments.features; column += tile_pack_step() * kWidth) {
      const auto input = GruPacks<T, kWidth>::of_row(arguments.input[row], arguments.features, column);
      const auto hidden = GruPacks<T, kWidth>::of_row(arguments.hidden[row], arguments.features, column);
      Pack<T, kWidth> h = load<kWidth>(arguments.h_previous[row] + column);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) h[k] = math::gru_cell(gates_of(input, hidden, k), h[k]);
      store(arguments.h[row] + column, h);
    }
  }
}

template <class T>
struct GruCellBackwardArguments {
  std::int64_t rows;
  std::int64_t features;
  Rows<const T> input;
  Rows<const T> hidden;
  Rows<const T> h_previous;
  Rows<const T> dh;
  // Null: not wanted.
  Rows<T> dinput;
  Rows<T> dhidden;
  Rows<T> dh_previous;
};

/// Everything of a pack is read before anything is written, so that gradients may lie where their inputs do.
template <class T, int kWidth>
__global__ void __launch_bounds__(kTileThreads, 4) gru_cell_backward_by_row(GruCellBackwardArguments<T> arguments) {
#pragma unroll 1
  for (std::int64_t row = tile_row(); row < arguments.rows; row += tile_row_step()) {
#pragma unroll 1
    for (std::int64_t column = tile_pack() * kWidth; column < arguments.features; column += tile_pack_step() * kWidth) {
      auto input = GruPacks<T, kWidth>::of_row(arguments.input[row], arguments.features, column);
      auto hidden = GruPacks<T, kWidth>::of_row(arguments.hidden[row], arguments.features, column);
      const Pack<T, kWidth> before = load<kWidth>(arguments.h_previous[row] + column);
      Pack<T, kWidth> dh = load<kWidth>(arguments.dh[row] + column);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        const auto gradients = math::gru_gradients(gates_of(input, hidden, k), hidden.candidate[k], before[k], dh[k]);
        input.reset[k] = gradients.reset;
        input.update[k] = gradients.update;
        input.candidate[k] = gradients.input_candidate;
        hidden.candidate[k] = gradients.hidden_candidate;
        dh[k] = gradients.h_previous;
      }
      hidden.reset = input.reset;
      hidden.update = input.update;
      if (arguments.dinput) input.store_to(arguments.dinput[row], arguments.features, column);
      if (arguments.dhidden) hidden.store_to(arguments.dhidden[row], arguments.features, column);
      if (arguments.dh_previous) store(arguments.dh_previous[row] + column, dh);
    }
  }
}

}  // namespace warpgnn::kernels
