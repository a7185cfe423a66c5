// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include "warpgnn/error.hpp"

namespace warpgnn::bench {

inline void check_cuda(cudaError_t status) {
  if (status != cudaSuccess) throw Error(ErrorCode::device_failure, cudaGetErrorString(status));
}

}  // namespace warpgnn::bench
