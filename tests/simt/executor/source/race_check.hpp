// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "block.hpp"

namespace simt {

/// Who accessed 4 bytes, and when. Empty while `block` is 0.
struct RaceRecord {
  std::uint32_t block = 0;  // serial number of the block's run
  std::uint32_t epoch = 0;  // barriers that it had passed
  std::uint32_t clock = 0;  // of the lane within its warp
  std::uint32_t site = 0;   // kernel code, relative to the program
  std::uint16_t thread = 0;
  std::uint8_t bytes = 0;  // which of the four
  AccessKind kind = AccessKind::load;
};

/// The last accesses of 4 bytes. Two unordered loads suffice: whoever writes later is unordered with at least one of
/// them, as they are kept from different blocks or else from different warps where there are such.
struct RaceCell {
  RaceRecord store, atomic;
  RaceRecord load[2];
};

/// Reports the access if it is unordered with an earlier one of which it matters, and remembers it.
void check_races(Block& block, Region& region, const Access& access);

}  // namespace simt
