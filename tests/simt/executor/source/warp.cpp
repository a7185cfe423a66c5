// SPDX-License-Identifier: MIT
// Collectives of a warp: lanes that name the same mask in the same operation meet, and leave with their results.

#include <algorithm>
#include <bit>

#include "block.hpp"
#include "report.hpp"

namespace simt {
namespace {

const char* name_of(WarpOp op) {
  switch (op) {
    case WarpOp::syncwarp: return "__syncwarp";
    case WarpOp::shuffle: return "__shfl_sync";
    case WarpOp::shuffle_up: return "__shfl_up_sync";
    case WarpOp::shuffle_down: return "__shfl_down_sync";
    case WarpOp::shuffle_xor: return "__shfl_xor_sync";
    case WarpOp::ballot: return "__ballot_sync";
    case WarpOp::any: return "__any_sync";
    case WarpOp::all: return "__all_sync";
    case WarpOp::match_any: return "__match_any_sync";
    case WarpOp::match_all: return "__match_all_sync";
    default: return "__reduce_sync";
  }
}

bool is_shuffle(WarpOp op) {
  return op == WarpOp::shuffle || op == WarpOp::shuffle_up || op == WarpOp::shuffle_down || op == WarpOp::shuffle_xor;
}

std::string hex(unsigned mask) {
  return text("0x", std::hex, mask);
}

/// One step of a reduction over 32-bit numbers.
std::uint64_t fold(WarpOp op, std::uint64_t left, std::uint64_t right) {
  const auto a = static_cast<std::uint32_t>(left), b = static_cast<std::uint32_t>(right);
  const auto signed_a = static_cast<std::int32_t>(a), signed_b = static_cast<std::int32_t>(b);
  switch (op) {
    case WarpOp::reduce_add: return a + b;
    case WarpOp::reduce_and: return a & b;
    case WarpOp::reduce_or: return a | b;
    case WarpOp::reduce_xor: return a ^ b;
    case WarpOp::reduce_min: return static_cast<std::uint32_t>(std::min(signed_a, signed_b));
    case WarpOp::reduce_max: return static_cast<std::uint32_t>(std::max(signed_a, signed_b));
    case WarpOp::reduce_min_unsigned: return std::min(a, b);
    case WarpOp::reduce_max_unsigned: return std::max(a, b);
    default: return 0;
  }
}

/// The lane that a shuffle reads, by the rules of the PTX manual: outside its segment a lane reads itself.
unsigned source_lane(const WarpCall& call, unsigned lane) {
  const int width = call.width, own = static_cast<int>(lane);
  const int first = own / width * width;
  int source = own;
  switch (call.op) {
    case WarpOp::shuffle: return static_cast<unsigned>(first + (call.operand & (width - 1)));
    case WarpOp::shuffle_up: source = own - call.operand; break;
    case WarpOp::shuffle_down: source = own + call.operand; break;
    case WarpOp::shuffle_xor: source = own ^ call.operand; break;
    default: break;
  }
  // XOR may reach into an earlier segment, but not a later one.
  const bool below = call.op != WarpOp::shuffle_xor && source < first;
  return static_cast<unsigned>(below || source >= first + width ? own : source);
}

}  // namespace

std::uint64_t Block::call_warp(const WarpCall& call, const Where& where) {
  Lane& lane = *running_;
  lane.call = call;
  const WarpGroup& group = join_group(lane, call, where);
  const Warp& warp = warps_[lane.warp];
  if (is_complete(warp, group)) {
    complete(lane.warp, static_cast<std::size_t>(&group - warp.groups.data()));
    if (options().order == Order::random) yield(lane);
  } else {
    suspend(lane);
  }
  return lane.result;
}

const WarpGroup& Block::join_group(const Lane& lane, const WarpCall& call, const Where& where) {
  Warp& warp = warps_[lane.warp];
  const auto here = [&] {
    return text(name_of(call.op), " of ", line_of(where), " in ", short_name(grid_->invocation.kernel));
  };
  if ((call.mask >> lane.lane & 1u) == 0) {
    stop("mask", text(here(), ": mask ", hex(call.mask), " does not name the calling lane ", lane.lane));
  }
  if ((call.mask & ~warp.present) != 0) {
    stop("mask", text(here(), ": mask ", hex(call.mask), " names lanes that the block does not have"));
  }
  if (is_shuffle(call.op) &&
      (call.width < 1 || call.width > 32 || !std::has_single_bit(static_cast<unsigned>(call.width)))) {
    stop("mask", text(here(), ": width ", call.width, " is no power of two up to 32"));
  }
  for (WarpGroup& group : warp.groups) {
    if (group.mask != call.mask) continue;
    if (group.op != call.op) {
      stop("barrier", text("divergent collective: lane ", lane.lane, " comes to ", here(), " while lanes ",
                           hex(group.arrived), " wait at ", name_of(group.op), " of ", line_of(group.where)));
    }
    group.arrived |= 1u << lane.lane;
    return group;
  }
  warp.groups.push_back({call.op, call.mask, 1u << lane.lane, where});
  return warp.groups.back();
}

/// Lanes that have left the kernel are not waited for.
bool Block::is_complete(const Warp& warp, const WarpGroup& group) const {
  return (group.mask & ~(group.arrived | warp.exited)) == 0;
}

void Block::complete_groups(unsigned warp) {
  for (std::size_t k = warps_[warp].groups.size(); k-- > 0;) {
    if (is_complete(warps_[warp], warps_[warp].groups[k])) complete(warp, k);
  }
}

void Block::complete(unsigned warp, std::size_t number) {
  std::vector<WarpGroup>& groups = warps_[warp].groups;
  const WarpGroup group = groups[number];
  groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(number));
  const std::uint64_t common = is_shuffle(group.op) ? 0 : vote_result(warp, group);
  for (unsigned lanes = group.arrived; lanes != 0; lanes &= lanes - 1) {
    Lane& lane = lane_of(warp, static_cast<unsigned>(std::countr_zero(lanes)));
    lane.result = is_shuffle(group.op)            ? shuffle_result(warp, group, lane)
                  : group.op == WarpOp::match_any ? lanes_with(warp, group, lane.call.value)
                                                  : common;
  }
  // Shuffles and votes exchange registers; only __syncwarp orders memory.
  if (group.op == WarpOp::syncwarp && options().check_races) order_lanes(warp, group.arrived);
  make_ready(warp, group.arrived);
}

std::uint64_t Block::shuffle_result(unsigned warp, const WarpGroup& group, const Lane& lane) {
  const unsigned source = source_lane(lane.call, lane.lane);
  if ((group.arrived >> source & 1u) == 0) {
    report(
        "shuffle",
        text(name_of(group.op), " of ", line_of(group.where), " in ", short_name(grid_->invocation.kernel), ": lane ",
             lane.lane, " reads lane ", source, ", which does not take part (mask ", hex(group.mask), ")"),
        line_of(group.where));
    return 0;
  }
  return lane_of(warp, source).call.value;
}

/// The lanes that came with this value.
unsigned Block::lanes_with(unsigned warp, const WarpGroup& group, std::uint64_t value) {
  unsigned equal = 0;
  for (unsigned lanes = group.arrived; lanes != 0; lanes &= lanes - 1) {
    const auto other = static_cast<unsigned>(std::countr_zero(lanes));
    if (lane_of(warp, other).call.value == value) equal |= 1u << other;
  }
  return equal;
}

std::uint64_t Block::vote_result(unsigned warp, const WarpGroup& group) {
  const auto first = static_cast<unsigned>(std::countr_zero(group.arrived));
  const std::uint64_t first_value = lane_of(warp, first).call.value;
  switch (group.op) {
    case WarpOp::ballot: return group.arrived & ~lanes_with(warp, group, 0);
    case WarpOp::any: return lanes_with(warp, group, 0) != group.arrived;
    case WarpOp::all: return lanes_with(warp, group, 0) == 0;
    case WarpOp::match_all: return lanes_with(warp, group, first_value) == group.arrived ? group.arrived : 0;
    default: break;
  }
  std::uint64_t folded = first_value;
  for (unsigned lanes = group.arrived & (group.arrived - 1); lanes != 0; lanes &= lanes - 1) {
    folded = fold(group.op, folded, lane_of(warp, static_cast<unsigned>(std::countr_zero(lanes))).call.value);
  }
  return folded;
}

/// What any of the lanes did before is now before what each of them does next.
void Block::order_lanes(unsigned warp, unsigned lanes) {
  WarpClock joined{};
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    const WarpClock& clock = lane_of(warp, static_cast<unsigned>(std::countr_zero(rest))).clock;
    std::transform(joined.begin(), joined.end(), clock.begin(), joined.begin(),
                   [](std::uint32_t a, std::uint32_t b) { return std::max(a, b); });
  }
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    Lane& lane = lane_of(warp, static_cast<unsigned>(std::countr_zero(rest)));
    lane.clock = joined;
    ++lane.clock[lane.lane];
  }
}

}  // namespace simt
