// SPDX-License-Identifier: MIT
// Accesses that nothing orders. Most give the right result in every order of lanes: only the check finds them.

#include "planted.hpp"

namespace planted {
namespace {

template <bool kFaulty>
__global__ void missing_syncthreads(float* y) {
  __shared__ float shared[64];
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  if (!kFaulty) __syncthreads();
  y[threadIdx.x] = shared[63 - threadIdx.x];
}

template <bool kFaulty>
__global__ void missing_syncwarp(float* y) {
  __shared__ float shared[32];
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  if (!kFaulty) __syncwarp();
  y[threadIdx.x] = shared[31 - threadIdx.x];
}

/// A shuffle exchanges registers and orders no memory.
template <bool kFaulty>
__global__ void shuffle_as_fence(float* y) {
  __shared__ float shared[32];
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  const float other = __shfl_xor_sync(0xffffffffu, 0.0f, 1);
  if (!kFaulty) __syncwarp();
  y[threadIdx.x] = shared[31 - threadIdx.x] + other;
}

template <bool kFaulty>
__global__ void two_blocks_one_sum(float* y) {
  if (kFaulty) {
    y[threadIdx.x] += 1.0f;
  } else {
    atomicAdd(y + threadIdx.x, 1.0f);
  }
}

template <bool kFaulty>
__global__ void two_warps_one_sum(float* y) {
  if (threadIdx.x % 32 != 0) return;
  if (kFaulty) {
    *y += 1.0f;
  } else {
    atomicAdd(y, 1.0f);
  }
}

/// Everyone writes the same value; still nobody may.
template <bool kFaulty>
__global__ void all_store_one_flag(float* y) {
  if (kFaulty || threadIdx.x == 0) *y = 1.0f;
}

template <bool kFaulty>
__global__ void buffer_used_again(float* y) {
  __shared__ float shared[64];
  float sum = 0.0f;
  for (int round = 0; round < 2; ++round) {
    shared[threadIdx.x] = static_cast<float>(round);
    __syncthreads();
    sum += shared[63 - threadIdx.x];
    if (!kFaulty) __syncthreads();
  }
  y[threadIdx.x] = sum;
}

template <bool kFaulty>
__global__ void tree_without_barrier(float* y) {
  __shared__ float shared[128];
  shared[threadIdx.x] = 1.0f;
  __syncthreads();
  for (unsigned half = 64; half > 0; half /= 2) {
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    if (!kFaulty || half == 64) __syncthreads();
  }
  if (threadIdx.x == 0) *y = shared[0];
}

template <bool kFaulty>
__global__ void atomic_and_plain(float* y) {
  if (kFaulty && threadIdx.x == 0 && blockIdx.x == 1) {
    *y = 1.0f;
  } else {
    atomicAdd(y, 1.0f);
  }
}

/// Neighbouring blocks read each other's last element, which its owner writes.
template <bool kFaulty>
__global__ void reads_its_neighbour(const float* x, float* y) {
  const unsigned i = blockIdx.x * 32 + threadIdx.x;
  y[i] = 2.0f * (kFaulty && i > 0 ? y[i - 1] : x[i]);
}

template <class Kernel>
Fault fault(const char* name, Shape shape, Kernel right, Kernel wrong) {
  return {name, "race", false, [=](bool faulty) {
            const DeviceArray y(128);
            launch(shape, faulty ? wrong : right, y.get());
          }};
}

}  // namespace

std::vector<Fault> race_faults() {
  return {
      fault("missing_syncthreads", {1, 64}, missing_syncthreads<false>, missing_syncthreads<true>),
      fault("missing_syncwarp", {1, 32}, missing_syncwarp<false>, missing_syncwarp<true>),
      fault("shuffle_as_fence", {1, 32}, shuffle_as_fence<false>, shuffle_as_fence<true>),
      fault("two_blocks_one_sum", {2, 32}, two_blocks_one_sum<false>, two_blocks_one_sum<true>),
      fault("two_warps_one_sum", {1, 128}, two_warps_one_sum<false>, two_warps_one_sum<true>),
      fault("all_store_one_flag", {1, 64}, all_store_one_flag<false>, all_store_one_flag<true>),
      fault("buffer_used_again", {1, 64}, buffer_used_again<false>, buffer_used_again<true>),
      fault("tree_without_barrier", {1, 128}, tree_without_barrier<false>, tree_without_barrier<true>),
      fault("atomic_and_plain", {2, 32}, atomic_and_plain<false>, atomic_and_plain<true>),
      {"reads_its_neighbour", "race", false,
       [](bool faulty) {
         const DeviceArray x(64), y(64);
         PLANTED_LAUNCH(faulty, reads_its_neighbour, ({2, 32}), x.get(), y.get());
       }},
  };
}

}  // namespace planted
