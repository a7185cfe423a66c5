// SPDX-License-Identifier: MIT
// Memory of the CUDA backend, and what a capture of its stream forbids.

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "kernels/base/launch.cuh"
#include "kernels/base/memory_pool.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

MemoryPool* memory_of(const CudaExec& exec) {
  return static_cast<MemoryPool*>(exec.memory);
}

/// Freed memory stays with the pool at a synchronisation. The default is to hand it back to the system each time, which
/// would turn every batch of a training loop into new mappings.
void keep_freed_memory(cudaMemPool_t pool) {
  std::uint64_t threshold = std::numeric_limits<std::uint64_t>::max();
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold), "cudaMemPoolSetAttribute");
}

/// In the stream's order. Without a pool there is only cudaFree, which must find the memory unused.
void give_back(const CudaExec& exec, void* memory) noexcept {
  const bool has_pool = memory_of(exec)->pool != nullptr;
  if (!has_pool) cudaStreamSynchronize(stream_of(exec));
  const cudaError_t status = has_pool ? cudaFreeAsync(memory, stream_of(exec)) : cudaFree(memory);
  if (status != cudaSuccess) cudaGetLastError();
}

}  // namespace

void open_memory(CudaExec& exec) {
  auto* const memory = new MemoryPool;
  exec.memory = memory;
  int supported = 0;
  check(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, exec.device), "cudaDeviceGetAttribute");
  if (supported == 0) return;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = exec.device;
  check(cudaMemPoolCreate(&memory->pool, &properties), "cudaMemPoolCreate");
  keep_freed_memory(memory->pool);
}

void close_memory(const CudaExec& exec) noexcept {
  const std::unique_ptr<MemoryPool> memory(memory_of(exec));
  if (memory == nullptr) return;
  for (void* const each : memory->retired) give_back(exec, each);
  if (memory->pool != nullptr) cudaMemPoolDestroy(memory->pool);  // once its last free has run
}

}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

// A legacy default stream that cannot be asked, because a blocking stream is being captured, cannot be used either.
bool is_capturing(const CudaExec& exec) noexcept {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  if (cudaStreamIsCapturing(stream_of(exec), &status) == cudaSuccess) return status != cudaStreamCaptureStatusNone;
  cudaGetLastError();
  return true;
}

void expect_no_capture(const CudaExec& exec, const std::string& action) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream_of(exec), &status), "stream");
  if (status == cudaStreamCaptureStatusNone) return;
  throw Error(ErrorCode::capturing,
              "stream: is being captured into a CUDA graph, which does not allow " + action +
                  ": do it before the capture; a first run of the same work, not captured, gives tensors and "
                  "workspaces their sizes");
}

void* allocate(const CudaExec& exec, std::size_t bytes) {
  const std::size_t wanted = std::max(bytes, kWorkspaceAlignment);
  // On a device an allocation would become a node of the graph, and the memory exist only while that runs.
  expect_no_capture(exec, "an allocation (" + std::to_string(wanted) + " bytes)");
  void* memory = nullptr;
  const cudaMemPool_t pool = memory_of(exec)->pool;
  const cudaError_t status =
      pool != nullptr ? cudaMallocFromPoolAsync(&memory, wanted, pool, stream_of(exec)) : cudaMalloc(&memory, wanted);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw Error(ErrorCode::out_of_memory, "memory: CUDA device " + std::to_string(exec.device) + " has not " +
                                              std::to_string(bytes) + " bytes left");
  }
  check(status, pool != nullptr ? "cudaMallocFromPoolAsync" : "cudaMalloc");
  return memory;
}

// A capture can only free what it allocated, and the graph may use this memory: it stays until the context closes.
void release(const CudaExec& exec, void* memory) noexcept {
  if (memory == nullptr) return;
  if (!is_capturing(exec)) return give_back(exec, memory);
  MemoryPool& owner = *memory_of(exec);
  const std::lock_guard lock(owner.mutex);
  owner.retired.push_back(memory);
}

}  // namespace warpgnn::backend
