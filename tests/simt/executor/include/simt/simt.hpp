// SPDX-License-Identifier: MIT
#pragma once

// What a test may ask of the executor: how to run, what to check, and what was seen.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace simt {

/// In which order the lanes and warps of a block run, and the blocks of a grid.
enum class Order { forward, reverse, random };

struct Options {
  Order order = Order::forward;
  std::uint64_t seed = 1;      ///< of Order::random
  bool check_memory = false;   ///< bounds, alignment, lifetime, initialisation of what kernels access
  bool check_races = false;    ///< unordered accesses of two lanes to the same bytes, one of them a write
  bool count_traffic = false;  ///< runs the lanes of a warp in step, access by access
  bool log_work = false;       ///< keeps a WorkLog
};
/// The options of the launches to come. The checks need kernels that were compiled with -fsanitize=thread.
Options& options();

/// What the runtime says of the computer: the executor runs kernels whatever that is. A driver of 0 is none; versions
/// are CUDA's, 13000 for 13.0.
struct Computer {
  int devices = 1;
  int driver = 13000;
  int capability = 90;  ///< times ten
  bool memory_pools = true;
};
Computer& computer();

struct Finding {
  std::string kind;  ///< bounds, freed, alignment, uninitialised, race, barrier, deadlock, mask, shuffle or launch
  std::string text;
};
/// What was found since the last call. A launch with findings fails with cudaErrorLaunchFailure.
std::vector<Finding> take_findings();

/// Kernels launched so far, by their names without template arguments, in order of their first launch.
std::vector<std::string> launched_kernels();
std::uint64_t launch_count();

/// What a program had a device do, and what it asked of the runtime while Options::log_work was set.
struct WorkLog {
  std::vector<std::string> work;  ///< in order, replayed work too: kernels by name, "product", "copy", "fill"
  std::uint64_t allocations = 0;  ///< of memory on the device or pinned on the host; giving it back counts as well
  std::uint64_t waits = 0;        ///< for the device; a copy from memory that is not pinned waits
};
/// That since the last call.
WorkLog take_work_log();

/// A mix of all that was copied from the device since the last restart: equal for runs that computed the same bits.
std::uint64_t digest();
void restart_digest();

// --- Memory contents ------------------------------------------------------------------------------------------------

/// Kernels may not read these bytes before they write them.
void mark_uninitialised(const void* memory, std::size_t bytes);
/// Kernels may not touch these bytes at all.
void forbid(const void* memory, std::size_t bytes);

/// A memory pool that a program made and that is not gone: it goes when it is destroyed and all of it is freed.
struct PoolUse {
  std::uint64_t used = 0;      ///< bytes in live allocations
  std::uint64_t reserved = 0;  ///< and in freed ones that a synchronisation has not given back
};
std::vector<PoolUse> pools_in_use();

// --- Library calls --------------------------------------------------------------------------------------------------

/// A kind of cuBLAS product, by the names of its types, and how the handle's math mode allows it to be computed.
struct ProductKind {
  std::string factors, result;
  bool in_tf32 = false;           ///< factors rounded to 10 bits
  bool on_tensor_cores = false;   ///< allowed where a device has them for these types
  bool partly_in_result = false;  ///< partial sums may be rounded to the result's type
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes a defaulted comparison for a null
  friend auto operator<=>(const ProductKind&, const ProductKind&) = default;
};
/// Those that ran since the last call, each once.
std::vector<ProductKind> take_products();

// --- Traffic --------------------------------------------------------------------------------------------------------

/// Loads of a warp that are sure still to be in a cache beside it.
inline constexpr std::size_t kRecentLoads = 8;

/// Requests are warps' accesses. A sector is an aligned run of 32 bytes, what memory moves at a time.
struct GlobalTraffic {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;            ///< that lanes asked for
  std::uint64_t sectors = 0;          ///< that each request touched: traffic without any cache
  std::uint64_t fetched_sectors = 0;  ///< of loads those that the warp's last kRecentLoads loads had not touched
  std::uint64_t unique_sectors = 0;   ///< that the launch touched: traffic with a perfect cache
};
struct SharedTraffic {
  std::uint64_t requests = 0;
  std::uint64_t wavefronts = 0;  ///< passes over the 32 banks
  std::uint64_t conflicts = 0;   ///< passes beyond what the width of the accesses needs
};
struct LaunchTraffic {
  std::string kernel;
  GlobalTraffic loads, stores;
  SharedTraffic shared;
  std::uint64_t atomics = 0;  ///< lanes' updates, which also count as stores
};
/// Of the launches since the last call that ran with count_traffic.
std::vector<LaunchTraffic> take_traffic();

}  // namespace simt
