// SPDX-License-Identifier: MIT
// Loads of what nobody wrote.

#include "planted.hpp"

namespace planted {
namespace {

template <bool kFaulty>
__global__ void unwritten_shared(float* y) {
  __shared__ float shared[64];
  if (!kFaulty || threadIdx.x != 5) shared[threadIdx.x] = 1.0f;
  __syncthreads();
  y[threadIdx.x] = shared[threadIdx.x];
}

/// A block finds nothing of what the block before it left in shared memory.
template <bool kFaulty>
__global__ void shared_of_the_block_before(float* y) {
  __shared__ float shared[32];
  if (!kFaulty || blockIdx.x == 0) shared[threadIdx.x] = 1.0f;
  __syncthreads();
  y[blockIdx.x * 32 + threadIdx.x] = shared[threadIdx.x];
}

template <bool kFaulty>
__global__ void copy(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];
}

template <bool kFaulty>
__global__ void write_every_other(float* x) {
  if (!kFaulty || threadIdx.x % 2 == 0) x[threadIdx.x] = 1.0f;
}

template <bool kFaulty>
__global__ void add_to(float* y) {
  atomicAdd(y + threadIdx.x, 1.0f);
}

void run_half_written(bool faulty) {
  const DeviceArray x(64, false), y(64);
  PLANTED_LAUNCH(faulty, write_every_other, ({1, 64}), x.get());
  PLANTED_LAUNCH(faulty, copy, ({1, 64}), x.get(), y.get());
}

}  // namespace

std::vector<Fault> content_faults() {
  return {
      {"unwritten_shared", "uninitialised", false,
       [](bool faulty) {
         const DeviceArray y(64);
         PLANTED_LAUNCH(faulty, unwritten_shared, ({1, 64}), y.get());
       }},
      {"shared_of_the_block_before", "uninitialised", false,
       [](bool faulty) {
         const DeviceArray y(64);
         PLANTED_LAUNCH(faulty, shared_of_the_block_before, ({2, 32}), y.get());
       }},
      {"unwritten_global", "uninitialised", false,
       [](bool faulty) {
         const DeviceArray x(64, !faulty), y(64);
         PLANTED_LAUNCH(faulty, copy, ({1, 64}), x.get(), y.get());
       }},
      {"half_written_global", "uninitialised", false, run_half_written},
      {"atomic_on_unwritten", "uninitialised", false,
       [](bool faulty) {
         const DeviceArray y(32, !faulty);
         PLANTED_LAUNCH(faulty, add_to, ({1, 32}), y.get());
       }},
  };
}

}  // namespace planted
