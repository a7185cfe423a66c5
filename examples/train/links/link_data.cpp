// SPDX-License-Identifier: MIT
#include "link_data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/errors.hpp"
#include "data/random_bits.hpp"
#include "data/text_table.hpp"
#include "nodes/ogb_reader.hpp"

namespace train::links {

namespace fs = std::filesystem;

namespace {

Pair ordered(std::int32_t a, std::int32_t b) {
  return std::minmax(a, b);
}

/// Sorts the links and leaves out loops and what stands twice.
void tidy(LinkData& data) {
  std::erase_if(data.links, [](const Pair& link) { return link.first == link.second; });
  std::sort(data.links.begin(), data.links.end());
  data.links.erase(std::unique(data.links.begin(), data.links.end()), data.links.end());
}

void read_list(const fs::path& file, LinkData& data) {
  const TextTable table(file, TextTable::Separator::blanks);
  const std::vector<std::int64_t> ends = table.integers(2, "two node numbers");
  for (std::size_t line = 0; line < table.lines(); ++line) {
    for (const std::int64_t node : {ends[2 * line], ends[2 * line + 1]}) {
      if (node < 0 || node >= std::numeric_limits<std::int32_t>::max()) {
        table.fail(line, "expected node numbers from 0 on that fit 32 bits, found " + std::to_string(node));
      }
      data.num_nodes = std::max(data.num_nodes, node + 1);
    }
    data.links.push_back(
        ordered(static_cast<std::int32_t>(ends[2 * line]), static_cast<std::int32_t>(ends[2 * line + 1])));
  }
}

}  // namespace

DatasetLocation find_dataset(const std::string& name, const std::string& data) {
  DatasetLocation list = find_data(name, data, name + ".txt");
  return list.folder ? list : nodes::find_dataset(name, data);
}

LinkData read_links(const fs::path& folder, const std::string& name, warpgnn::Dtype dtype) {
  LinkData data;
  data.name = name;
  if (const fs::path file = plain_or_packed(folder / (name + ".txt")); fs::exists(file)) {
    read_list(file, data);
  } else {
    nodes::NodeData graph = nodes::read_ogb_graph(folder, name, dtype);
    data.num_nodes = graph.num_nodes();
    for (std::size_t e = 0; e < graph.source.size(); ++e) {
      data.links.push_back(ordered(graph.source[e], graph.destination[e]));
    }
    data.features = std::move(graph.features);
    nodes::normalise_rows(data.features);
  }
  tidy(data);
  return data;
}

LinkData generate_small_world(std::uint64_t seed) {
  constexpr std::int32_t kNodes = 300, kNearest = 3;
  LinkData data;
  data.name = kSmallWorldName;
  data.num_nodes = kNodes;
  RandomBits random(mix_seed({seed, 0x5311}));
  for (std::int32_t node = 0; node < kNodes; ++node) {
    for (std::int32_t step = 1; step <= kNearest; ++step) {
      const bool is_rewired = random.below(10) == 0;
      const auto other = is_rewired ? static_cast<std::int32_t>(random.below(kNodes)) : (node + step) % kNodes;
      data.links.push_back(ordered(node, other));
    }
  }
  tidy(data);
  return data;
}

std::vector<Pair> draw_apart(const LinkData& data, std::size_t count, std::uint64_t seed) {
  const auto nodes = static_cast<double>(data.num_nodes);
  if (static_cast<double>(data.links.size()) > 0.45 * nodes * (nodes - 1)) {
    throw DataError(data.name + ": nearly all pairs of nodes are linked, there is nothing to tell apart");
  }
  RandomBits random(seed);
  std::vector<Pair> pairs;
  while (pairs.size() < count) {
    const auto a = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(data.num_nodes)));
    const auto b = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(data.num_nodes)));
    const Pair pair = ordered(a, b);
    if (a != b && !std::binary_search(data.links.begin(), data.links.end(), pair)) pairs.push_back(pair);
  }
  return pairs;
}

LinkSplit split_links(const LinkData& data, const std::array<double, 3>& fractions, std::uint64_t seed) {
  std::vector<Pair> links = data.links;
  RandomBits(mix_seed({seed, 1})).shuffle(links);
  const auto size = static_cast<double>(links.size());
  const auto valid = static_cast<std::ptrdiff_t>(std::lround(size * fractions[0]));
  const auto test = std::max(valid, static_cast<std::ptrdiff_t>(std::lround(size * (fractions[0] + fractions[1]))));
  LinkSplit split;
  split.train.assign(links.begin(), links.begin() + valid);
  split.valid.assign(links.begin() + valid, links.begin() + test);
  split.test.assign(links.begin() + test, links.end());
  if (split.train.empty() || split.valid.empty() || split.test.empty()) {
    throw UsageError("--split leaves one part without links: " + std::to_string(split.train.size()) + " train, " +
                     std::to_string(split.valid.size()) + " valid, " + std::to_string(split.test.size()) + " test");
  }
  std::sort(split.train.begin(), split.train.end());
  split.valid_apart = draw_apart(data, split.valid.size(), mix_seed({seed, 2}));
  split.test_apart = draw_apart(data, split.test.size(), mix_seed({seed, 3}));
  return split;
}

}  // namespace train::links
