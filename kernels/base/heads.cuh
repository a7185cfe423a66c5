// SPDX-License-Identifier: MIT
#pragma once

// How lanes are laid over a row of H heads x C channels, and what each lane knows of its place there.

#include <algorithm>
#include <cstdint>

#include "kernels/base/spans.cuh"

namespace warpgnn::kernels {

/// Blocks of kSpanThreads that should fit a multiprocessor at once: the register budget of the kernels of GAT.
template <class T, bool kPlain, int kWidth, int kCost = 1>
inline constexpr int kGatAttentionBlocks = blocks_left(for_real<T>(kTuning.gat_blocks), kPlain,
                                                       kWidth > kMaxPackWidth<T>, kCost);

/// A row cut into tiles of whole heads. Each head takes a power-of-two number of lanes, so that a dot product over its
/// channels is a butterfly among them; a pack never straddles two heads. A head too wide for a warp, at
/// `packs_per_lane` packs a lane, is cut into parts, one tile each.
struct HeadTiles {
  int heads;
  int packs;  // per head
  int lanes_per_head;
  int group;           // lanes per tile, a power of two
  int heads_per_tile;  // at most kWarpSize
  int parts;           // tiles per head; more than 1 only where a tile holds a single head
  int tiles;           // per row

  static HeadTiles of(std::int64_t heads, std::int64_t channels, int width, int packs_per_lane) {
    HeadTiles tiles{};
    tiles.heads = static_cast<int>(heads);
    tiles.packs = static_cast<int>(channels / width);
    tiles.lanes_per_head = lanes_for((tiles.packs + packs_per_lane - 1) / packs_per_lane);
    tiles.group = lanes_for(heads * tiles.lanes_per_head);
    tiles.heads_per_tile = tiles.group / tiles.lanes_per_head;
    const int packs_per_part = tiles.lanes_per_head * packs_per_lane;
    tiles.parts = std::max(1, (tiles.packs + packs_per_part - 1) / packs_per_part);
    tiles.tiles = (tiles.heads + tiles.heads_per_tile - 1) / tiles.heads_per_tile * tiles.parts;
    return tiles;
  }
};

/// A lane's place in a tile.
struct HeadPlace {
  int first_head;  // of the tile
  int head;        // the lane's own; clamped to the last head, so that idle lanes may load its scores
  int first_pack;  // within the head; the lane's further packs follow at steps of lanes_per_head
  bool idle;       // beyond the last head
  bool leader;     // the one lane that writes what a head has once per row
};

__device__ inline HeadPlace place_of(const HeadTiles& tiles, int tile, int lane, int packs_per_lane) {
  const int part = tile % tiles.parts;
  const int lane_in_head = lane & (tiles.lanes_per_head - 1);
  HeadPlace place;
  place.first_head = tile / tiles.parts * tiles.heads_per_tile;
  const int head = place.first_head + lane / tiles.lanes_per_head;
  place.idle = head >= tiles.heads;
  place.head = place.idle ? tiles.heads - 1 : head;
  place.first_pack = part * tiles.lanes_per_head * packs_per_lane + lane_in_head;
  place.leader = !place.idle && part == 0 && lane_in_head == 0;
  return place;
}

}  // namespace warpgnn::kernels
