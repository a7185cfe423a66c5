// SPDX-License-Identifier: MIT
#pragma once

// Adam for many parameters in one launch: the slots travel in the launch's own parameters, so nothing is uploaded.

#include <cmath>
#include <cstdint>

#include "host/math/adam.hpp"
#include "kernels/base/math.cuh"
#include "kernels/base/memory.cuh"

namespace warpgnn::kernels {

inline constexpr int kAdamThreads = 256;
inline constexpr int kAdamElements = 1024;  // of one slot, for one block
inline constexpr int kAdamSlots = 24;  // for one launch: the parameters stay well below the 4 KB that any device takes

template <class T>
struct AdamTable {
  struct Slot {
    T* value;
    const T* gradient;
    T* first_moment;
    T* second_moment;
    std::int64_t count;
  };
  Slot slot[kAdamSlots];
  std::uint32_t block_end[kAdamSlots];  // blocks of the slots up to and including this one
  int slots;
};

struct AdamSettings {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  bool decoupled;
};

/// Blocks that have read the counter, counted in bits that no number of steps reaches.
inline constexpr unsigned long long kAdamArrival = 1ull << 48;

/// Reads the counter of steps that are done, once for each block; the last block of the last launch of a step adds this
/// one to it.
__device__ inline std::int64_t count_adam_step(unsigned long long* step, bool is_last_launch) {
  if (!is_last_launch) return static_cast<std::int64_t>(atomicAdd(step, 0ull) % kAdamArrival);
  const unsigned long long before = atomicAdd(step, kAdamArrival), done = before % kAdamArrival;
  if (before / kAdamArrival + 1 == gridDim.x) atomicExch(step, done + 1);
  return static_cast<std::int64_t>(done);
}

/// A block takes kAdamElements elements of one slot.
template <class T>
__global__ void __launch_bounds__(kAdamThreads)
    adam_update(AdamTable<T> table, AdamSettings settings, unsigned long long* step, bool is_last_launch) {
  // The powers cost more than a block's updates, so one thread takes them for all.
  __shared__ math::AdamRates<T> shared_rates;
  if (threadIdx.x == 0) {
    const double t = static_cast<double>(count_adam_step(step, is_last_launch) + 1);
    shared_rates = math::adam_rates<T>(settings, 1 - std::pow(settings.beta1, t), 1 - std::pow(settings.beta2, t));
  }
  __syncthreads();
  const math::AdamRates<T> rates = shared_rates;

  int s = 0;
  while (s + 1 < table.slots && blockIdx.x >= table.block_end[s]) ++s;
  const typename AdamTable<T>::Slot slot = table.slot[s];
  const std::uint32_t block = blockIdx.x - (s == 0 ? 0 : table.block_end[s - 1]);
  const std::int64_t begin = static_cast<std::int64_t>(block) * kAdamElements;
  const std::int64_t end = begin + kAdamElements < slot.count ? begin + kAdamElements : slot.count;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kAdamThreads) {
    math::adam_update<Math>(rates, slot.gradient[i], slot.value[i], slot.first_moment[i], slot.second_moment[i]);
  }
}

}  // namespace warpgnn::kernels
