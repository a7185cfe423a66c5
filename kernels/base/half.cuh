// SPDX-License-Identifier: MIT
#pragma once

// 16-bit storage in kernels: the device's own conversions.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "warpgnn/half.hpp"

namespace warpgnn::kernels {

__device__ __forceinline__ float to_accumulator(Float16 value) {
  return __half2float(__ushort_as_half(value.bits));
}
__device__ __forceinline__ float to_accumulator(BFloat16 value) {
  return __bfloat162float(__ushort_as_bfloat16(value.bits));
}
__device__ __forceinline__ float to_accumulator(float value) {
  return value;
}
__device__ __forceinline__ double to_accumulator(double value) {
  return value;
}

/// What `value` is stored as.
template <class S>
__device__ __forceinline__ S to_storage(Accumulator<S> value) {
  if constexpr (std::is_same_v<S, Float16>) {
    return S{__half_as_ushort(__float2half_rn(value))};
  } else if constexpr (std::is_same_v<S, BFloat16>) {
    return S{__bfloat16_as_ushort(__float2bfloat16_rn(value))};
  } else {
    return value;
  }
}

}  // namespace warpgnn::kernels
