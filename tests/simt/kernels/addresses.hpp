// SPDX-License-Identifier: MIT
#pragma once

// The kernels' own helpers for addresses, asked for elements of matrices that nobody could allocate. Nothing is read.

#include <cstdint>
#include <vector>

namespace helpers {

/// Elements from the data of a matrix, rows `stride` elements apart, to its row `row`; and the bytes from there to the
/// pack of four at `column`, as load() addresses it.
struct FarPlace {
  std::int64_t row;
  std::int64_t stride;
  std::int64_t column;
};
void run_row_offsets(const std::vector<FarPlace>& places, std::int64_t* elements, std::int64_t* pack_bytes);

/// Work item and tile of group number `number` where an item has `tiles` tiles.
void run_split_tile(std::int64_t number, int tiles, std::int64_t* item_and_tile);

/// The first columns of the 32 lanes in the last tile of a row of heads of channels, packs of four, one a lane; -1 for
/// lanes that are idle or beyond their head.
void run_last_columns(std::int64_t heads, std::int64_t channels, std::int64_t* columns);

}  // namespace helpers
