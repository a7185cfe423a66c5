#pragma once

// Adam for many parameters in one launch: the slots travel in the launch's own parameters, so nothing is uploaded.

#include <cmath>
#include <cstdint>

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

struct AdamRates {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
};

/// A block takes kAdamElements elements of one slot.
template <class T>
__global__ void __launch_bounds__(kAdamThreads)
    adam_update(AdamTable<T> table, AdamRates rates, const std::int64_t* step) {
  // The powers cost more than a block's updates, so one thread takes them for all.
  __shared__ T shared_step_size, shared_root_correction;
  if (threadIdx.x == 0) {
    const double t = static_cast<double>(*step);
    shared_step_size = static_cast<T>(rates.learning_rate / (1 - std::pow(rates.beta1, t)));
    shared_root_correction = static_cast<T>(1 / std::sqrt(1 - std::pow(rates.beta2, t)));
  }
  __syncthreads();
  const T step_size = shared_step_size, root_correction = shared_root_correction;
  const T beta1 = static_cast<T>(rates.beta1), beta2 = static_cast<T>(rates.beta2);
  const T rest1 = static_cast<T>(1 - rates.beta1), rest2 = static_cast<T>(1 - rates.beta2);
  const T epsilon = static_cast<T>(rates.epsilon), decay = static_cast<T>(rates.weight_decay);

  int s = 0;
  while (s + 1 < table.slots && blockIdx.x >= table.block_end[s]) ++s;
  const typename AdamTable<T>::Slot slot = table.slot[s];
  const std::uint32_t block = blockIdx.x - (s == 0 ? 0 : table.block_end[s - 1]);
  const std::int64_t begin = static_cast<std::int64_t>(block) * kAdamElements;
  const std::int64_t end = begin + kAdamElements < slot.count ? begin + kAdamElements : slot.count;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kAdamThreads) {
    const T value = slot.value[i];
    const T gradient = slot.gradient[i] + decay * value;
    const T m = beta1 * slot.first_moment[i] + rest1 * gradient;
    const T v = beta2 * slot.second_moment[i] + rest2 * gradient * gradient;
    slot.first_moment[i] = m;
    slot.second_moment[i] = v;
    slot.value[i] = value - step_size * m / (std::sqrt(v) * root_correction + epsilon);
  }
}

}  // namespace warpgnn::kernels
