// SPDX-License-Identifier: MIT
#include "region.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "race_check.hpp"
#include "report.hpp"
#include "simt/simt.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, bytes) (static_cast<void>(memory), static_cast<void>(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(memory, bytes) (static_cast<void>(memory), static_cast<void>(bytes))
#endif

namespace simt {
namespace {

constexpr std::size_t kAlignment = 256;  // of every allocation, as on a device
constexpr std::size_t kRedZone = 1024;   // on either side
constexpr std::size_t kQuarantineBytes = std::size_t{32} << 20;
constexpr int kGarbage = 0xff;

char* block_of(const Region& region) {
  return reinterpret_cast<char*>(region.base) - kRedZone;
}

std::size_t block_bytes(std::size_t bytes) {
  return kRedZone + (bytes + kAlignment - 1) / kAlignment * kAlignment + kRedZone;
}

void give_back(const Region& region) {
  ASAN_UNPOISON_MEMORY_REGION(block_of(region), block_bytes(region.bytes));
  std::free(block_of(region));
}

}  // namespace

// --- What is remembered of a region ---------------------------------------------------------------------------------

RaceCells::~RaceCells() {
  if (cells_ != nullptr) munmap(cells_, bytes_);
}

RaceCell& RaceCells::at(std::size_t word, std::size_t words) {
  if (cells_ == nullptr) {
    bytes_ = words * sizeof(RaceCell);
    void* const memory =
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    cells_ = static_cast<RaceCell*>(memory);
  }
  return cells_[word];
}

bool SectorSet::insert(std::size_t sector, std::uint64_t launch) {
  if (launch_ != launch) {
    seen_.clear();
    launch_ = launch;
  }
  if (sector >= seen_.size()) seen_.resize(std::max(sector + 1, 2 * seen_.size()));
  if (seen_[sector]) return false;
  seen_[sector] = true;
  return true;
}

void Region::set_state(std::uintptr_t address, std::size_t count, ByteState value) {
  const std::size_t first = address - base;
  std::fill_n(state.begin() + static_cast<std::ptrdiff_t>(first), std::min(count, bytes - first), value);
}

std::string Region::describe(std::uintptr_t address) const {
  return text(name, " + ", address - base, " of ", bytes, " bytes");
}

// --- Device allocations ---------------------------------------------------------------------------------------------

DeviceMemory::~DeviceMemory() {
  for (const auto& [base, region] : live_) give_back(*region);
  for (const auto& [base, region] : freed_) give_back(*region);
}

void* DeviceMemory::allocate(std::size_t bytes) {
  void* block = nullptr;
  if (posix_memalign(&block, kAlignment, block_bytes(bytes)) != 0) return nullptr;
  std::memset(block, kGarbage, block_bytes(bytes));
  auto region = std::make_unique<Region>();
  region->name = text("allocation ", ++allocations_);
  region->base = reinterpret_cast<std::uintptr_t>(block) + kRedZone;
  region->bytes = bytes;
  region->state.assign(bytes, ByteState::uninitialised);
  char* const memory = static_cast<char*>(block) + kRedZone;
  ASAN_POISON_MEMORY_REGION(block, kRedZone);
  ASAN_POISON_MEMORY_REGION(memory + bytes, block_bytes(bytes) - kRedZone - bytes);
  live_.emplace(region->base, std::move(region));
  return memory;
}

bool DeviceMemory::release(void* memory) {
  const auto found = live_.find(reinterpret_cast<std::uintptr_t>(memory));
  if (found == live_.end()) return false;
  last_found_ = nullptr;
  std::unique_ptr<Region> region = std::move(found->second);
  live_.erase(found);
  ASAN_POISON_MEMORY_REGION(memory, region->bytes);
  auto kept = std::make_unique<Region>();  // without what the checks remembered
  kept->name = region->name;
  kept->base = region->base;
  kept->bytes = region->bytes;
  freed_bytes_ += kept->bytes;
  freed_order_.push_back(kept->base);
  freed_.emplace(kept->base, std::move(kept));
  trim_quarantine();
  return true;
}

void DeviceMemory::trim_quarantine() {
  std::size_t gone = 0;
  for (; freed_bytes_ > kQuarantineBytes && gone < freed_order_.size(); ++gone) {
    const auto oldest = freed_.find(freed_order_[gone]);
    freed_bytes_ -= oldest->second->bytes;
    give_back(*oldest->second);
    freed_.erase(oldest);
  }
  freed_order_.erase(freed_order_.begin(), freed_order_.begin() + static_cast<std::ptrdiff_t>(gone));
}

Region* DeviceMemory::find(std::uintptr_t address) {
  if (last_found_ != nullptr && last_found_->contains(address)) return last_found_;
  auto next = live_.upper_bound(address);
  if (next == live_.begin()) return nullptr;
  Region* const region = (--next)->second.get();
  if (!region->contains(address)) return nullptr;
  return last_found_ = region;
}

bool DeviceMemory::was_freed(std::uintptr_t address) const {
  auto next = freed_.upper_bound(address);
  return next != freed_.begin() && (--next)->second->contains(address);
}

std::string DeviceMemory::describe_stray(std::uintptr_t address) const {
  if (was_freed(address)) return text("freed ", std::prev(freed_.upper_bound(address))->second->describe(address));
  const auto next = live_.upper_bound(address);
  if (next != live_.begin()) {
    const Region& before = *std::prev(next)->second;
    const std::size_t distance = address - before.base - before.bytes;
    if (distance < kRedZone)
      return text(distance, " bytes past the end of ", before.name, " (", before.bytes, " bytes)");
  }
  if (next != live_.end() && next->first - address <= kRedZone) {
    return text(next->first - address, " bytes before ", next->second->name);
  }
  return text("address 0x", std::hex, address, ", which is no device memory");
}

DeviceMemory& device_memory() {
  static DeviceMemory memory;
  return memory;
}

// --- Contents -------------------------------------------------------------------------------------------------------

namespace {

void set_state(const void* memory, std::size_t bytes, ByteState value) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  Region* const region = bytes == 0 ? nullptr : device_memory().find(address);
  if (region != nullptr) region->set_state(address, bytes, value);
}

}  // namespace

void mark_initialised(const void* memory, std::size_t bytes) {
  set_state(memory, bytes, ByteState::initialised);
}
void mark_uninitialised(const void* memory, std::size_t bytes) {
  set_state(memory, bytes, ByteState::uninitialised);
}
void forbid(const void* memory, std::size_t bytes) {
  set_state(memory, bytes, ByteState::forbidden);
}

}  // namespace simt
