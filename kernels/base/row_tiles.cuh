// SPDX-License-Identifier: MIT
#pragma once

// How element-wise kernels walk over a matrix: blocks of (lanes over packs of columns) x (rows), repeated until both
// ends are reached. No index is ever divided.

#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels/base/launch.cuh"
#include "kernels/base/tuning.cuh"
#include "kernels/base/warp.cuh"

namespace warpgnn::kernels {

inline constexpr int kTileThreads = kTuning.tile_threads;

/// The launch that covers `rows` rows of `packs` packs each, within the device's limits and with at most
/// `wanted_row_blocks` blocks along the rows: a kernel that loads something once for each column wants few blocks and
/// many rows for each.
inline LaunchShape row_tiles(const backend::CudaExec& exec, std::int64_t rows, std::int64_t packs,
                             std::int64_t wanted_row_blocks = std::numeric_limits<std::int64_t>::max()) {
  const std::int64_t lanes = lanes_for(packs);
  const std::int64_t row_blocks = (rows * lanes + kTileThreads - 1) / kTileThreads;
  const std::int64_t column_blocks = (packs + lanes - 1) / lanes;
  return LaunchShape{
      dim3(static_cast<unsigned>(std::min({row_blocks, wanted_row_blocks, std::int64_t{exec.max_grid_x}})),
           static_cast<unsigned>(std::min(column_blocks, std::int64_t{exec.max_grid_y}))),
      dim3(static_cast<unsigned>(lanes), static_cast<unsigned>(kTileThreads / lanes))};
}

__device__ inline std::int64_t tile_row() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
}
__device__ inline std::int64_t tile_row_step() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.y;
}
/// In packs.
__device__ inline std::int64_t tile_pack() {
  return static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t tile_pack_step() {
  return static_cast<std::int64_t>(gridDim.y) * blockDim.x;
}

}  // namespace warpgnn::kernels
