// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace warpgnn::kernels {

/// The graph of a batch that holds a node: the last one whose nodes begin at or before it.
__device__ inline std::int64_t graph_of(const std::int64_t* offsets, std::int64_t graphs, std::int64_t node) {
  std::int64_t low = 0, high = graphs;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    if (__ldg(offsets + middle) <= node) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace warpgnn::kernels
