// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Dropout of attention weights: each (edge, head) is dropped with `probability`, the rest scaled by 1/(1 - p).
/// The mask is dropout_keeps(seed, ..., edge id, head) of random.hpp: the same in forward and backward, never stored.
/// With a counter, [1] int64 on the op's device, the seed is dropout_seed(seed, counter), read when the op runs:
/// captured work that is replayed after advance_counter (elementwise.hpp) draws another mask. A backward must find the
/// counter as its forward did.
struct AttentionDropout {
  double probability = 0;
  std::uint64_t seed = 0;
  ConstTensorView counter{};
};

}  // namespace warpgnn
