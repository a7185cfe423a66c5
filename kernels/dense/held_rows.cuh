// SPDX-License-Identifier: MIT
#pragma once

// Rows that are read once: a group of lanes takes a row and holds it in registers, so that statistics and result come
// from one read. Rows too long for that are read again from the caches.

#include <cmath>
#include <cstdint>

#include "kernels/base/launch.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/unit_scale.cuh"
#include "kernels/base/warp.cuh"

namespace warpgnn::kernels {

inline constexpr int kHeldRowThreads = 256;

/// A lane's part of a row: packs lane, lane + lanes, ... The first kHeld of them stay in registers.
template <class T, int kWidth, int kHeld>
class RowPart {
 public:
  __device__ RowPart(const T* row, std::int64_t columns, const LaneGroup& group)
      : row_(row),
        columns_(columns),
        step_(static_cast<std::int64_t>(group.size) * kWidth),
        first_(static_cast<std::int64_t>(group.lane) * kWidth) {
#pragma unroll
    for (int k = 0; k < kHeld; ++k) {
      const std::int64_t column = first_ + k * step_;
      held_[k] = column < columns_ ? load<kWidth>(row_ + column) : Pack<T, kWidth>{};
    }
  }

  /// visit(column, pack) for each of the lane's packs, in order.
  template <class Visit>
  __device__ void for_each(const Visit& visit) const {
#pragma unroll
    for (int k = 0; k < kHeld; ++k) {
      const std::int64_t column = first_ + k * step_;
      if (column < columns_) visit(column, held_[k]);
    }
#pragma unroll 1
    for (std::int64_t column = first_ + kHeld * step_; column < columns_; column += step_) {
      visit(column, load<kWidth>(row_ + column));
    }
  }

  /// The largest magnitude of the row, NaN passed by.
  __device__ T largest(const LaneGroup& group) const {
    T found = 0;
    for_each([&](std::int64_t, const Pack<T, kWidth>& x) {
#pragma unroll
      for (int k = 0; k < kWidth; ++k) found = std::fmax(found, std::fabs(x[k]));
    });
    return group.max(found);
  }

 private:
  const T* row_;
  std::int64_t columns_, step_, first_;
  Pack<T, kWidth> held_[kHeld];
};

/// The packs of a row that a lane holds at most.
inline constexpr int kMaxHeldPacks = 4;

/// Calls `function` with how many packs of a row each lane holds: all of them up to kMaxHeldPacks.
template <class Function>
void with_held_packs(std::int64_t packs, int lanes, const Function& function) {
  if (packs <= lanes) return function(std::integral_constant<int, 1>{});
  if (packs <= 2 * lanes) return function(std::integral_constant<int, 2>{});
  return function(std::integral_constant<int, kMaxHeldPacks>{});
}

/// Calls launch_rows(width, held, lanes, shape), the first two as compile-time constants.
template <class T, class Launch>
void for_rows(std::int64_t rows, std::int64_t columns, int width, const Launch& launch_rows) {
  with_pack_width<T>(width, [&](auto width_constant) {
    const std::int64_t packs = columns / width_constant;
    const int lanes = lanes_for(packs);
    const LaunchShape shape{dim3(blocks_for(rows, kHeldRowThreads / lanes)), dim3(kHeldRowThreads)};
    with_held_packs(packs, lanes, [&](auto held) { launch_rows(width_constant, held, lanes, shape); });
  });
}

}  // namespace warpgnn::kernels
