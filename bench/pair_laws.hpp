// SPDX-License-Identifier: MIT
#pragma once

// Graphs whose edges come in pairs, one each way between two nodes that are drawn anew for each pair. A pair is a pure
// function of its number, so that the host and a GPU make the same edges (where neither fuses the products and sums
// below: see CMakeLists.txt).

#include <cmath>
#include <cstdint>

#include "bench/random_bits.hpp"

namespace warpgnn::bench {

struct NodePair {
  std::int32_t first, second;
};

/// Ranks in [0, count) with density proportional to (rank + shift)^(-3/4), whose integral is 4 (rank + shift)^(1/4).
class RankLaw {
 public:
  RankLaw(std::int64_t count, double shift)
      : count_(count), shift_(shift), low_(root(0)), span_(root(static_cast<double>(count)) - low_) {}

  double first_share() const { return (root(1) - low_) / span_; }
  /// `unit` is uniform in [0, 1).
  WARPGNN_HOST_DEVICE std::int64_t rank(double unit) const {
    const double point = low_ + unit * span_;
    const auto rank = static_cast<std::int64_t>(point * point * point * point - shift_);
    return rank < count_ ? rank : count_ - 1;
  }

 private:
  double root(double rank) const { return std::sqrt(std::sqrt(rank + shift_)); }

  std::int64_t count_;
  double shift_, low_, span_;
};

/// Both ends by rank.
struct PowerLawPairs {
  const std::int32_t* ids;  ///< [nodes] the node of each rank
  RankLaw law;
  std::uint64_t seed;
  std::uint64_t first_draw;  ///< of the first pair

  WARPGNN_HOST_DEVICE NodePair operator()(std::int64_t pair) const {
    const std::uint64_t draw = first_draw + 2 * static_cast<std::uint64_t>(pair);
    return {ids[law.rank(random_unit(seed, draw))], ids[law.rank(random_unit(seed, draw + 1))]};
  }
};

/// The first `hub_degree` pairs start at node 0 and take one draw each, the others two.
struct HubPairs {
  std::int64_t nodes, hub_degree;
  std::uint64_t seed;

  WARPGNN_HOST_DEVICE NodePair operator()(std::int64_t pair) const {
    if (pair < hub_degree) return {0, node(static_cast<std::uint64_t>(pair))};
    const auto draw = static_cast<std::uint64_t>(2 * pair - hub_degree);
    const std::int32_t first = node(draw);
    return {first, node(draw + 1)};
  }
  WARPGNN_HOST_DEVICE std::int32_t node(std::uint64_t draw) const {
    return static_cast<std::int32_t>(random_below(seed, draw, nodes));
  }
};

/// Writes the two edges of a pair to their places.
template <class Pairs>
WARPGNN_HOST_DEVICE void write_pair(const Pairs& pairs, std::int64_t pair, std::int32_t* source,
                                    std::int32_t* destination) {
  const NodePair ends = pairs(pair);
  source[2 * pair] = destination[2 * pair + 1] = ends.first;
  source[2 * pair + 1] = destination[2 * pair] = ends.second;
}

}  // namespace warpgnn::bench
