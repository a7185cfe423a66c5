// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

namespace warpgnn::kernels {

/// ++counter, by one thread. What is launched later on the stream reads the new count.
template <class Counter>
__global__ void advance(Counter* counter) {
  *counter += 1;
}

}  // namespace warpgnn::kernels
