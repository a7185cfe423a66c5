// SPDX-License-Identifier: MIT
// Launches: validation as the runtime does it, shared memory, the order of blocks, and what a launch leaves behind.

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <random>

#include "block.hpp"
#include "report.hpp"
#include "runtime.hpp"
#include "traffic.hpp"
#include "work_log.hpp"

namespace simt {
namespace {

constexpr std::size_t kStaticLimit = std::size_t{48} << 10;    // of shared memory without asking for more
constexpr std::size_t kLargestLimit = std::size_t{227} << 10;  // when asked, on compute capability 9
constexpr std::size_t kDynamicRedZone = 4096;
constexpr std::size_t kSharedAlignment = 128;
constexpr int kGarbage = 0xff;

struct Launches {
  std::uint64_t count = 0;
  std::uint32_t next_block_serial = 1;  // 0 stands for "nobody" in the race check
  std::vector<std::string> names;
  std::map<const void*, std::string> name_of;
  std::map<const void*, std::vector<SharedVariable>> shared_of;
  std::map<const void*, std::size_t> dynamic_limit;
  std::vector<char> dynamic_memory;
};

// Never destroyed: a kernel may still be launched by a destructor that runs later.
Launches& launches() {
  static Launches& all = *new Launches;
  return all;
}

// Nor is the block: its fibers stand in a loop that never returns.
Block& the_block() {
  static Block& block = *new Block;
  return block;
}

std::string print(const dim3& shape) {
  return text("(", shape.x, ",", shape.y, ",", shape.z, ")");
}

bool is_valid(const cudaLaunchConfig_t& config, const void* kernel) {
  const dim3 &grid = config.gridDim, &block = config.blockDim;
  const std::size_t threads = std::size_t{block.x} * block.y * block.z;
  const auto limit = launches().dynamic_limit.find(kernel);
  const std::size_t shared = limit == launches().dynamic_limit.end() ? kStaticLimit : limit->second;
  const bool shape_fits = threads > 0 && threads <= 1024 && block.x <= 1024 && block.y <= 1024 && block.z <= 64 &&
                          grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 0x7fffffffu && grid.y <= 65535 &&
                          grid.z <= 65535;
  if (shape_fits && config.dynamicSmemBytes <= shared && config.numAttrs == 0) return true;
  report("launch", text("launch of ", short_name(kernel), " with grid ", print(grid), ", block ", print(block), ", ",
                        config.dynamicSmemBytes, " bytes of dynamic shared memory (limit ", shared, "), ",
                        config.numAttrs, " attributes (none supported)"));
  return false;
}

/// The kernel's static variables, with the dynamic part last.
std::vector<std::unique_ptr<Region>> shared_regions(const void* kernel, std::size_t dynamic_bytes) {
  Launches& all = launches();
  const auto [entry, is_new] = all.shared_of.try_emplace(kernel);
  if (is_new) entry->second = shared_variables(kernel);
  std::vector<std::unique_ptr<Region>> regions;
  const auto add = [&](const std::string& name, std::uintptr_t address, std::size_t bytes) {
    auto region = std::make_unique<Region>();
    region->space = Space::shared;
    region->name = name;
    region->base = address;
    region->bytes = bytes;
    regions.push_back(std::move(region));
  };
  for (const SharedVariable& variable : entry->second) {
    add("__shared__ " + variable.name, variable.address, variable.bytes);
  }
  if (all.dynamic_memory.size() < dynamic_bytes + 2 * kDynamicRedZone) {
    all.dynamic_memory.resize(dynamic_bytes + 2 * kDynamicRedZone);
  }
  const auto start = reinterpret_cast<std::uintptr_t>(all.dynamic_memory.data()) + kDynamicRedZone;
  add("dynamic shared memory", start / kSharedAlignment * kSharedAlignment, dynamic_bytes);
  return regions;
}

/// A block finds nothing of what the block before it left.
void clear_shared(const std::vector<std::unique_ptr<Region>>& regions) {
  for (const auto& region : regions) {
    std::memset(reinterpret_cast<void*>(region->base), kGarbage, region->bytes);
    region->state.assign(region->bytes, ByteState::uninitialised);
  }
}

/// The order of blocks is free; it follows that of the lanes.
class BlockOrder {
 public:
  explicit BlockOrder(std::uint64_t count) : count_(count) {
    if (options().order != Order::random) return;
    shuffled_.resize(count);
    std::iota(shuffled_.begin(), shuffled_.end(), std::uint64_t{0});
    std::shuffle(shuffled_.begin(), shuffled_.end(), std::mt19937_64(options().seed));
  }

  std::uint64_t at(std::uint64_t turn) const {
    switch (options().order) {
      case Order::forward: return turn;
      case Order::reverse: return count_ - 1 - turn;
      case Order::random: return shuffled_[turn];
    }
    return turn;
  }

 private:
  std::uint64_t count_;
  std::vector<std::uint64_t> shuffled_;
};

void remember_launch(const void* kernel) {
  Launches& all = launches();
  ++all.count;
  const auto [entry, is_new] = all.name_of.try_emplace(kernel);
  if (!is_new) return;
  entry->second = short_name(kernel);
  if (std::find(all.names.begin(), all.names.end(), entry->second) == all.names.end()) {
    all.names.push_back(entry->second);
  }
}

cudaError_t run_grid(const cudaLaunchConfig_t& config, const Invocation& invocation) {
  begin_findings();
  if (!is_valid(config, invocation.kernel)) return set_last_error(cudaErrorInvalidConfiguration);
  remember_launch(invocation.kernel);
  Launches& all = launches();
  log_work(all.name_of[invocation.kernel]);
  const std::uint64_t blocks = std::uint64_t{config.gridDim.x} * config.gridDim.y * config.gridDim.z;
  const auto shared = shared_regions(invocation.kernel, config.dynamicSmemBytes);
  const Grid grid{.invocation = invocation,
                  .blocks = config.gridDim,
                  .threads = config.blockDim,
                  .first_block_serial = all.next_block_serial,
                  .shared = &shared};
  all.next_block_serial += static_cast<std::uint32_t>(blocks);
  watching = options().check_memory || options().check_races || options().count_traffic;
  if (options().count_traffic) begin_traffic(all.name_of[invocation.kernel], all.count);
  const BlockOrder order(blocks);
  bool running = true;
  for (std::uint64_t turn = 0; running && turn < blocks; ++turn) {
    clear_shared(shared);
    running = the_block().run(grid, order.at(turn));
  }
  if (options().count_traffic) end_traffic();
  return findings_of_launch() == 0 ? cudaSuccess : set_last_error(cudaErrorLaunchFailure);
}

}  // namespace

Options& options() {
  static Options current;
  return current;
}

cudaError_t launch(const cudaLaunchConfig_t& config, const Invocation& invocation) {
  return enqueue(config.stream, [config, invocation] { return run_grid(config, invocation); });
}

cudaError_t set_dynamic_shared_limit(const void* kernel, int bytes) {
  const Api api;
  if (bytes < 0 || static_cast<std::size_t>(bytes) > kLargestLimit) return set_last_error(cudaErrorInvalidValue);
  launches().dynamic_limit[kernel] = static_cast<std::size_t>(bytes);
  return cudaSuccess;
}

std::vector<std::string> launched_kernels() {
  return launches().names;
}

std::uint64_t launch_count() {
  return launches().count;
}

}  // namespace simt
