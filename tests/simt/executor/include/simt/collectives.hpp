// SPDX-License-Identifier: MIT
#pragma once

// What threads of a warp or block do together, and who they are. Definitions: source/{warp,block}.cpp.

#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "simt/vector_types.hpp"

extern uint3 threadIdx;  // of the lane that is running: the scheduler sets it at each switch
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
inline constexpr int warpSize = 32;

namespace simt {

using Where = std::source_location;

enum class WarpOp : std::uint8_t {
  syncwarp,
  shuffle,
  shuffle_up,
  shuffle_down,
  shuffle_xor,
  ballot,
  any,
  all,
  match_any,
  match_all,
  reduce_add,
  reduce_and,
  reduce_or,
  reduce_xor,
  reduce_min,
  reduce_max,
  reduce_min_unsigned,
  reduce_max_unsigned,
};

/// A lane's part in a collective of its warp.
struct WarpCall {
  WarpOp op = WarpOp::syncwarp;
  unsigned mask = 0;
  std::uint64_t value = 0;
  int operand = 0;  // of a shuffle: lane, distance or XOR mask
  int width = warpSize;
};

/// Waits for the other lanes of the mask. Returns what the op gives to the calling lane.
std::uint64_t call_warp(const WarpCall& call, const Where& where);

enum class BlockOp : std::uint8_t { barrier, count, conjunction, disjunction };
int call_block(BlockOp op, bool predicate, const Where& where);

/// The block's dynamic shared memory.
void* dynamic_shared();

template <class T>
T shuffle(WarpOp op, unsigned mask, T value, int operand, int width, const Where& where) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= sizeof(std::uint64_t),
                "shuffles move numbers of up to 8 bytes");
  WarpCall call{.op = op, .mask = mask, .value = 0, .operand = operand, .width = width};
  std::memcpy(&call.value, &value, sizeof value);
  const std::uint64_t bits = call_warp(call, where);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline std::uint64_t vote(WarpOp op, unsigned mask, std::uint64_t value, const Where& where) {
  return call_warp(WarpCall{.op = op, .mask = mask, .value = value, .operand = 0, .width = warpSize}, where);
}

}  // namespace simt

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): the names are CUDA's
// The call's place stands in each report, hence the last argument, which callers leave to its default.

inline void __syncthreads(const simt::Where& where = simt::Where::current()) {
  simt::call_block(simt::BlockOp::barrier, false, where);
}
inline int __syncthreads_count(int predicate, const simt::Where& where = simt::Where::current()) {
  return simt::call_block(simt::BlockOp::count, predicate != 0, where);
}
inline int __syncthreads_and(int predicate, const simt::Where& where = simt::Where::current()) {
  return simt::call_block(simt::BlockOp::conjunction, predicate != 0, where);
}
inline int __syncthreads_or(int predicate, const simt::Where& where = simt::Where::current()) {
  return simt::call_block(simt::BlockOp::disjunction, predicate != 0, where);
}

inline void __syncwarp(unsigned mask = 0xffffffffu, const simt::Where& where = simt::Where::current()) {
  simt::vote(simt::WarpOp::syncwarp, mask, 0, where);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = warpSize,
              const simt::Where& where = simt::Where::current()) {
  return simt::shuffle(simt::WarpOp::shuffle, mask, value, lane, width, where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = warpSize,
                 const simt::Where& where = simt::Where::current()) {
  return simt::shuffle(simt::WarpOp::shuffle_up, mask, value, static_cast<int>(distance), width, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = warpSize,
                   const simt::Where& where = simt::Where::current()) {
  return simt::shuffle(simt::WarpOp::shuffle_down, mask, value, static_cast<int>(distance), width, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = warpSize,
                  const simt::Where& where = simt::Where::current()) {
  return simt::shuffle(simt::WarpOp::shuffle_xor, mask, value, lanes, width, where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, const simt::Where& where = simt::Where::current()) {
  return static_cast<unsigned>(simt::vote(simt::WarpOp::ballot, mask, predicate != 0, where));
}
inline int __any_sync(unsigned mask, int predicate, const simt::Where& where = simt::Where::current()) {
  return static_cast<int>(simt::vote(simt::WarpOp::any, mask, predicate != 0, where));
}
inline int __all_sync(unsigned mask, int predicate, const simt::Where& where = simt::Where::current()) {
  return static_cast<int>(simt::vote(simt::WarpOp::all, mask, predicate != 0, where));
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, const simt::Where& where = simt::Where::current()) {
  static_assert(std::is_integral_v<T>, "matches: integers");
  return static_cast<unsigned>(
      simt::shuffle(simt::WarpOp::match_any, mask, static_cast<std::uint64_t>(value), 0, warpSize, where));
}
template <class T>
unsigned __match_all_sync(unsigned mask, T value, int* all, const simt::Where& where = simt::Where::current()) {
  static_assert(std::is_integral_v<T>, "matches: integers");
  const auto lanes = static_cast<unsigned>(
      simt::shuffle(simt::WarpOp::match_all, mask, static_cast<std::uint64_t>(value), 0, warpSize, where));
  *all = lanes != 0;
  return lanes;
}

inline unsigned __reduce_add_sync(unsigned mask, unsigned value, const simt::Where& where = simt::Where::current()) {
  return static_cast<unsigned>(simt::vote(simt::WarpOp::reduce_add, mask, value, where));
}
inline int __reduce_add_sync(unsigned mask, int value, const simt::Where& where = simt::Where::current()) {
  return static_cast<int>(simt::vote(simt::WarpOp::reduce_add, mask, static_cast<unsigned>(value), where));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, const simt::Where& where = simt::Where::current()) {
  return static_cast<unsigned>(simt::vote(simt::WarpOp::reduce_and, mask, value, where));
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, const simt::Where& where = simt::Where::current()) {
  return static_cast<unsigned>(simt::vote(simt::WarpOp::reduce_or, mask, value, where));
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, const simt::Where& where = simt::Where::current()) {
  return static_cast<unsigned>(simt::vote(simt::WarpOp::reduce_xor, mask, value, where));
}
inline int __reduce_min_sync(unsigned mask, int value, const simt::Where& where = simt::Where::current()) {
  return static_cast<int>(simt::vote(simt::WarpOp::reduce_min, mask, static_cast<unsigned>(value), where));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value, const simt::Where& where = simt::Where::current()) {
  return static_cast<unsigned>(simt::vote(simt::WarpOp::reduce_min_unsigned, mask, value, where));
}
inline int __reduce_max_sync(unsigned mask, int value, const simt::Where& where = simt::Where::current()) {
  return static_cast<int>(simt::vote(simt::WarpOp::reduce_max, mask, static_cast<unsigned>(value), where));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value, const simt::Where& where = simt::Where::current()) {
  return static_cast<unsigned>(simt::vote(simt::WarpOp::reduce_max_unsigned, mask, value, where));
}

/// CUDA promises no more than the calling lane.
inline unsigned __activemask() {
  return 1u << ((threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % warpSize);
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
