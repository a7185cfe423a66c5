// SPDX-License-Identifier: MIT
// Traffic: lanes of a warp wait at each access until none of them can go on; then those at the same instruction make
// one request. Which instruction goes first follows what a GPU's convergence does: the innermost call, and in it the
// first in the code, so that lanes that are behind catch up.

#include "traffic.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace simt {
namespace {

constexpr std::uintptr_t kSectorBytes = 32;  // allocations begin at sectors
constexpr std::uintptr_t kBankBytes = 4;
constexpr unsigned kBanks = 32;
constexpr std::size_t kWavefrontBytes = kBanks * kBankBytes;

struct Counting {
  std::uint64_t launch = 0;
  LaunchTraffic current;
  std::vector<LaunchTraffic> finished;
};

Counting& counting() {
  static Counting state;
  return state;
}

bool is_recent(const RecentLoads& recent, std::uintptr_t sector) {
  return std::any_of(recent.begin(), recent.end(), [&](const std::vector<std::uintptr_t>& load) {
    return std::binary_search(load.begin(), load.end(), sector);
  });
}

void count_global(const std::vector<const Access*>& accesses, RecentLoads& recent, GlobalTraffic& traffic) {
  std::vector<std::uintptr_t> sectors;
  for (const Access* access : accesses) {
    traffic.bytes += access->bytes;
    for (std::uintptr_t s = access->address / kSectorBytes; s * kSectorBytes < access->address + access->bytes; ++s) {
      sectors.push_back(s);
    }
  }
  std::sort(sectors.begin(), sectors.end());
  sectors.erase(std::unique(sectors.begin(), sectors.end()), sectors.end());
  ++traffic.requests;
  traffic.sectors += sectors.size();
  for (const std::uintptr_t sector : sectors) {
    Region* const region = device_memory().find(sector * kSectorBytes);
    if (region == nullptr) continue;
    SectorSet& seen = accesses.front()->kind == AccessKind::load ? region->loaded : region->stored;
    if (seen.insert(sector - region->base / kSectorBytes, counting().launch)) ++traffic.unique_sectors;
  }
  if (accesses.front()->kind != AccessKind::load) {
    traffic.fetched_sectors += sectors.size();
    return;
  }
  for (const std::uintptr_t sector : sectors) traffic.fetched_sectors += is_recent(recent, sector) ? 0 : 1;
  recent.push_back(std::move(sectors));
  if (recent.size() > kRecentLoads) recent.pop_front();
}

/// 8-byte accesses go by half warps and 16-byte ones by quarters; within a part, a pass serves each bank once, and
/// lanes that read the same word share it.
void count_shared(const std::vector<const Access*>& accesses, SharedTraffic& traffic) {
  const std::size_t lanes_per_part = kWavefrontBytes / std::max<std::size_t>(accesses.front()->bytes, kBankBytes);
  ++traffic.requests;
  for (std::size_t first = 0; first < accesses.size(); first += lanes_per_part) {
    std::vector<std::uintptr_t> words;
    for (std::size_t k = first; k < std::min(first + lanes_per_part, accesses.size()); ++k) {
      const Access& access = *accesses[k];
      for (std::uintptr_t w = access.address / kBankBytes; w * kBankBytes < access.address + access.bytes; ++w) {
        words.push_back(w);
      }
    }
    std::sort(words.begin(), words.end());
    if (accesses.front()->kind != AccessKind::atomic) words.erase(std::unique(words.begin(), words.end()), words.end());
    std::array<std::uint64_t, kBanks> load{};
    for (const std::uintptr_t word : words) ++load[word % kBanks];
    const std::uint64_t passes = *std::max_element(load.begin(), load.end());
    traffic.wavefronts += passes;
    traffic.conflicts += passes - 1;
  }
}

}  // namespace

void begin_traffic(const std::string& kernel, std::uint64_t launch) {
  counting().launch = launch;
  counting().current = {};
  counting().current.kernel = kernel;
}

void end_traffic() {
  counting().finished.push_back(std::exchange(counting().current, {}));
}

std::vector<LaunchTraffic> take_traffic() {
  return std::exchange(counting().finished, {});
}

void count_request(const std::vector<const Access*>& accesses, RecentLoads& recent) {
  LaunchTraffic& traffic = counting().current;
  const Access& first = *accesses.front();
  if (first.kind == AccessKind::atomic) traffic.atomics += accesses.size();
  if (device_memory().find(first.address) == nullptr) return count_shared(accesses, traffic.shared);
  count_global(accesses, recent, first.kind == AccessKind::load ? traffic.loads : traffic.stores);
}

void Block::wait_to_access(const Access& access) {
  Lane& lane = *running_;
  lane.access = access;
  lane.depth = lane.fiber.depth_of(access.frame);
  warps_[lane.warp].at_access |= 1u << lane.lane;
  suspend(lane);
}

bool Block::issue_accesses() {
  bool issued = false;
  for (unsigned w = 0; w < warps_.size(); ++w) {
    Warp& warp = warps_[w];
    if (warp.at_access == 0) continue;
    const auto before = [](const Lane& a, const Lane& b) {
      return a.depth != b.depth ? a.depth > b.depth : a.access.site < b.access.site;
    };
    const Lane* next = nullptr;
    for (unsigned lanes = warp.at_access; lanes != 0; lanes &= lanes - 1) {
      const Lane& lane = lane_of(w, static_cast<unsigned>(std::countr_zero(lanes)));
      if (next == nullptr || before(lane, *next)) next = &lane;
    }
    std::vector<const Access*> request;
    unsigned issuing = 0;
    for (unsigned lanes = warp.at_access; lanes != 0; lanes &= lanes - 1) {
      const Lane& lane = lane_of(w, static_cast<unsigned>(std::countr_zero(lanes)));
      if (before(*next, lane) || lane.access.bytes != next->access.bytes) continue;
      request.push_back(&lane.access);
      issuing |= 1u << lane.lane;
    }
    count_request(request, warp.recent_loads);
    warp.at_access &= ~issuing;
    make_ready(w, issuing);
    issued = true;
  }
  return issued;
}

}  // namespace simt
