// SPDX-License-Identifier: MIT
#pragma once

// The seed of a dropout mask as kernels read it.

#include <cuda_runtime.h>

#include <cstdint>

#include "warpgnn/random.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn::kernels {

struct DropoutSeed {
  std::uint64_t seed;
  const std::int64_t* counter;  // null: none

  static DropoutSeed of(std::uint64_t seed, const ConstTensorView& counter) {
    return DropoutSeed{seed, counter.as<std::int64_t>()};
  }
  /// The seed in force, by the counter as it stands when the kernel runs.
  __device__ std::uint64_t now() const { return counter == nullptr ? seed : dropout_seed(seed, __ldg(counter)); }
};

}  // namespace warpgnn::kernels
