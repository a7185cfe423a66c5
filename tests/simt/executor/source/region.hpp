// SPDX-License-Identifier: MIT
#pragma once

// Memory that kernels may access, and what the checks remember of it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace simt {

enum class Space : std::uint8_t { global, shared };
enum class ByteState : std::uint8_t { uninitialised, initialised, forbidden };

struct RaceCell;  // race_check.hpp

/// One array of race cells, for each 4 bytes of a region; untouched pages take no memory.
class RaceCells {
 public:
  RaceCells() = default;
  ~RaceCells();
  RaceCells(const RaceCells&) = delete;
  RaceCells& operator=(const RaceCells&) = delete;

  RaceCell& at(std::size_t word, std::size_t words);

 private:
  RaceCell* cells_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Which sectors of a region one launch touched.
class SectorSet {
 public:
  /// Returns whether the sector is new.
  bool insert(std::size_t sector, std::uint64_t launch);

 private:
  std::vector<bool> seen_;
  std::uint64_t launch_ = 0;
};

struct Region {
  Space space = Space::global;
  std::string name;
  std::uintptr_t base = 0;
  std::size_t bytes = 0;
  bool of_graph = false;  // allocated by a CUDA graph, whose launches make it accessible
  std::vector<ByteState> state;
  RaceCells cells;
  SectorSet loaded, stored;

  bool contains(std::uintptr_t address) const { return address - base < bytes; }
  void set_state(std::uintptr_t address, std::size_t count, ByteState value);
  std::string describe(std::uintptr_t address) const;
};

/// Device allocations. Freed ones stay in quarantine for a while, so that a late access finds what it used to be.
class DeviceMemory {
 public:
  ~DeviceMemory();

  void* allocate(std::size_t bytes);
  bool release(void* memory);  // false: not an allocation

  Region* find(std::uintptr_t address);
  /// What an address near or in no live allocation belongs to, in words.
  std::string describe_stray(std::uintptr_t address) const;
  /// Whether it lies in quarantine.
  bool was_freed(std::uintptr_t address) const;

  const std::map<std::uintptr_t, std::unique_ptr<Region>>& live() const { return live_; }

 private:
  void trim_quarantine();

  std::map<std::uintptr_t, std::unique_ptr<Region>> live_;
  std::map<std::uintptr_t, std::unique_ptr<Region>> freed_;
  std::vector<std::uintptr_t> freed_order_;
  std::size_t freed_bytes_ = 0;
  std::size_t allocations_ = 0;
  Region* last_found_ = nullptr;
};

DeviceMemory& device_memory();

/// For what the runtime itself writes: copies, fills, library calls.
void mark_initialised(const void* memory, std::size_t bytes);

}  // namespace simt
