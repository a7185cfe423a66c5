// SPDX-License-Identifier: MIT
#pragma once

// How evenly a GPU's warps and lanes share the edges of a graph: a model of kernels/base/spans.cuh and of the order in
// which kernels/graph/build.cu has the rows taken.

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/base/tuning.cuh"

namespace warpgnn::bench {

inline constexpr int kRowLanes = 32;
inline constexpr int kBlockWarps = kernels::kTuning.span_threads / kRowLanes;

/// How many edges the span of each row has, in both orders. The chunks of long rows are spans of their own.
class Degrees {
 public:
  Degrees(std::int64_t nodes, std::span<const std::int32_t> destination);

  std::int64_t rows() const { return static_cast<std::int64_t>(as_numbered_.size()); }
  const std::vector<std::int32_t>& as_numbered() const { return as_numbered_; }
  const std::vector<std::int32_t>& ordered() const { return ordered_; }
  std::int64_t chunks() const { return chunks_; }
  std::int64_t edges_of_chunks() const { return edges_of_chunks_; }
  /// The part of all edges whose row to gather is one of the `rows` that are gathered most, graphs being symmetric.
  double share_of_hottest(std::int64_t rows) const;

 private:
  std::vector<std::int32_t> as_numbered_, ordered_;
  std::vector<std::int64_t> edges_of_hottest_;  // [k]: of the first k + 1 rows by falling degree
  std::int64_t chunks_ = 0, edges_of_chunks_ = 0;
};

struct LoopCost {
  double of_edge, of_row;  ///< instructions
};

struct Schedule {
  double lanes_busy_as_numbered = 1, lanes_busy = 1;  ///< of a warp's
  double warps_busy = 1;                              ///< of a block's
  double instructions = 0;                            ///< of all warps
};

/// @param packs lanes that a row can use: more than a warp has are several tiles
Schedule schedule_of(const Degrees& degrees, std::int64_t packs, const LoopCost& cost);

}  // namespace warpgnn::bench
