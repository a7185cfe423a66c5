// SPDX-License-Identifier: MIT
#pragma once

// Where a context's memory on its device comes from. Host code.

#include <cuda_runtime.h>

#include <mutex>
#include <vector>

#include "host/core/backend.hpp"

namespace warpgnn::kernels {

/// What CudaExec::memory points to. Every context has a pool of its own: the device's default pool belongs to the whole
/// process, and so do its settings. All of a context's memory is gone before the context is, as each tensor keeps its
/// context alive.
struct MemoryPool {
  cudaMemPool_t pool = nullptr;  // null on a device without pools: cudaMalloc and cudaFree stand in
  std::mutex mutex;
  std::vector<void*> retired;  // released while the stream was captured, by work that the graph may repeat
};

/// Fills exec.memory; what is already there when it throws is left to close_memory.
void open_memory(backend::CudaExec& exec);
/// Gives everything back to the system, as far as the driver is still there. May find exec.memory null.
void close_memory(const backend::CudaExec& exec) noexcept;

}  // namespace warpgnn::kernels
