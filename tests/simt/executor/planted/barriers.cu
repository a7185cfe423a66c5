// SPDX-License-Identifier: MIT
// Threads that wait for the wrong threads, or for none.

#include "planted.hpp"

namespace planted {
namespace {

template <bool kFaulty>
__global__ void divergent_barrier(float* y) {
  if (kFaulty && threadIdx.x < 40) {
    y[threadIdx.x] = 1.0f;
    __syncthreads();
  } else {
    y[threadIdx.x] = 2.0f;
    __syncthreads();
  }
}

template <bool kFaulty>
__global__ void warp_waits_for_the_block(float* y) {
  if (threadIdx.x < 16) __syncwarp(kFaulty ? 0xffffffffu : 0x0000ffffu);
  __syncthreads();
  y[threadIdx.x] = 1.0f;
}

template <bool kFaulty>
__global__ void loops_of_different_length(float* y) {
  const unsigned rounds = kFaulty && threadIdx.x >= 32 ? 3 : 2;
  for (unsigned k = 0; k < rounds; ++k) __syncthreads();
  y[threadIdx.x] = static_cast<float>(__syncthreads_or(1));
}

template <bool kFaulty>
__global__ void mask_without_the_caller(float* y) {
  float value = static_cast<float>(threadIdx.x);
  if (threadIdx.x < 16) value = __shfl_xor_sync(kFaulty ? 0x00ffu : 0xffffu, value, 1);
  y[threadIdx.x] = value;
}

template <bool kFaulty>
__global__ void mask_beyond_the_block(float* y) {
  const float value = __shfl_xor_sync(kFaulty ? 0xffffffffu : 0xffffu, 1.0f, 1, 16);
  y[threadIdx.x] = value;
}

template <bool kFaulty>
__global__ void shuffle_from_outside(float* y) {
  float value = static_cast<float>(threadIdx.x);
  if (threadIdx.x < 16) value = __shfl_down_sync(0xffffu, value, 8, kFaulty ? 32 : 16);
  y[threadIdx.x] = value;
}

template <bool kFaulty>
__global__ void shuffle_from_the_departed(float* y) {
  if (threadIdx.x == 7 && kFaulty) return;
  y[threadIdx.x] = __shfl_sync(0xffffffffu, static_cast<float>(threadIdx.x), 7);
}

template <bool kFaulty>
__global__ void collectives_of_two_kinds(float* y) {
  float value = static_cast<float>(threadIdx.x);
  if (threadIdx.x < 20) {
    value = __shfl_xor_sync(kFaulty ? 0xffffffffu : 0xfffffu, value, 1);
  } else if (kFaulty) {
    value = static_cast<float>(__ballot_sync(0xffffffffu, value > 1.0f));
  }
  y[threadIdx.x] = value;
}

template <bool kFaulty>
__global__ void width_of_twelve(float* y) {
  y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1, kFaulty ? 12 : 8);
}

template <bool kFaulty>
__global__ void only_store(float* y) {
  y[threadIdx.x] = 1.0f;
}

template <class Kernel>
Fault fault(const char* name, const char* kind, Shape shape, Kernel right, Kernel wrong) {
  return {name, kind, false, [=](bool faulty) {
            const DeviceArray y(128);
            launch(shape, faulty ? wrong : right, y.get());
          }};
}

}  // namespace

std::vector<Fault> barrier_faults() {
  return {
      fault("divergent_barrier", "barrier", {1, 64}, divergent_barrier<false>, divergent_barrier<true>),
      fault("warp_waits_for_the_block", "deadlock", {1, 64}, warp_waits_for_the_block<false>,
            warp_waits_for_the_block<true>),
      fault("loops_of_different_length", "barrier", {1, 64}, loops_of_different_length<false>,
            loops_of_different_length<true>),
      fault("mask_without_the_caller", "mask", {1, 32}, mask_without_the_caller<false>, mask_without_the_caller<true>),
      fault("mask_beyond_the_block", "mask", {1, 16}, mask_beyond_the_block<false>, mask_beyond_the_block<true>),
      fault("shuffle_from_outside", "shuffle", {1, 32}, shuffle_from_outside<false>, shuffle_from_outside<true>),
      fault("shuffle_from_the_departed", "shuffle", {1, 32}, shuffle_from_the_departed<false>,
            shuffle_from_the_departed<true>),
      fault("collectives_of_two_kinds", "barrier", {1, 32}, collectives_of_two_kinds<false>,
            collectives_of_two_kinds<true>),
      fault("width_of_twelve", "mask", {1, 32}, width_of_twelve<false>, width_of_twelve<true>),
      {"too_much_shared", "launch", false,
       [](bool faulty) {
         const DeviceArray y(32);
         PLANTED_LAUNCH(faulty, only_store, ({1, 32, faulty ? 50000u : 40000u}), y.get());
       }},
      {"too_many_threads", "launch", false,
       [](bool faulty) {
         const DeviceArray y(1100);
         PLANTED_LAUNCH(faulty, only_store, ({1, faulty ? 1056u : 1024u}), y.get());
       }},
  };
}

}  // namespace planted
