// SPDX-License-Identifier: MIT
// The functions that a compiler calls before every access of code it compiles with -fsanitize=thread. Kernels are
// compiled so, and programs linked without ThreadSanitizer's own library: these take its place.

#include <cstring>

#include "access.hpp"
#include "block.hpp"
#include "simt/atomics.hpp"

using simt::Access;
using simt::AccessKind;

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): the compiler chose the names
#define SIMT_HOOK(name, kind, count)                                                           \
  extern "C" void name(void* address);                                                         \
  void name(void* address) {                                                                   \
    simt::on_access(Access{reinterpret_cast<std::uintptr_t>(address), count, AccessKind::kind, \
                           __builtin_return_address(0),                                        \
                           reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0))});     \
  }
#define SIMT_HOOKS(count)                                \
  SIMT_HOOK(__tsan_read##count, load, count)             \
  SIMT_HOOK(__tsan_write##count, store, count)           \
  SIMT_HOOK(__tsan_unaligned_read##count, load, count)   \
  SIMT_HOOK(__tsan_unaligned_write##count, store, count) \
  SIMT_HOOK(__tsan_volatile_read##count, load, count)    \
  SIMT_HOOK(__tsan_volatile_write##count, store, count)
SIMT_HOOKS(1)
SIMT_HOOKS(2)
SIMT_HOOKS(4)
SIMT_HOOKS(8)
SIMT_HOOKS(16)

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

void __tsan_read_range(void* address, std::size_t bytes) {
  simt::on_access(Access{reinterpret_cast<std::uintptr_t>(address), bytes, AccessKind::load,
                         __builtin_return_address(0), reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0))});
}
void __tsan_write_range(void* address, std::size_t bytes) {
  simt::on_access(Access{reinterpret_cast<std::uintptr_t>(address), bytes, AccessKind::store,
                         __builtin_return_address(0), reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0))});
}
void* __tsan_memcpy(void* target, const void* source, std::size_t bytes) {
  return std::memcpy(target, source, bytes);
}
void* __tsan_memset(void* target, int value, std::size_t bytes) {
  return std::memset(target, value, bytes);
}
void __tsan_atomic_thread_fence(int) {}

// Reference counts of shared_ptr in launchers. Device atomics come from simt/atomics.hpp; other host atomics in kernel
// files do not link.
int __tsan_atomic32_fetch_add(volatile int* address, int value, int) {
  return __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST);
}
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

// Where another sanitizer watches the kernels, nobody reports their plain accesses: to the checks all that an atomic
// finds would look unwritten.
void simt::note_atomic([[maybe_unused]] const void* address, [[maybe_unused]] std::size_t bytes,
                       [[maybe_unused]] const void* site) {
#if !defined(__SANITIZE_ADDRESS__)
  on_access(Access{reinterpret_cast<std::uintptr_t>(address), bytes, AccessKind::atomic, site,
                   reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0))});
#endif
}
