// SPDX-License-Identifier: MIT
#include "structure.hpp"

#include <algorithm>
#include <cmath>

namespace train::links {

namespace {

constexpr int kNearest = 2, kFarthest = 6;  // distances that are told apart; the last is "more"
constexpr std::size_t kMostLinksToWalk = 20000;

/// Calls function(node) for what two increasing lists have in common.
template <class Function>
void for_each_common(std::span<const std::int32_t> a, std::span<const std::int32_t> b, const Function& function) {
  for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    if (a[i] == b[k]) function(a[i]);
    const bool step_a = a[i] <= b[k], step_b = b[k] <= a[i];
    i += step_a ? 1 : 0;
    k += step_b ? 1 : 0;
  }
}

}  // namespace

Structure::Structure(std::int64_t num_nodes, std::span<const Pair> links)
    : offsets_(static_cast<std::size_t>(num_nodes) + 1, 0), walks_far_(links.size() <= kMostLinksToWalk) {
  for (const auto& [a, b] : links) {
    ++offsets_[static_cast<std::size_t>(a) + 1];
    ++offsets_[static_cast<std::size_t>(b) + 1];
  }
  for (std::size_t node = 0; node + 1 < offsets_.size(); ++node) offsets_[node + 1] += offsets_[node];
  neighbours_.resize(2 * links.size());
  std::vector<std::int64_t> next(offsets_.begin(), offsets_.end() - 1);
  const auto add = [&](std::int32_t node, std::int32_t other) {
    neighbours_[static_cast<std::size_t>(next[static_cast<std::size_t>(node)]++)] = other;
  };
  for (const auto& [a, b] : links) add(b, a);  // smaller ones first, which keeps every list increasing
  for (const auto& [a, b] : links) add(a, b);
}

std::span<const std::int32_t> Structure::neighbours(std::int32_t node) const {
  const auto first = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(node)]);
  const auto last = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(node) + 1]);
  return std::span(neighbours_).subspan(first, last - first);
}

int Structure::distance(const Pair& pair) const {
  if (!walks_far_) return kFarthest + 1;
  std::vector<bool> seen(offsets_.size(), false);
  std::vector<std::int32_t> front{pair.first}, next;
  seen[static_cast<std::size_t>(pair.first)] = true;
  for (int steps = 1; steps <= kFarthest && !front.empty(); ++steps) {
    next.clear();
    for (const std::int32_t node : front) {
      for (const std::int32_t other : neighbours(node)) {
        const bool is_the_link = node == pair.first && other == pair.second;
        if (is_the_link || seen[static_cast<std::size_t>(other)]) continue;
        if (other == pair.second) return steps;
        seen[static_cast<std::size_t>(other)] = true;
        next.push_back(other);
      }
    }
    front.swap(next);
  }
  return kFarthest + 1;
}

void Structure::write(const Pair& pair, double* numbers) const {
  const auto [a, b] = pair;
  const std::span<const std::int32_t> near_a = neighbours(a), near_b = neighbours(b);
  const double own = std::binary_search(near_a.begin(), near_a.end(), b) ? 1 : 0;
  const double log_a = std::log1p(static_cast<double>(near_a.size()) - own),
               log_b = std::log1p(static_cast<double>(near_b.size()) - own);
  double common = 0, adamic_adar = 0, allocated = 0, paths = 0;
  for_each_common(near_a, near_b, [&](std::int32_t node) {
    const auto degree = static_cast<double>(neighbours(node).size());
    common += 1;
    adamic_adar += 1 / std::log(degree);
    allocated += 1 / degree;
  });
  for (const std::int32_t middle : near_a) {
    if (middle == b) continue;
    for_each_common(neighbours(middle), near_b, [&](std::int32_t node) { paths += node == a ? 0 : 1; });
  }
  std::fill_n(numbers, kNumbers, 0.0);
  numbers[0] = log_a + log_b;
  numbers[1] = std::abs(log_a - log_b);
  numbers[2] = std::log1p(common);
  numbers[3] = std::log1p(adamic_adar);
  numbers[4] = std::log1p(allocated);
  numbers[5] = std::log1p(paths);
  const int steps = common > 0 ? kNearest : paths > 0 ? kNearest + 1 : distance(pair);
  numbers[6 + steps - kNearest] = 1;
}

}  // namespace train::links
