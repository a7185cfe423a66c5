// SPDX-License-Identifier: MIT
#include "block.hpp"

#include <bit>
#include <cstring>

#include "report.hpp"
#include "traffic.hpp"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace simt {
namespace {

uint3 unflatten(std::uint64_t index, const dim3& shape) {
  return uint3{static_cast<unsigned>(index % shape.x), static_cast<unsigned>(index / shape.x % shape.y),
               static_cast<unsigned>(index / shape.x / shape.y)};
}

const char* name_of(BlockOp op) {
  switch (op) {
    case BlockOp::barrier: return "__syncthreads";
    case BlockOp::count: return "__syncthreads_count";
    case BlockOp::conjunction: return "__syncthreads_and";
    case BlockOp::disjunction: return "__syncthreads_or";
  }
  return "barrier";
}

bool is_same_place(const Where& a, const Where& b) {
  return a.line() == b.line() && std::strcmp(a.file_name(), b.file_name()) == 0;
}

/// Some set bit of a non-zero word.
unsigned any_bit(unsigned bits, unsigned random) {
  const unsigned turn = random % 32;
  return (static_cast<unsigned>(std::countr_zero(std::rotr(bits, static_cast<int>(turn)))) + turn) % 32;
}

}  // namespace

constinit thread_local Block* running_block = nullptr;

void* dynamic_shared() {
  return reinterpret_cast<void*>(running_block->grid().shared->back()->base);
}

std::uint64_t call_warp(const WarpCall& call, const Where& where) {
  return running_block->call_warp(call, where);
}

int call_block(BlockOp op, bool predicate, const Where& where) {
  return running_block->call_barrier(op, predicate, where);
}

// --- A block's life -------------------------------------------------------------------------------------------------

void Block::prepare(const Grid& grid, std::uint64_t index) {
  grid_ = &grid;
  serial_ = grid.first_block_serial + static_cast<std::uint32_t>(index);
  epoch_ = 0;
  barrier_ = {};
  aborted_ = false;
  threads_ = alive_ = grid.threads.x * grid.threads.y * grid.threads.z;
  random_state_ = (options().seed + 1) * 0x9E3779B97F4A7C15u ^ serial_ * 0xD1B54A32D192ED03u;
  ready_warps_ = 0;
  warps_.assign((threads_ + kWarpLanes - 1) / kWarpLanes, {});
  while (lanes_.size() < threads_) {
    lanes_.push_back(std::make_unique<Lane>());
    Lane& lane = *lanes_.back();
    lane.number = static_cast<unsigned>(lanes_.size() - 1);
    lane.warp = lane.number / kWarpLanes;
    lane.lane = lane.number % kWarpLanes;
    lane.fiber.create(lane.number, [this, &lane] { lane_main(lane); });
  }
  for (unsigned k = 0; k < threads_; ++k) {
    Lane& lane = *lanes_[k];
    lane.thread = unflatten(k, grid.threads);
    lane.clock.fill(0);
    lane.clock[lane.lane] = 1;
    warps_[lane.warp].present |= 1u << lane.lane;
    make_ready(lane.warp, 1u << lane.lane);
  }
  current_warp_ = options().order == Order::reverse ? static_cast<unsigned>(warps_.size()) - 1 : 0;
  blockIdx = unflatten(index, grid.blocks);
  blockDim = grid.threads;
  gridDim = grid.blocks;
}

bool Block::run(const Grid& grid, std::uint64_t index) {
  prepare(grid, index);
  running_block = this;
  while (alive_ > 0 && !aborted_) {
    if (Lane* const lane = choose()) {
      run_lane(*lane);
    } else if (!issue_accesses()) {
      report_deadlock();
      aborted_ = true;
    }
  }
  if (aborted_) unwind();
  running_block = nullptr;
  return !aborted_;
}

void Block::run_lane(Lane& lane) {
  running_ = &lane;
  threadIdx = lane.thread;
  lane.fiber.resume();
}

/// A fiber serves one lane number for all blocks to come.
void Block::lane_main(Lane& lane) {
  for (;;) {
    try {
      const Invocation& invocation = grid_->invocation;
      if (!aborted_) invocation.call(invocation.kernel, invocation.arguments.get());
    } catch (const LaneAborted&) {
      aborted_ = true;
    }
    exit(lane);
    lane.fiber.suspend();
  }
}

void Block::exit(Lane& lane) {
  make_waiting(lane);
  warps_[lane.warp].exited |= 1u << lane.lane;
  --alive_;
  if (aborted_) return;
  complete_groups(lane.warp);
  if (barrier_.arrived > 0 && barrier_.arrived == alive_) release_barrier();
}

/// Lets every lane that still has a stack leave it: each wakes in suspend(), which throws.
void Block::unwind() {
  for (unsigned k = 0; k < threads_; ++k) {
    const Lane& lane = *lanes_[k];
    const Warp& warp = warps_[lane.warp];
    if ((warp.exited >> lane.lane & 1u) == 0) run_lane(*lanes_[k]);
  }
}

void Block::suspend(Lane& lane) {
  make_waiting(lane);
  yield(lane);
}

/// Lets others go first.
void Block::yield(Lane& lane) {
  lane.fiber.suspend();
  if (aborted_) throw LaneAborted{};
}

void Block::stop(const char* kind, const std::string& what) {
  report(kind, what);
  throw LaneAborted{};
}

// --- Turns ----------------------------------------------------------------------------------------------------------

std::uint32_t Block::random() {
  random_state_ = random_state_ * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::uint32_t>(random_state_ >> 33);
}

void Block::make_ready(unsigned warp, unsigned lanes) {
  warps_[warp].ready |= lanes;
  if (warps_[warp].ready != 0) ready_warps_ |= 1u << warp;
}

void Block::make_waiting(const Lane& lane) {
  Warp& warp = warps_[lane.warp];
  warp.ready &= ~(1u << lane.lane);
  if (warp.ready == 0) ready_warps_ &= ~(1u << lane.warp);
}

/// In order: the current warp while it can go on, then the next in turn.
unsigned Block::choose_warp() {
  switch (options().order) {
    case Order::random: return any_bit(ready_warps_, random());
    case Order::forward: {
      const unsigned turned = std::rotr(ready_warps_, static_cast<int>(current_warp_));
      return (static_cast<unsigned>(std::countr_zero(turned)) + current_warp_) % 32;
    }
    case Order::reverse: {
      const unsigned turned = std::rotl(ready_warps_, static_cast<int>(31 - current_warp_));
      return (current_warp_ + 32 - static_cast<unsigned>(std::countl_zero(turned))) % 32;
    }
  }
  return 0;
}

Lane* Block::choose() {
  if (ready_warps_ == 0) return nullptr;
  current_warp_ = choose_warp();
  const unsigned ready = warps_[current_warp_].ready;
  unsigned lane = 0;
  switch (options().order) {
    case Order::forward: lane = static_cast<unsigned>(std::countr_zero(ready)); break;
    case Order::reverse: lane = 31 - static_cast<unsigned>(std::countl_zero(ready)); break;
    case Order::random: lane = any_bit(ready, random()); break;
  }
  return &lane_of(current_warp_, lane);
}

// --- The block's barrier --------------------------------------------------------------------------------------------

int Block::call_barrier(BlockOp op, bool predicate, const Where& where) {
  Lane& lane = *running_;
  if (barrier_.arrived > 0 && (op != barrier_.op || !is_same_place(where, barrier_.where))) {
    stop("barrier", text("divergent barrier in ", short_name(grid_->invocation.kernel), ": ", barrier_.arrived,
                         " threads stand at ", name_of(barrier_.op), " of ", line_of(barrier_.where), " while ",
                         place(lane), " comes to ", name_of(op), " of ", line_of(where)));
  }
  barrier_.op = op;
  barrier_.where = where;
  ++barrier_.arrived;
  if (predicate) ++barrier_.holding;
  const std::uint32_t epoch = epoch_;
  if (barrier_.arrived == alive_) {
    release_barrier();
    if (options().order == Order::random) yield(lane);
  } else {
    suspend(lane);
  }
  return barrier_.result[epoch % 2];
}

void Block::release_barrier() {
  int& result = barrier_.result[epoch_ % 2];
  const auto holding = static_cast<int>(barrier_.holding);
  result = barrier_.op == BlockOp::count         ? holding
           : barrier_.op == BlockOp::conjunction ? static_cast<int>(barrier_.holding == barrier_.arrived)
                                                 : static_cast<int>(holding != 0);
  ++epoch_;
  barrier_.arrived = barrier_.holding = 0;
  for (unsigned w = 0; w < warps_.size(); ++w) make_ready(w, warps_[w].present & ~warps_[w].exited);
}

// --- Reports --------------------------------------------------------------------------------------------------------

std::string Block::place(const Lane& lane) const {
  const uint3& t = lane.thread;
  return text("block (", blockIdx.x, ",", blockIdx.y, ",", blockIdx.z, ") thread (", t.x, ",", t.y, ",", t.z, ")");
}

void Block::report_deadlock() {
  std::string what = text("deadlock in ", short_name(grid_->invocation.kernel), ", block ", blockIdx.x);
  if (barrier_.arrived > 0) {
    what += text("; ", barrier_.arrived, " of ", alive_, " threads wait at ", name_of(barrier_.op), " of ",
                 line_of(barrier_.where));
  }
  for (unsigned w = 0; w < warps_.size(); ++w) {
    for (const WarpGroup& group : warps_[w].groups) {
      what += text("; lanes 0x", std::hex, group.arrived, " of warp ", std::dec, w, " wait at ", line_of(group.where),
                   " for mask 0x", std::hex, group.mask);
    }
  }
  report("deadlock", what);
}

}  // namespace simt
