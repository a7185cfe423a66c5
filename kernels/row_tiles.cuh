#pragma once

// How element-wise kernels walk over a matrix: blocks of (lanes over packs of columns) x (rows), repeated until both
// ends are reached. No index is ever divided.

#include <algorithm>
#include <cstdint>

#include "kernels/launch.cuh"
#include "kernels/warp.cuh"

namespace warpgnn::kernels {

inline constexpr int kTileThreads = 256;

/// The launch that covers `rows` rows of `packs` packs each, with at most `max_row_blocks` blocks along the rows: a
/// kernel that loads something once for each column wants few blocks and many rows for each.
inline LaunchShape row_tiles(std::int64_t rows, std::int64_t packs, std::int64_t max_row_blocks = 2147483647) {
  const std::int64_t lanes = lanes_for(packs);
  const std::int64_t row_blocks = (rows * lanes + kTileThreads - 1) / kTileThreads;
  const std::int64_t column_blocks = std::min<std::int64_t>((packs + lanes - 1) / lanes, 65535);
  return LaunchShape{
      dim3(static_cast<unsigned>(std::min(row_blocks, max_row_blocks)), static_cast<unsigned>(column_blocks)),
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
