// SPDX-License-Identifier: MIT
#pragma once

// Rows gathered from several tables in one launch: a batch of small graphs has several, each too small for a launch of
// its own. The tables travel in the launch's own parameters.

#include <cstdint>

#include "kernels/base/row_tiles.cuh"

namespace warpgnn::kernels {

inline constexpr int kGatherTables = 8;  // for one launch

/// Rows as words of four bytes; strides are in words.
struct WordTable {
  const std::uint32_t* x;
  const std::int32_t* index;
  std::uint32_t* y;
  std::int64_t x_rows, rows, words;
  std::int64_t x_stride, index_stride, y_stride;
  int lane_bits;  // 2^lane_bits lanes take a row
};

struct WordTables {
  WordTable table[kGatherTables];
};

/// y_n = x[index_n], zeros where index_n is not in [0, x_rows). A row of blocks takes a table.
__global__ void __launch_bounds__(kTileThreads) gather_tables_kernel(WordTables tables) {
  const WordTable& table = tables.table[blockIdx.y];
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const int lanes = 1 << table.lane_bits;
  for (std::int64_t row = thread >> table.lane_bits; row < table.rows; row += threads >> table.lane_bits) {
    const std::int64_t from = table.index[row * table.index_stride];
    const bool exists = from >= 0 && from < table.x_rows;
    for (std::int64_t word = thread & (lanes - 1); word < table.words; word += lanes) {
      table.y[row * table.y_stride + word] = exists ? __ldg(table.x + from * table.x_stride + word) : 0;
    }
  }
}

}  // namespace warpgnn::kernels
