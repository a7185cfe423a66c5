// SPDX-License-Identifier: MIT
// Allocations, by cudaMalloc, from pools and in captures.

#include <algorithm>
#include <map>
#include <memory>
#include <new>
#include <vector>

#include "region.hpp"
#include "report.hpp"
#include "runtime.hpp"
#include "simt/simt.hpp"
#include "work_log.hpp"

/// It only counts: memory comes from the host's heap as it is asked for.
struct CUmemPoolHandle_st {
  std::uint64_t threshold = 0, used = 0, reserved = 0;
  bool destroyed = false;
};

namespace simt {
namespace {

CUmemPoolHandle_st& default_pool() {
  static CUmemPoolHandle_st pool;
  return pool;
}

/// Those that programs made.
std::vector<std::unique_ptr<CUmemPoolHandle_st>>& own_pools() {
  static std::vector<std::unique_ptr<CUmemPoolHandle_st>> pools;
  return pools;
}

bool exists(cudaMemPool_t pool) {
  const auto& pools = own_pools();
  return pool == &default_pool() || std::any_of(pools.begin(), pools.end(), [&](const auto& each) {
           return each.get() == pool && !each->destroyed;
         });
}

void drop_finished_pools() {
  std::erase_if(own_pools(), [](const auto& pool) { return pool->destroyed && pool->used == 0; });
}

/// Which pool a live allocation came from.
std::map<void*, cudaMemPool_t>& owners() {
  static std::map<void*, cudaMemPool_t> pools;
  return pools;
}

/// Bytes of pinned memory on the host, by address.
std::map<const char*, std::size_t>& pinned() {
  static std::map<const char*, std::size_t> blocks;
  return blocks;
}

Region* region_at(void* memory) {
  return device_memory().find(reinterpret_cast<std::uintptr_t>(memory));
}

cudaError_t release(void* memory) {
  if (const Region* const region = region_at(memory); region != nullptr && region->of_graph) {
    return set_last_error(cudaErrorNotSupported);  // real graphs may leave memory behind for others to free
  }
  const std::size_t bytes = region_at(memory) == nullptr ? 0 : region_at(memory)->bytes;
  if (!device_memory().release(memory)) {
    report("freed", text("cudaFree of ", memory, ", which is no live allocation"));
    return set_last_error(cudaErrorInvalidValue);
  }
  if (const auto owner = owners().find(memory); owner != owners().end()) {
    owner->second->used -= bytes;
    owners().erase(owner);
    drop_finished_pools();
  }
  return cudaSuccess;
}

/// The address is known when the capture ends; there is memory behind it from the node on, until a node that frees it.
cudaError_t add_allocation_node(void* memory, cudaStream_t stream) {
  Region* const region = region_at(memory);
  region->of_graph = true;
  forbid(memory, region->bytes);
  const std::shared_ptr<void> owned(memory, [](void* given) { device_memory().release(given); });
  return enqueue(stream, [owned, bytes = region->bytes] {
    mark_uninitialised(owned.get(), bytes);
    return cudaSuccess;
  });
}

cudaError_t add_free_node(void* memory, cudaStream_t stream) {
  const Region* const region = region_at(memory);
  if (region == nullptr || !region->of_graph) {
    spoil_capture(stream);
    return set_last_error(cudaErrorInvalidValue);
  }
  return enqueue(stream, [memory, bytes = region->bytes] {
    forbid(memory, bytes);
    return cudaSuccess;
  });
}

}  // namespace

cudaError_t allocate(void** memory, std::size_t bytes) {
  const Api api;
  log_allocation();
  *memory = nullptr;
  if (breaks_captures()) return set_last_error(cudaErrorStreamCaptureUnsupported);
  if (bytes == 0) return cudaSuccess;
  *memory = device_memory().allocate(bytes);
  return *memory != nullptr ? cudaSuccess : set_last_error(cudaErrorMemoryAllocation);
}

cudaError_t allocate_from(cudaMemPool_t pool, void** memory, std::size_t bytes, cudaStream_t stream) {
  const Api api;
  log_allocation();
  *memory = nullptr;
  if (!computer().memory_pools) return set_last_error(cudaErrorNotSupported);
  if (!exists(pool)) return set_last_error(cudaErrorInvalidValue);
  if (bytes == 0) return cudaSuccess;
  if (is_capturing(stream)) {
    *memory = device_memory().allocate(bytes);
    return *memory != nullptr ? add_allocation_node(*memory, stream) : set_last_error(cudaErrorMemoryAllocation);
  }
  return enqueue(stream, [=] {
    *memory = device_memory().allocate(bytes);
    if (*memory == nullptr) return set_last_error(cudaErrorMemoryAllocation);
    owners()[*memory] = pool;
    pool->used += bytes;
    pool->reserved = std::max(pool->reserved, pool->used);
    return cudaSuccess;
  });
}

cudaError_t allocate_pinned(void** memory, std::size_t bytes) {
  const Api api;
  log_allocation();
  *memory = nullptr;
  if (breaks_captures()) return set_last_error(cudaErrorStreamCaptureUnsupported);
  if (bytes == 0) return cudaSuccess;
  *memory = ::operator new(bytes, std::nothrow);
  if (*memory == nullptr) return set_last_error(cudaErrorMemoryAllocation);
  pinned()[static_cast<const char*>(*memory)] = bytes;
  return cudaSuccess;
}

bool is_pinned(const void* memory, std::size_t bytes) {
  const auto* const first = static_cast<const char*>(memory);
  auto block = pinned().upper_bound(first);
  if (block == pinned().begin()) return false;
  --block;
  return first + bytes <= block->first + block->second;
}

void trim_pools() {
  const auto trim = [](CUmemPoolHandle_st& pool) {
    pool.reserved = std::max(pool.used, std::min(pool.reserved, pool.threshold));
  };
  trim(default_pool());
  for (const auto& pool : own_pools()) trim(*pool);
}

std::vector<PoolUse> pools_in_use() {
  const Api api;
  std::vector<PoolUse> uses;
  for (const auto& pool : own_pools()) uses.push_back({pool->used, pool->reserved});
  return uses;
}

}  // namespace simt

using simt::Api;
using simt::set_last_error;

cudaError_t cudaFreeHost(void* memory) {
  const Api api;
  if (memory == nullptr) return cudaSuccess;
  simt::log_allocation();
  if (simt::breaks_captures()) return set_last_error(cudaErrorStreamCaptureUnsupported);
  if (simt::pinned().erase(static_cast<const char*>(memory)) == 0) return set_last_error(cudaErrorInvalidValue);
  ::operator delete(memory);
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  const Api api;
  if (memory == nullptr) return cudaSuccess;
  simt::log_allocation();
  return simt::breaks_captures() ? set_last_error(cudaErrorStreamCaptureUnsupported) : simt::release(memory);
}

cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  const Api api;
  simt::log_allocation();
  if (simt::is_capturing(stream)) return simt::add_free_node(memory, stream);
  return simt::enqueue(stream, [=] { return memory == nullptr ? cudaSuccess : simt::release(memory); });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  *pool = &simt::default_pool();
  return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  const Api api;
  *pool = nullptr;
  if (!simt::computer().memory_pools) return set_last_error(cudaErrorNotSupported);
  const bool valid = properties->allocType == cudaMemAllocationTypePinned &&
                     properties->location.type == cudaMemLocationTypeDevice && properties->location.id == 0;
  if (!valid) return set_last_error(cudaErrorInvalidValue);
  simt::own_pools().push_back(std::make_unique<CUmemPoolHandle_st>());
  *pool = simt::own_pools().back().get();
  return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  const Api api;
  if (pool == &simt::default_pool() || !simt::exists(pool)) return set_last_error(cudaErrorInvalidValue);
  pool->destroyed = true;
  simt::drop_finished_pools();
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const Api api;
  if (!simt::exists(pool) || attribute != cudaMemPoolAttrReleaseThreshold) return set_last_error(cudaErrorInvalidValue);
  pool->threshold = *static_cast<const std::uint64_t*>(value);
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const Api api;
  if (!simt::exists(pool)) return set_last_error(cudaErrorInvalidValue);
  auto& number = *static_cast<std::uint64_t*>(value);
  switch (attribute) {
    case cudaMemPoolAttrReleaseThreshold: number = pool->threshold; return cudaSuccess;
    case cudaMemPoolAttrReservedMemCurrent: number = pool->reserved; return cudaSuccess;
    case cudaMemPoolAttrUsedMemCurrent: number = pool->used; return cudaSuccess;
  }
  return set_last_error(cudaErrorInvalidValue);
}
