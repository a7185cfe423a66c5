// SPDX-License-Identifier: MIT
#include "row_schedule.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "warpgnn/graph.hpp"

namespace warpgnn::bench {

namespace {

constexpr int kEdgesInFlight = kernels::kTuning.edges_in_flight;
constexpr std::int64_t kOrderWindow = std::int64_t{1} << kernels::kOrderWindowBits;

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 1;
}

/// The part of the lanes that are busy where so many rows lie side by side.
double lanes_busy(const std::vector<std::int32_t>& spans, std::int64_t side_by_side) {
  double edges = 0, slots = 0;
  for (auto first = spans.begin(); first != spans.end();) {
    const auto last = first + std::min<std::int64_t>(side_by_side, spans.end() - first);
    std::int32_t longest = 0;
    for (; first != last; ++first) {
      edges += *first;
      longest = std::max(longest, *first);
    }
    slots += static_cast<double>(side_by_side) * longest;
  }
  return ratio(edges, slots);
}

}  // namespace

Degrees::Degrees(std::int64_t nodes, std::span<const std::int32_t> destination)
    : as_numbered_(static_cast<std::size_t>(nodes)) {
  for (const std::int32_t node : destination) ++as_numbered_[static_cast<std::size_t>(node)];
  std::vector<std::int32_t> falling = as_numbered_;
  std::sort(falling.begin(), falling.end(), std::greater<>());
  edges_of_hottest_.resize(falling.size());
  std::inclusive_scan(falling.begin(), falling.end(), edges_of_hottest_.begin(), std::plus<>(), std::int64_t{0});
  for (std::int32_t& edges : as_numbered_) {
    if (edges <= kChunkEdges) continue;
    chunks_ += (edges + kChunkEdges - 1) / kChunkEdges;
    edges_of_chunks_ += edges;
    edges = 0;
  }
  ordered_ = as_numbered_;
  if (rows() < kernels::kLeastOrderedRows || lanes_busy(as_numbered_, kernels::kRowsSideBySide) >= kernels::kBusyEnough)
    return;
  for (std::int64_t first = 0; first < rows(); first += kOrderWindow) {
    const auto begin = ordered_.begin() + first;
    std::sort(begin, begin + std::min(kOrderWindow, rows() - first), std::greater<>());
  }
}

double Degrees::share_of_hottest(std::int64_t rows) const {
  if (rows <= 0 || edges_of_hottest_.empty()) return 0;
  const auto last = static_cast<std::size_t>(std::min(rows, this->rows()) - 1);
  return ratio(static_cast<double>(edges_of_hottest_[last]), static_cast<double>(edges_of_hottest_.back()));
}

Schedule schedule_of(const Degrees& degrees, std::int64_t packs, const LoopCost& cost) {
  std::int64_t group = 1;
  while (group < kRowLanes && group < packs) group *= 2;
  const std::int64_t tiles = (packs + group - 1) / group, side_by_side = kRowLanes / group;
  Schedule schedule{.lanes_busy_as_numbered = lanes_busy(degrees.as_numbered(), side_by_side),
                    .lanes_busy = lanes_busy(degrees.ordered(), side_by_side)};

  // A block's warps take neighbouring spans; several tiles of a span are as many warps.
  double busy = 0, held = 0;
  const std::vector<std::int32_t>& spans = degrees.ordered();
  const std::int64_t per_block = std::max<std::int64_t>(1, kBlockWarps * side_by_side / tiles);
  for (std::int64_t first = 0; first < degrees.rows(); first += per_block) {
    const std::int64_t last = std::min(first + per_block, degrees.rows());
    double longest = 0;
    for (std::int64_t warp = first; warp < last; warp += side_by_side) {
      const auto begin = spans.begin() + warp;
      const std::int32_t edges = *std::max_element(begin, begin + std::min(side_by_side, last - warp));
      const auto walked = static_cast<double>((edges + kEdgesInFlight - 1) / kEdgesInFlight * kEdgesInFlight);
      const double instructions = walked * cost.of_edge + cost.of_row;
      schedule.instructions += static_cast<double>(tiles) * instructions;
      busy += instructions;
      longest = std::max(longest, instructions);
    }
    held += longest * static_cast<double>(
                          std::min<std::int64_t>(kBlockWarps, std::max<std::int64_t>(1, per_block / side_by_side)));
  }
  schedule.warps_busy = ratio(busy, held);
  schedule.instructions += static_cast<double>(tiles) *
                           (static_cast<double>(degrees.edges_of_chunks()) * cost.of_edge +
                            static_cast<double>(degrees.chunks()) * cost.of_row) /
                           static_cast<double>(side_by_side);
  return schedule;
}

}  // namespace warpgnn::bench
