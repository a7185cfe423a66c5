// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace simt {

enum class AccessKind : std::uint8_t { load, store, atomic };

/// A lane's access to memory.
struct Access {
  std::uintptr_t address = 0;
  std::size_t bytes = 0;
  AccessKind kind = AccessKind::load;
  const void* site = nullptr;  // return address in the kernel
  std::uintptr_t frame = 0;    // of the function that makes it: the deeper, the lower
};

const char* name_of(AccessKind kind);

class Block;

/// The block whose lanes the calling thread is running, or null.
extern constinit thread_local Block* running_block;

/// Whether the launch that is running looks at accesses at all.
extern constinit bool watching;

void check_access(const Access& access);

/// Every access of kernel code passes here before it is made.
inline void on_access(const Access& access) {
  if (watching && running_block != nullptr) check_access(access);
}

}  // namespace simt
