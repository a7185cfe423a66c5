// SPDX-License-Identifier: MIT
#pragma once

// Choosing the nodes of highest score of every graph, and moving their rows along.
//
// A block takes a graph. Scores become unsigned keys of the same order; the key of the last node that is taken is found
// digit by digit, from counts of the nodes that share the digits found so far. The counts are whole numbers, so that
// the order of the atomics does not show. A last pass takes the nodes above that key, and of those at it the first.

#include <cstdint>
#include <cstring>

#include "kernels/base/launch.cuh"
#include "kernels/base/memory.cuh"
#include "kernels/base/row_tiles.cuh"
#include "kernels/base/warp.cuh"
#include "warpgnn/ops/top_k.hpp"

namespace warpgnn::kernels {

inline constexpr int kDigitBits = 8;
inline constexpr int kBins = 1 << kDigitBits;
/// The least and the most threads of a block; the former have a bin each.
inline constexpr int kTopKThreads = kBins;
inline constexpr int kMaxTopKThreads = 1024;
inline constexpr int kTopKWarps = kMaxTopKThreads / kWarpSize;

template <class T>
struct KeyOf;
template <>
struct KeyOf<float> {
  using type = std::uint32_t;
};
template <>
struct KeyOf<double> {
  using type = std::uint64_t;
};

/// A number that is larger for a larger score, the same for both zeros, and largest for NaN.
template <class T>
__device__ typename KeyOf<T>::type score_key(T score) {
  using Key = typename KeyOf<T>::type;
  constexpr Key kSign = Key(1) << (8 * sizeof(Key) - 1);
  if (score != score) return ~Key(0);
  const T value = score == T(0) ? T(0) : score;
  Key bits;
  memcpy(&bits, &value, sizeof bits);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

/// kept[g] = the nodes that the graphs before g keep, kept[graphs] = all. One block of kTopKThreads.
__global__ void __launch_bounds__(kTopKThreads) top_k_offsets(std::int64_t graphs, const std::int64_t* offsets,
                                                              double ratio, std::int64_t wanted, std::int64_t* kept) {
  __shared__ std::int64_t warp_total[kTopKThreads / kWarpSize];
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  const int own_warp = static_cast<int>(threadIdx.x) / kWarpSize;
  std::int64_t before = 0;
  for (std::int64_t first = 0; first < graphs; first += kTopKThreads) {
    const std::int64_t graph = first + threadIdx.x;
    const std::int64_t count = graph < graphs ? top_k_count(offsets[graph + 1] - offsets[graph], ratio, wanted) : 0;
    std::int64_t place = before + warp.sum_before(count);
    if (warp.lane == kWarpSize - 1) warp_total[own_warp] = place - before + count;
    __syncthreads();
    for (int w = 0; w < kTopKThreads / kWarpSize; ++w) {
      if (w < own_warp) place += warp_total[w];
      before += warp_total[w];
    }
    if (graph < graphs) kept[graph] = place;
    __syncthreads();
  }
  if (threadIdx.x == 0) kept[graphs] = before;
}

template <class T>
struct TopKArguments {
  const std::int64_t* offsets;
  const std::int64_t* kept;  // of top_k_offsets
  Rows<const T> score;
  Rows<std::int32_t> selected;
  Rows<std::int32_t> position;  // may be null
};

/// Where the taken part of a graph ends: all nodes above `key`, and the first `equals` of those at it.
template <class Key>
struct Threshold {
  Key key;
  unsigned equals;
};

/// How many nodes are in the bins of the threads before the calling one, where thread 0 has the highest bin. All
/// threads of the block call it; those without a bin pass 0.
__device__ inline unsigned count_above(unsigned own, const LaneGroup& warp, unsigned* warp_total) {
  unsigned above = warp.sum_before(own);
  const unsigned own_warp = threadIdx.x / kWarpSize;
  if (warp.lane == kWarpSize - 1) warp_total[own_warp] = above + own;
  __syncthreads();
  for (unsigned w = 0; w < own_warp; ++w) above += warp_total[w];
  return above;
}

template <class T>
__device__ Threshold<typename KeyOf<T>::type> find_threshold(const Rows<const T>& score, std::int64_t begin,
                                                             std::int64_t end, unsigned wanted, const LaneGroup& warp,
                                                             unsigned* bins, unsigned* warp_total,
                                                             unsigned* found /* digit, nodes above it */) {
  using Key = typename KeyOf<T>::type;
  Key key = 0;
#pragma unroll 1
  for (int shift = 8 * static_cast<int>(sizeof(Key)) - kDigitBits; shift >= 0; shift -= kDigitBits) {
    if (threadIdx.x < kBins) bins[threadIdx.x] = 0;
    __syncthreads();
#pragma unroll 4
    for (std::int64_t node = begin + threadIdx.x; node < end; node += blockDim.x) {
      const Key candidate = score_key(*score[node]);
      // Two shifts: one by all bits of a key is not defined.
      if (candidate >> shift >> kDigitBits == key >> shift >> kDigitBits) {
        atomicAdd(bins + static_cast<unsigned>(candidate >> shift) % kBins, 1u);
      }
    }
    __syncthreads();
    const unsigned digit = kBins - 1 - threadIdx.x;
    const unsigned own = threadIdx.x < kBins ? bins[digit] : 0;
    const unsigned above = count_above(own, warp, warp_total);
    if (above < wanted && wanted <= above + own) {
      found[0] = digit;
      found[1] = above;
    }
    __syncthreads();
    key |= static_cast<Key>(found[0]) << shift;
    wanted -= found[1];
  }
  return {key, wanted};
}

/// Writes the taken nodes in order, and every node's position.
template <class T>
__device__ void take_nodes(const TopKArguments<T>& arguments, std::int64_t begin, std::int64_t end, std::int64_t to,
                           const Threshold<typename KeyOf<T>::type>& threshold, const LaneGroup& warp,
                           unsigned* warp_count) {
  constexpr int kHalf = 16;  // bits: nodes above are counted in the upper half of a word, nodes at the key in the lower
  const unsigned own_warp = threadIdx.x / kWarpSize, warps = blockDim.x / kWarpSize;
  const unsigned lanes_before = (1u << warp.lane) - 1u;
  std::int64_t above_before = 0, equal_before = 0;
  for (std::int64_t first = begin; first < end; first += blockDim.x) {
    const std::int64_t node = first + threadIdx.x;
    const bool present = node < end;
    const auto key = present ? score_key(*arguments.score[node]) : threshold.key;
    const bool above = present && key > threshold.key, equal = present && key == threshold.key;
    const unsigned above_lanes = __ballot_sync(kAllLanes, above), equal_lanes = __ballot_sync(kAllLanes, equal);
    if (warp.lane == 0) {
      warp_count[own_warp] =
          static_cast<unsigned>(__popc(above_lanes)) << kHalf | static_cast<unsigned>(__popc(equal_lanes));
    }
    __syncthreads();
    unsigned before = 0, total = 0;
    for (unsigned w = 0; w < warps; ++w) {
      if (w < own_warp) before += warp_count[w];
      total += warp_count[w];
    }
    const std::int64_t above_rank = above_before + (before >> kHalf) + __popc(above_lanes & lanes_before);
    const std::int64_t equal_rank = equal_before + before % (1u << kHalf) + __popc(equal_lanes & lanes_before);
    const std::int64_t limit = threshold.equals;
    const bool taken = above || (equal && equal_rank < limit);
    const std::int64_t place = to + above_rank + (equal_rank < limit ? equal_rank : limit);
    if (taken) *arguments.selected[place] = static_cast<std::int32_t>(node);
    if (present && arguments.position) *arguments.position[node] = taken ? static_cast<std::int32_t>(place) : -1;
    above_before += total >> kHalf;
    equal_before += total % (1u << kHalf);
    __syncthreads();
  }
}

template <class T>
__global__ void __launch_bounds__(kMaxTopKThreads) segment_top_k_by_graph(TopKArguments<T> arguments) {
  __shared__ unsigned bins[kBins];
  __shared__ unsigned warp_total[kTopKWarps];
  __shared__ unsigned found[2];
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  const std::int64_t graph = blockIdx.x;
  const std::int64_t begin = arguments.offsets[graph], end = arguments.offsets[graph + 1];
  const std::int64_t to = arguments.kept[graph];
  const auto wanted = static_cast<unsigned>(arguments.kept[graph + 1] - to);
  if (wanted == 0) return;
  const auto threshold = find_threshold<T>(arguments.score, begin, end, wanted, warp, bins, warp_total, found);
  take_nodes(arguments, begin, end, to, threshold, warp, warp_total);
}

// --- Rows of the nodes that were taken -------------------------------------------------------------------------------

template <class S>
struct ScaledGatherForwardArguments {
  using T = Accumulator<S>;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t nodes;
  Rows<const S> x;
  Rows<const T> scale;
  Rows<const std::int32_t> index;
  Rows<S> y;
};

template <class S, int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    scaled_gather_forward_by_row(ScaledGatherForwardArguments<S> arguments) {
  using T = Accumulator<S>;
  for (std::int64_t row = tile_row(); row < arguments.rows; row += tile_row_step()) {
    const std::int64_t node = *arguments.index[row];
    const bool exists = node >= 0 && node < arguments.nodes;
    const T scale = exists ? *arguments.scale[node] : T(0);
    for (std::int64_t column = tile_pack() * kWidth; column < arguments.columns; column += tile_pack_step() * kWidth) {
      Pack<T, kWidth> pack{};
      if (exists) pack = load_read_only<kWidth>(arguments.x[node] + column);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) pack[k] *= scale;
      store<kWidth>(arguments.y[row] + column, pack);
    }
  }
}

template <class S>
struct ScaledGatherBackwardArguments {
  using T = Accumulator<S>;
  std::int64_t nodes;
  std::int64_t columns;
  std::int64_t rows;  // of dy
  int lanes;          // per node, a power of two
  Rows<const S> x;
  Rows<const T> scale;
  Rows<const std::int32_t> position;
  Rows<const S> dy;
  Rows<S> dx;
  Rows<T> dscale;
};

/// One group of lanes per node: dy is read once for both gradients.
template <class S, int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    scaled_gather_backward_by_node(ScaledGatherBackwardArguments<S> arguments) {
  using T = Accumulator<S>;
  const LaneGroup group = LaneGroup::of_size(arguments.lanes);
  const std::int64_t node = group_number(group.size);
  if (node >= arguments.nodes) return;
  const std::int64_t row = *arguments.position[node];
  const bool taken = row >= 0 && row < arguments.rows;
  const T scale = taken && arguments.dx ? *arguments.scale[node] : T(0);
  T dot = 0;
  for (std::int64_t column = group.lane * kWidth; column < arguments.columns; column += group.size * kWidth) {
    Pack<T, kWidth> gradient{};
    if (taken) gradient = load_read_only<kWidth>(arguments.dy[row] + column);
    if (taken && arguments.dscale) {
      const Pack<T, kWidth> x = load_read_only<kWidth>(arguments.x[node] + column);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) dot += gradient[k] * x[k];
    }
    if (!arguments.dx) continue;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) gradient[k] *= scale;
    store_streamed<kWidth>(arguments.dx[node] + column, gradient);
  }
  if (!arguments.dscale) return;
  dot = group.sum(dot);
  if (group.lane == 0) *arguments.dscale[node] = dot;
}

}  // namespace warpgnn::kernels
