// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <vector>

#include "link_data.hpp"

namespace train::links {

/// What the links around two nodes say about a link between them, which is itself left out where it is there.
class Structure {
 public:
  /// @param links sorted.
  Structure(std::int64_t num_nodes, std::span<const Pair> links);

  /// Sum and difference of the logarithms of both degrees; of the common neighbours the number, the sum of 1 / log
  /// degree (Adamic and Adar 2003) and of 1 / degree (Zhou et al. 2009); the number of paths of three links; all as
  /// log(1 + x). Then a one for the distance: 2, 3, 4, 5, more, or nowhere near.
  static constexpr std::int64_t kNumbers = 12;
  void write(const Pair& pair, double* numbers) const;

  std::span<const std::int32_t> neighbours(std::int32_t node) const;

 private:
  /// Of a pair without common neighbours and paths of three links, up to kFarthest.
  int distance(const Pair& pair) const;

  std::vector<std::int64_t> offsets_;
  std::vector<std::int32_t> neighbours_;  // of each node, increasing
  bool walks_far_;
};

}  // namespace train::links
