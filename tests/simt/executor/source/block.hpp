// SPDX-License-Identifier: MIT
#pragma once

// One block at a time: its lanes, their turns, and what they wait for.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "access.hpp"
#include "fiber.hpp"
#include "region.hpp"
#include "simt/collectives.hpp"
#include "simt/launch.hpp"
#include "simt/simt.hpp"
#include "symbols.hpp"

namespace simt {

inline constexpr unsigned kWarpLanes = 32;

/// What a lane has seen of its warp: entry k counts the steps of lane k that happened before its own next one.
using WarpClock = std::array<std::uint32_t, kWarpLanes>;

struct Lane {
  Fiber fiber;
  uint3 thread{};
  unsigned number = 0;  // in the block
  unsigned warp = 0;
  unsigned lane = 0;  // in the warp
  std::uint64_t result = 0;
  WarpCall call;
  Access access;             // that the lane waits to make
  std::uintptr_t depth = 0;  // of its frame
  WarpClock clock{};
};

/// Lanes that came to the same collective.
struct WarpGroup {
  WarpOp op = WarpOp::syncwarp;
  unsigned mask = 0;
  unsigned arrived = 0;
  Where where;
};

/// The sectors of a warp's last loads, each load's sorted.
using RecentLoads = std::deque<std::vector<std::uintptr_t>>;

struct Warp {
  unsigned present = 0;  // lanes that the block has
  unsigned ready = 0;
  unsigned exited = 0;
  unsigned at_access = 0;
  std::vector<WarpGroup> groups;
  RecentLoads recent_loads;  // where traffic is counted
};

/// The threads that stand at the block's barrier.
struct Barrier {
  unsigned arrived = 0;
  unsigned holding = 0;  // with a true predicate
  BlockOp op = BlockOp::barrier;
  Where where;
  std::array<int, 2> result{};  // of the last two barriers: a late lane still reads the one before
};

/// A launch as its blocks see it.
struct Grid {
  Invocation invocation;
  dim3 blocks, threads;
  std::uint32_t first_block_serial = 0;
  const std::vector<std::unique_ptr<Region>>* shared = nullptr;  // static variables, then the dynamic part
};

class Block {
 public:
  /// Runs one block of the grid to its end; false when it could not go on.
  bool run(const Grid& grid, std::uint64_t index);

  // --- Called by lanes
  std::uint64_t call_warp(const WarpCall& call, const Where& where);
  int call_barrier(BlockOp op, bool predicate, const Where& where);
  void wait_to_access(const Access& access);
  [[noreturn]] void stop(const char* kind, const std::string& what);

  // --- What the checks ask
  Lane& lane() { return *running_; }
  const Grid& grid() const { return *grid_; }
  std::uint32_t serial() const { return serial_; }
  std::uint32_t epoch() const { return epoch_; }  // barriers passed
  std::string place(const Lane& lane) const;
  bool on_stack(std::uintptr_t address) const { return running_->fiber.on_stack(address); }

 private:
  void prepare(const Grid& grid, std::uint64_t index);
  void run_lane(Lane& lane);
  void lane_main(Lane& lane);
  void suspend(Lane& lane);
  void yield(Lane& lane);
  void exit(Lane& lane);
  Lane* choose();
  unsigned choose_warp();
  bool issue_accesses();
  void report_deadlock();
  void unwind();

  // --- warp.cpp
  const WarpGroup& join_group(const Lane& lane, const WarpCall& call, const Where& where);
  bool is_complete(const Warp& warp, const WarpGroup& group) const;
  void complete(unsigned warp, std::size_t group);
  void complete_groups(unsigned warp);
  std::uint64_t shuffle_result(unsigned warp, const WarpGroup& group, const Lane& lane);
  unsigned lanes_with(unsigned warp, const WarpGroup& group, std::uint64_t value);
  std::uint64_t vote_result(unsigned warp, const WarpGroup& group);
  void order_lanes(unsigned warp, unsigned lanes);

  void release_barrier();
  Lane& lane_of(unsigned warp, unsigned lane) { return *lanes_[warp * kWarpLanes + lane]; }
  void make_ready(unsigned warp, unsigned lanes);
  void make_waiting(const Lane& lane);
  std::uint32_t random();

  const Grid* grid_ = nullptr;
  std::vector<std::unique_ptr<Lane>> lanes_;  // of the largest block so far
  std::vector<Warp> warps_;
  Barrier barrier_;
  Lane* running_ = nullptr;
  unsigned threads_ = 0;
  unsigned alive_ = 0;
  unsigned ready_warps_ = 0;
  unsigned current_warp_ = 0;
  bool aborted_ = false;
  std::uint32_t serial_ = 0;
  std::uint32_t epoch_ = 0;
  std::uint64_t random_state_ = 0;
};

}  // namespace simt
