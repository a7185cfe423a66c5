// SPDX-License-Identifier: MIT
// Memory of the CPU backend.

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "host/core/backend.hpp"

namespace warpgnn::backend {

void* allocate(const CpuExec&, std::size_t bytes) {
  const std::size_t rounded = (bytes / kWorkspaceAlignment + 1) * kWorkspaceAlignment;
  void* const memory = std::aligned_alloc(kWorkspaceAlignment, rounded);
  if (memory == nullptr) {
    throw Error(ErrorCode::out_of_memory, "memory: the CPU has not " + std::to_string(bytes) + " bytes left");
  }
  return memory;
}

void release(const CpuExec&, void* memory) noexcept {
  std::free(memory);
}

void copy_from_host(const CpuExec&, void* target, const void* source, std::size_t bytes) {
  if (bytes > 0) std::memcpy(target, source, bytes);
}

void copy_to_host(const CpuExec&, void* target, const void* source, std::size_t bytes) {
  if (bytes > 0) std::memcpy(target, source, bytes);
}

void fill_zero(const CpuExec&, void* target, std::size_t bytes) {
  if (bytes > 0) std::memset(target, 0, bytes);
}

void copy_rows(const CpuExec& exec, const RowsCopy& copy) {
  constexpr std::int64_t kSerialBytes = std::int64_t{1} << 20;  // below that, waking threads costs more than it gains
  const auto* const from = static_cast<const char*>(copy.from);
  auto* const to = static_cast<char*>(copy.to);
  const std::int64_t from_pitch = copy.from_pitch, to_pitch = copy.to_pitch;
  const auto width = static_cast<std::size_t>(copy.width);
#pragma omp parallel for schedule(static) num_threads(exec.threads) if (copy.rows * copy.width > kSerialBytes)
  for (std::int64_t r = 0; r < copy.rows; ++r) std::memcpy(to + r * to_pitch, from + r * from_pitch, width);
}

void synchronize(const CpuExec&) {}

void* open_uploads(const CpuExec& exec, std::size_t bytes) {
  return allocate(exec, bytes);
}
void close_uploads(const CpuExec& exec, void* uploads) noexcept {
  release(exec, uploads);
}
void* next_upload(const CpuExec&, void* uploads) {
  return uploads;
}
void send_upload(const CpuExec& exec, void* uploads, void* target, std::size_t bytes) {
  copy_from_host(exec, target, uploads, bytes);
}

void begin_recording(const CpuExec&) {}
void* end_recording(const CpuExec&) {
  return nullptr;
}
void replay(const CpuExec&, void*) {}
void drop_recording(const CpuExec&, void*) noexcept {}

// Out of line: code of one instruction-set level may define nothing that all share (tests/simd_symbols.sh).
[[noreturn]] void fail_for_memory(const char* op);
void fail_for_memory(const char* op) {
  throw Error(ErrorCode::out_of_memory, std::string(op) + ": no memory left for a dense product");
}

}  // namespace warpgnn::backend
