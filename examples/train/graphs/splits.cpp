// SPDX-License-Identifier: MIT
#include "splits.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/errors.hpp"
#include "data/random_bits.hpp"

namespace train::graphs {
namespace {

/// The graphs of each class, in random order.
std::vector<std::vector<std::int64_t>> shuffled_classes(const Categories& labels, std::uint64_t seed) {
  std::vector<std::vector<std::int64_t>> classes(labels.value.size());
  for (std::size_t graph = 0; graph < labels.index.size(); ++graph) {
    classes[static_cast<std::size_t>(labels.index[graph])].push_back(static_cast<std::int64_t>(graph));
  }
  RandomBits random(seed);
  for (auto& members : classes) random.shuffle(members);
  return classes;
}

void append(std::vector<std::int64_t>& target, const std::vector<std::int64_t>& more) {
  target.insert(target.end(), more.begin(), more.end());
}

void sort_parts(Split& split) {
  for (auto* part : {&split.train, &split.valid, &split.test}) std::sort(part->begin(), part->end());
}

}  // namespace

std::vector<Split> make_folds(const Categories& labels, std::int64_t folds, std::uint64_t seed, bool with_valid) {
  const auto count = static_cast<std::size_t>(folds);
  if (labels.index.size() < count) {
    throw UsageError("--folds " + std::to_string(folds) + " needs at least as many graphs; there are " +
                     std::to_string(labels.index.size()));
  }
  if (with_valid && folds < 3) throw UsageError("--select valid needs at least 3 folds");
  std::vector<std::vector<std::int64_t>> parts(count);
  std::size_t next = 0;  // runs on from class to class, so that the parts' sizes differ by at most one too
  for (const auto& members : shuffled_classes(labels, seed)) {
    for (const std::int64_t graph : members) parts[next++ % count].push_back(graph);
  }
  std::vector<Split> splits(count);
  for (std::size_t fold = 0; fold < count; ++fold) {
    Split& split = splits[fold];
    for (std::size_t part = 0; part < count; ++part) {
      const bool is_valid = with_valid && part == (fold + 1) % count;
      append(part == fold ? split.test : is_valid ? split.valid : split.train, parts[part]);
    }
    sort_parts(split);
  }
  return splits;
}

Split make_split(const Categories& labels, const std::array<double, 3>& fractions, std::uint64_t seed) {
  Split split;
  for (const auto& members : shuffled_classes(labels, seed)) {
    const auto size = static_cast<double>(members.size());
    const auto valid_begin = static_cast<std::size_t>(std::lround(size * fractions[0]));
    const auto test_begin =
        std::max(valid_begin, static_cast<std::size_t>(std::lround(size * (fractions[0] + fractions[1]))));
    for (std::size_t i = 0; i < members.size(); ++i) {
      (i < valid_begin ? split.train : i < test_begin ? split.valid : split.test).push_back(members[i]);
    }
  }
  sort_parts(split);
  if (split.train.empty() || split.test.empty() || (split.valid.empty() && fractions[1] > 0)) {
    throw UsageError("--split leaves one part without graphs: " + std::to_string(split.train.size()) + " train, " +
                     std::to_string(split.valid.size()) + " valid, " + std::to_string(split.test.size()) + " test");
  }
  return split;
}

}  // namespace train::graphs
