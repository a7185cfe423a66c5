// SPDX-License-Identifier: MIT
// Copies and fills.

#include <cstring>

#include "region.hpp"
#include "report.hpp"
#include "runtime.hpp"
#include "simt/host_work.hpp"
#include "simt/simt.hpp"
#include "work_log.hpp"

namespace simt {
namespace {

constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325u, kFnvPrime = 0x100000001b3u;

std::uint64_t copied_out = 0;

/// A sum over copies: host threads may make them in any order.
void mix(const void* bytes, std::size_t count) {
  const auto* const byte = static_cast<const unsigned char*>(bytes);
  std::uint64_t hash = kFnvOffset;
  for (std::size_t k = 0; k < count; ++k) hash = (hash ^ byte[k]) * kFnvPrime;
  copied_out += hash;
}

/// Whether all of it lies in one live allocation.
bool is_device(const void* memory, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const Region* const region = device_memory().find(address);
  return region != nullptr && bytes <= region->base + region->bytes - address;
}

cudaError_t refuse(const char* call, const char* what, const void* memory, std::size_t bytes) {
  report("bounds", text(call, ": ", what, " ", memory, " of ", bytes, " bytes is not within a device allocation"));
  return set_last_error(cudaErrorInvalidValue);
}

/// A copy between device arrays takes along what is known of each byte.
void copy_state(const void* target, const void* source, std::size_t bytes) {
  Region* const to = device_memory().find(reinterpret_cast<std::uintptr_t>(target));
  const Region* const from = device_memory().find(reinterpret_cast<std::uintptr_t>(source));
  std::memmove(to->state.data() + (reinterpret_cast<std::uintptr_t>(target) - to->base),
               from->state.data() + (reinterpret_cast<std::uintptr_t>(source) - from->base), bytes);
}

cudaError_t copy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return cudaSuccess;
  log_work("copy");
  const bool waits = (kind == cudaMemcpyHostToDevice && !is_pinned(source, bytes)) ||
                     (kind == cudaMemcpyDeviceToHost && !is_pinned(target, bytes));
  if (waits) log_wait();
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyDefault) return set_last_error(cudaErrorNotSupported);
  if (to_device && !is_device(target, bytes)) return refuse("cudaMemcpy", "target", target, bytes);
  if (from_device && !is_device(source, bytes)) return refuse("cudaMemcpy", "source", source, bytes);
  std::memcpy(target, source, bytes);
  if (kind == cudaMemcpyHostToDevice) mark_initialised(target, bytes);
  if (kind == cudaMemcpyDeviceToDevice) copy_state(target, source, bytes);
  if (kind == cudaMemcpyDeviceToHost) mix(target, bytes);
  return cudaSuccess;
}

cudaError_t fill(void* target, int value, std::size_t bytes) {
  if (bytes == 0) return cudaSuccess;
  if (!is_device(target, bytes)) return refuse("cudaMemset", "target", target, bytes);
  std::memset(target, value, bytes);
  mark_initialised(target, bytes);
  return cudaSuccess;
}

}  // namespace

std::uint64_t digest() {
  return copied_out;
}

void restart_digest() {
  copied_out = 0;
}

cudaError_t run_host_work(cudaStream_t stream, const std::function<void()>& work) {
  return enqueue(stream, [work] {
    work();
    return cudaSuccess;
  });
}

void mark_written(const void* memory, std::size_t bytes) {
  mark_initialised(memory, bytes);
}

}  // namespace simt

using simt::Api;
using simt::set_last_error;

cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind) {
  const Api api;
  if (simt::breaks_captures()) return set_last_error(cudaErrorStreamCaptureUnsupported);
  return simt::copy(target, source, bytes, kind);
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return simt::enqueue(stream, [=] { return simt::copy(target, source, bytes, kind); });
}

cudaError_t cudaMemset(void* target, int value, std::size_t bytes) {
  const Api api;
  return simt::fill(target, value, bytes);
}

cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream) {
  return simt::enqueue(stream, [=] {
    simt::log_work("fill");
    return simt::fill(target, value, bytes);
  });
}

cudaError_t cudaMemset2DAsync(void* target, std::size_t pitch, int value, std::size_t width, std::size_t height,
                              cudaStream_t stream) {
  if (width > pitch) return set_last_error(cudaErrorInvalidValue);
  return simt::enqueue(stream, [=] {
    simt::log_work("fill");
    for (std::size_t row = 0; row < height; ++row) {
      const cudaError_t status = simt::fill(static_cast<char*>(target) + row * pitch, value, width);
      if (status != cudaSuccess) return status;
    }
    return cudaSuccess;
  });
}
