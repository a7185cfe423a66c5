// SPDX-License-Identifier: MIT
#include "race_check.hpp"

#include <algorithm>

#include "report.hpp"

namespace simt {
namespace {

/// Addresses in the program fit 32 bits relative to one of its functions.
const char* const kSiteBase = reinterpret_cast<const char*>(&check_races);

std::uint32_t pack_site(const void* site) {
  return static_cast<std::uint32_t>(static_cast<const char*>(site) - kSiteBase);
}
const void* unpack_site(std::uint32_t site) {
  return kSiteBase + static_cast<std::int32_t>(site);
}

class RaceChecker {
 public:
  RaceChecker(Block& block, const Region& region)
      : block_(block), region_(region), lane_(block.lane()), shared_(region.space == Space::shared) {}

  void visit(RaceCell& cell, std::uintptr_t word, const RaceRecord& now) const {
    if (now.kind == AccessKind::load) {
      conflict(cell.store, now, word);
      conflict(cell.atomic, now, word);
      remember_load(cell, now);
      return;
    }
    conflict(cell.store, now, word);
    if (now.kind == AccessKind::store) conflict(cell.atomic, now, word);
    for (const RaceRecord& load : cell.load) conflict(load, now, word);
    (now.kind == AccessKind::store ? cell.store : cell.atomic) = now;
  }

  RaceRecord record_of(const Access& access, std::uint8_t bytes) const {
    return RaceRecord{block_.serial(),
                      block_.epoch(),
                      lane_.clock[lane_.lane],
                      pack_site(access.site),
                      static_cast<std::uint16_t>(lane_.number),
                      bytes,
                      access.kind};
  }

 private:
  /// From an earlier launch, or, of shared memory, an earlier block: not there any more.
  bool is_stale(const RaceRecord& record) const {
    if (shared_) return record.block != block_.serial();
    return record.block < block_.grid().first_block_serial;
  }

  /// Whether the record happened before what the lane does now.
  bool is_ordered(const RaceRecord& record) const {
    if (record.block != block_.serial()) return is_stale(record);
    if (record.thread == lane_.number || record.epoch < block_.epoch()) return true;
    return record.thread / kWarpLanes == lane_.warp && lane_.clock[record.thread % kWarpLanes] >= record.clock;
  }

  void conflict(const RaceRecord& before, const RaceRecord& now, std::uintptr_t word) const {
    if (before.block == 0 || (before.bytes & now.bytes) == 0 || is_ordered(before)) return;
    const void* const site = unpack_site(now.site);
    const void* const before_site = unpack_site(before.site);
    const std::string key = text(std::min(site, before_site), " ", std::max(site, before_site));
    const bool same_block = before.block == block_.serial();
    const bool same_warp = same_block && before.thread / kWarpLanes == lane_.warp;
    report("race",
           text("data race in ", short_name(block_.grid().invocation.kernel), " on ", region_.describe(word), ": ",
                name_of(now.kind), " by ", block_.place(lane_), " at ", source_line(site), ", unordered with the ",
                name_of(before.kind), " by thread ", before.thread, same_block ? " of the same block" : " of block ",
                same_block ? "" : std::to_string(before.block - block_.grid().first_block_serial), " at ",
                source_line(before_site), same_warp ? " (same warp: no __syncwarp between)" : ""),
           key);
  }

  void remember_load(RaceCell& cell, const RaceRecord& now) const {
    for (RaceRecord& load : cell.load) {
      if (load.block == now.block && load.thread == now.thread && load.epoch == now.epoch && load.clock == now.clock) {
        load.bytes = static_cast<std::uint8_t>(load.bytes | now.bytes);
        load.site = now.site;
        return;
      }
    }
    for (RaceRecord& load : cell.load) {
      if (load.block == 0 || is_ordered(load)) {
        load = now;
        return;
      }
    }
    const bool same_block = cell.load[0].block == cell.load[1].block;
    const bool same_warp = same_block && cell.load[0].thread / kWarpLanes == cell.load[1].thread / kWarpLanes;
    const bool other_block = now.block != cell.load[0].block;
    const bool other_warp = now.thread / kWarpLanes != cell.load[0].thread / kWarpLanes;
    if ((same_block && other_block) || (same_warp && other_warp)) cell.load[1] = now;
  }

  Block& block_;
  const Region& region_;
  const Lane& lane_;
  bool shared_;
};

}  // namespace

void check_races(Block& block, Region& region, const Access& access) {
  const RaceChecker checker(block, region);
  const std::size_t words = region.bytes / 4 + 2;  // the first and last may be cut
  const std::uintptr_t first_word = region.base / 4;
  const std::uintptr_t end = access.address + access.bytes;
  for (std::uintptr_t word = access.address / 4; word * 4 < end; ++word) {
    unsigned bytes = 0xf;
    if (word * 4 < access.address) bytes &= 0xfu << (access.address - word * 4);
    if (word * 4 + 4 > end) bytes &= 0xfu >> (word * 4 + 4 - end);
    checker.visit(region.cells.at(word - first_word, words), std::max(word * 4, access.address),
                  checker.record_of(access, static_cast<std::uint8_t>(bytes)));
  }
}

}  // namespace simt
