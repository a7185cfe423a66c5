// SPDX-License-Identifier: MIT
// Where an access goes, and whether it may: bounds, lifetime, alignment, initialisation.

#include <algorithm>

#include "block.hpp"
#include "race_check.hpp"
#include "report.hpp"
#include "traffic.hpp"

namespace simt {
namespace {

template <class Variable>
bool is_within(std::uintptr_t address, const Variable& variable) {
  return address - reinterpret_cast<std::uintptr_t>(&variable) < sizeof variable;
}

/// Memory that no other thread can write: the lane's stack, built-in variables, constants, the kernel's arguments.
bool is_private(const Block& block, std::uintptr_t address) {
  if (is_within(address, threadIdx) || is_within(address, blockIdx)) return true;
  if (is_within(address, blockDim) || is_within(address, gridDim)) return true;
  const Invocation& invocation = block.grid().invocation;
  return address - reinterpret_cast<std::uintptr_t>(invocation.arguments.get()) < invocation.argument_bytes;
}

Region* region_of(const Block& block, std::uintptr_t address) {
  if (Region* const region = device_memory().find(address)) return region;
  for (const auto& shared : *block.grid().shared) {
    if (shared->contains(address)) return shared.get();
  }
  return nullptr;
}

std::string describe(const Block& block, const Access& access) {
  return text(name_of(access.kind), " of ", access.bytes, " bytes in ", short_name(block.grid().invocation.kernel),
              " at ", source_line(access.site));
}

/// An address in no region: of a shared variable, if it is near one.
std::string describe_stray(const Block& block, std::uintptr_t address) {
  for (const auto& shared : *block.grid().shared) {
    const std::size_t distance = address - shared->base - shared->bytes;
    if (distance < 4096) return text(distance, " bytes past the end of ", shared->name, " (", shared->bytes, " bytes)");
  }
  return device_memory().describe_stray(address);
}

void check_bounds(Block& block, const Region* region, const Access& access) {
  if (region == nullptr) {
    block.stop(
        device_memory().was_freed(access.address) ? "freed" : "bounds",
        text(describe(block, access), ": ", describe_stray(block, access.address), ", by ", block.place(block.lane())));
  }
  if (!region->contains(access.address + access.bytes - 1)) {
    block.stop("bounds", text(describe(block, access), " runs over the end of ", region->describe(access.address),
                              ", by ", block.place(block.lane())));
  }
}

void check_alignment(Block& block, const Region& region, const Access& access) {
  const bool whole = (access.bytes & (access.bytes - 1)) == 0;
  if (whole && access.address % access.bytes != 0) {
    block.stop("alignment", text(describe(block, access), " is misaligned: ", region.describe(access.address), ", by ",
                                 block.place(block.lane())));
  }
}

void check_state(Block& block, Region& region, const Access& access) {
  ByteState* const first = region.state.data() + (access.address - region.base);
  ByteState* const last = first + access.bytes;
  if (std::find(first, last, ByteState::forbidden) != last) {
    block.stop("bounds", text(describe(block, access), " touches padding of ", region.describe(access.address), ", by ",
                              block.place(block.lane())));
  }
  if (access.kind != AccessKind::store && std::find(first, last, ByteState::uninitialised) != last) {
    report("uninitialised",
           text(describe(block, access), " of ", region.describe(access.address), " which nobody wrote, by ",
                block.place(block.lane())),
           text(access.site));
  }
  if (access.kind != AccessKind::load) std::fill(first, last, ByteState::initialised);
}

}  // namespace

const char* name_of(AccessKind kind) {
  switch (kind) {
    case AccessKind::load: return "load";
    case AccessKind::store: return "store";
    case AccessKind::atomic: return "atomic";
  }
  return "access";
}

constinit bool watching = false;

void check_access(const Access& access) {
  Block& block = *running_block;
  if (block.on_stack(access.address) || is_private(block, access.address)) return;
  Region* const region = region_of(block, access.address);
  if (region == nullptr && access.kind == AccessKind::load && in_constants(access.address)) return;
  const Options& wanted = options();
  if (wanted.check_memory) {
    check_bounds(block, region, access);
    check_alignment(block, *region, access);
    check_state(block, *region, access);
  }
  if (region == nullptr) return;
  if (wanted.count_traffic) block.wait_to_access(access);
  if (wanted.check_races) check_races(block, *region, access);
}

}  // namespace simt
