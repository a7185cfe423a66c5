// SPDX-License-Identifier: MIT
#pragma once

// Everything between a launcher and the CUDA runtime: error checks, the one way to launch, dynamic shared memory.

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>
#include <utility>

#include "host/core/backend.hpp"

namespace warpgnn::kernels {

/// Throws Error(device_failure) that names what failed. Defined in runtime.cu.
void check(cudaError_t status, const char* what);

inline cudaStream_t stream_of(const backend::CudaExec& exec) {
  return static_cast<cudaStream_t>(exec.stream);
}

/// Blocks that cover `items` when each covers `per_block`; the launch limit of 2^31 - 1 blocks is never reached by
/// counts that fit int32 nodes and edges.
constexpr unsigned blocks_for(std::int64_t items, std::int64_t per_block) {
  return static_cast<unsigned>((items + per_block - 1) / per_block);
}

/// The most blocks of a grid in y.
inline constexpr std::int64_t kMaxGridY = 65535;

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
};

/// Launches on the executor's stream; an empty grid launches nothing.
template <class... Parameters, class... Arguments>
void launch(const backend::CudaExec& exec, const char* name, void (*kernel)(Parameters...), const LaunchShape& shape,
            Arguments&&... arguments) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream_of(exec);
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), name);
}

/// Calls `function` with the flag as a compile-time constant.
template <class Function>
void with_flag(bool flag, Function&& function) {
  if (flag) return function(std::true_type{});
  function(std::false_type{});
}

}  // namespace warpgnn::kernels

/// Declares `name` as the block's dynamic shared memory, seen as an array of T. The host executor of tests/simt gives
/// its own definition.
#ifndef WARPGNN_DYNAMIC_SHARED
#define WARPGNN_DYNAMIC_SHARED(T, name)                         \
  extern __shared__ __align__(16) unsigned char name##_bytes[]; \
  T* const name = reinterpret_cast<T*>(name##_bytes)
#endif
