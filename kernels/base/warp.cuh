// SPDX-License-Identifier: MIT
#pragma once

// Groups of lanes: a warp, or a power-of-two part of it, that works on one item.

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

namespace warpgnn::kernels {

inline constexpr int kWarpSize = 32;

/// The lanes that one item needs, rounded up to a power of two and limited to a warp.
constexpr int lanes_for(std::int64_t wanted) {
  int lanes = 1;
  while (lanes < kWarpSize && lanes < wanted) lanes *= 2;
  return lanes;
}

/// A power-of-two run of lanes of a warp. All of them call each member function together; other groups of the warp may
/// be elsewhere, which is why every exchange names the group's own lanes in its mask.
struct LaneGroup {
  int size;
  int lane;  // within the group
  unsigned mask;

  /// The calling thread's group when warps are cut into groups of `size` lanes. Blocks are one-dimensional.
  __device__ static LaneGroup of_size(int size) {
    const int lane_in_warp = static_cast<int>(threadIdx.x) % kWarpSize;
    const int lane = lane_in_warp & (size - 1);
    const unsigned lanes = size == kWarpSize ? 0xffffffffu : (1u << size) - 1u;
    return LaneGroup{size, lane, lanes << (lane_in_warp - lane)};
  }

  template <class T>
  __device__ T broadcast(T value, int from) const {
    return __shfl_sync(mask, value, from, size);
  }

  /// Sums over each aligned part of `lanes` lanes (a power of two); every lane gets its part's sum, the same bits.
  template <class T>
  __device__ T sum(T value, int lanes) const {
    for (int distance = lanes / 2; distance > 0; distance /= 2) {
      value += __shfl_xor_sync(mask, value, distance, size);
    }
    return value;
  }
  template <class T>
  __device__ T sum(T value) const {
    return sum(value, size);
  }
  /// The largest number of the group; a NaN is passed by where there is any number.
  template <class T>
  __device__ T max(T value) const {
    for (int distance = size / 2; distance > 0; distance /= 2) {
      value = std::fmax(value, __shfl_xor_sync(mask, value, distance, size));
    }
    return value;
  }

  /// The sum over the lanes before the calling one.
  template <class T>
  __device__ T sum_before(T value) const {
    T total = value;
    for (int distance = 1; distance < size; distance *= 2) {
      const T other = __shfl_up_sync(mask, total, static_cast<unsigned>(distance), size);
      if (lane >= distance) total += other;
    }
    return total - value;
  }
};

inline constexpr unsigned kAllLanes = 0xffffffffu;

/// The largest, and the sum, of the numbers of a warp, whose lanes all take part. One instruction from compute
/// capability 8.0 on, a butterfly before.
__device__ inline int warp_max(int value) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  return __reduce_max_sync(kAllLanes, value);
#else
  for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
    const int other = __shfl_xor_sync(kAllLanes, value, distance);
    value = other > value ? other : value;
  }
  return value;
#endif
}
__device__ inline unsigned warp_sum(unsigned value) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  return __reduce_add_sync(kAllLanes, value);
#else
  for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, distance);
  }
  return value;
#endif
}

/// A power-of-two run of lanes of a warp whose lanes all call each member function together, whatever group they belong
/// to: every exchange names all of them, a mask that costs nothing.
struct WarpGroup {
  int size;
  int lane;  // within the group

  __device__ static WarpGroup of_size(int size) { return WarpGroup{size, static_cast<int>(threadIdx.x) & (size - 1)}; }

  template <class T>
  __device__ T broadcast(T value, int from) const {
    return __shfl_sync(kAllLanes, value, from, size);
  }

  /// Sums of several numbers over each aligned part of `lanes` lanes (a power of two): every lane gets its part's sums,
  /// the same bits as LaneGroup::sum. The exchanges of a step do not wait for each other.
  template <int kCount, class T>
  __device__ static void sum(T (&value)[kCount], int lanes) {
#pragma unroll 1
    for (int distance = lanes / 2; distance > 0; distance /= 2) {
#pragma unroll
      for (int u = 0; u < kCount; ++u) value[u] += __shfl_xor_sync(kAllLanes, value[u], distance);
    }
  }
};

/// The number of the calling thread's group in the whole grid, for one-dimensional grids.
__device__ inline std::int64_t group_number(int size) {
  const unsigned groups_per_block = blockDim.x / static_cast<unsigned>(size);
  return static_cast<std::int64_t>(blockIdx.x) * groups_per_block + threadIdx.x / static_cast<unsigned>(size);
}

/// Sums over the block; every thread gets the sum. `shared` holds kWarpSize elements and may be used again after the
/// caller's next __syncthreads. The block is one-dimensional and a multiple of a warp.
template <class T>
__device__ T block_sum(T value, T* shared) {
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  const unsigned warps = blockDim.x / kWarpSize;
  value = warp.sum(value);
  if (warp.lane == 0) shared[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  T total = 0;
  for (unsigned w = 0; w < warps; ++w) total += shared[w];
  return total;
}

}  // namespace warpgnn::kernels
