// SPDX-License-Identifier: MIT
#include <cuda_runtime.h>

#include "addresses.hpp"
#include "kernels/base/heads.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/spans.cuh"

namespace helpers {
namespace {

using warpgnn::kernels::HeadPlace;
using warpgnn::kernels::HeadTiles;
using warpgnn::kernels::Rows;

constexpr int kWidth = 4;

template <class... Parameters, class... Arguments>
void launch(dim3 block, void (*kernel)(Parameters...), Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(1);
  config.blockDim = block;
  cudaLaunchKernelEx(&config, kernel, arguments...);
}

__global__ void row_offset(Rows<const float> rows, FarPlace place, std::int64_t* elements, std::int64_t* pack_bytes) {
  const float* const row = rows[place.row];
  const auto* const pack = warpgnn::kernels::detail::vector_at<kWidth>(row + place.column);
  const auto number = [](const void* address) { return reinterpret_cast<std::uintptr_t>(address); };
  *elements = static_cast<std::int64_t>(number(row) - number(rows.data)) / static_cast<std::int64_t>(sizeof(float));
  *pack_bytes = static_cast<std::int64_t>(number(pack) - number(row));
}

__global__ void tile_of(std::int64_t number, int tiles, std::int64_t* item_and_tile) {
  int tile = 0;
  item_and_tile[0] = warpgnn::kernels::split_tile(number, tiles, tile);
  item_and_tile[1] = tile;
}

__global__ void last_columns(HeadTiles tiles, std::int64_t channels, std::int64_t* columns) {
  const auto lane = static_cast<int>(threadIdx.x);
  const HeadPlace place = warpgnn::kernels::place_of(tiles, tiles.tiles - 1, lane, 1);
  const bool active = !place.idle && place.first_pack < tiles.packs;
  columns[lane] = active ? place.head * channels + place.first_pack * kWidth : -1;
}

}  // namespace

void run_row_offsets(const std::vector<FarPlace>& places, std::int64_t* elements, std::int64_t* pack_bytes) {
  alignas(16) static const float base[4] = {};
  for (std::size_t k = 0; k < places.size(); ++k) {
    launch(1, row_offset, Rows<const float>{base, places[k].stride}, places[k], elements + k, pack_bytes + k);
  }
}
void run_split_tile(std::int64_t number, int tiles, std::int64_t* item_and_tile) {
  launch(1, tile_of, number, tiles, item_and_tile);
}
void run_last_columns(std::int64_t heads, std::int64_t channels, std::int64_t* columns) {
  launch(32, last_columns, HeadTiles::of(heads, channels, kWidth, 1), channels, columns);
}

}  // namespace helpers
