// SPDX-License-Identifier: MIT
#pragma once

// How the kernels' schedules fit an architecture: the one place for numbers that a measurement may change.

namespace warpgnn::kernels {

struct Tuning {
  int span_threads;     // of a block that walks over edges
  int edges_in_flight;  // whose rows a lane has loaded at a time
  int merge_threads;    // of a block that merges the chunks of a long row
  int tile_threads;     // of a block of an element-wise kernel
  int reduce_threads;   // of a block of a sum over rows
  int pack_bytes;       // of a row that a lane takes at a time
  // Blocks that should fit a multiprocessor at once, for float and double: the register budgets.
  int gat_blocks[2];
  int attention_blocks[2];
};

/// Compute capability 9.0. Others run with the same until they are measured: a block's shape is known to both sides of
/// a launch, so an architecture of its own would be a template parameter of the launchers.
inline constexpr Tuning kHopper{.span_threads = 128,
                                .edges_in_flight = 4,
                                .merge_threads = 256,
                                .tile_threads = 256,
                                .reduce_threads = 256,
                                .pack_bytes = 16,
                                .gat_blocks = {6, 4},
                                .attention_blocks = {5, 4}};
inline constexpr Tuning kTuning = kHopper;

/// What is left of such a budget where more registers are needed: for what edges have of their own, which plain kernels
/// know nothing of, and for the widest packs of 16-bit rows, which take the registers of `cost` blocks.
constexpr int blocks_left(int blocks, bool plain, bool widest, int cost = 1) {
  return blocks - (plain ? 0 : 1) - (widest ? cost : 0);
}

// --- The order in which rows of uneven lengths are taken ------------------------------------------------------------

/// Rows are put in order within windows of so many, which keeps what lies side by side in memory together.
inline constexpr int kOrderWindowBits = 12;
/// The rows that a warp takes side by side when they are narrow, and by which it is judged whether an order pays.
inline constexpr int kRowsSideBySide = 8;
/// With fewer rows a device has warps for all of them at once, and the last to end is the longest row alone.
inline constexpr int kLeastOrderedRows = 1 << 14;
/// Lanes that are busy where rows lie side by side as they are; with more of them an order is not worth its reads.
inline constexpr double kBusyEnough = 0.9;

/// The one of two that is meant for T.
template <class T>
constexpr int for_real(const int (&values)[2]) {
  return values[sizeof(T) == 4 ? 0 : 1];
}

}  // namespace warpgnn::kernels
