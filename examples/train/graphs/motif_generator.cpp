// SPDX-License-Identifier: MIT
#include "motif_generator.hpp"

#include <array>
#include <utility>

#include "data/random_bits.hpp"

namespace train::graphs {
namespace {

using NodePair = std::pair<std::int32_t, std::int32_t>;

constexpr std::int32_t kTreeNodes = 20;
constexpr std::int32_t kMotifNodes = 5;
constexpr std::array kCycle{NodePair{0, 1}, NodePair{1, 2}, NodePair{2, 3}, NodePair{3, 4}, NodePair{4, 0}};
// A square 0-1-2-3 with node 4 as the roof over 0 and 1.
constexpr std::array kHouse{NodePair{0, 1}, NodePair{1, 2}, NodePair{2, 3},
                            NodePair{3, 0}, NodePair{0, 4}, NodePair{1, 4}};

/// A tree in which each new node picks its neighbour with probability proportional to the degree: a uniform pick from
/// the ends of all edges so far.
std::vector<NodePair> grow_tree(RandomBits& random) {
  std::vector<NodePair> pairs{{0, 1}};
  std::vector<std::int32_t> ends{0, 1};
  for (std::int32_t node = 2; node < kTreeNodes; ++node) {
    const std::int32_t neighbour = ends[random.below(ends.size())];
    pairs.emplace_back(neighbour, node);
    ends.push_back(neighbour);
    ends.push_back(node);
  }
  return pairs;
}

void append_graph(Dataset& dataset, std::int64_t label, RandomBits& random) {
  std::vector<NodePair> pairs = grow_tree(random);
  const auto add_motif = [&](const auto& motif) {
    for (const auto& [a, b] : motif) pairs.emplace_back(kTreeNodes + a, kTreeNodes + b);
  };
  if (label == 0) {
    add_motif(kHouse);
  } else {
    add_motif(kCycle);
  }
  const auto foot = static_cast<std::int32_t>(random.below(kTreeNodes));
  const auto door = static_cast<std::int32_t>(random.below(kMotifNodes));
  pairs.emplace_back(foot, kTreeNodes + door);

  const auto base = static_cast<std::int32_t>(dataset.num_nodes());
  for (const auto& [a, b] : pairs) {
    for (const auto& [from, to] : {NodePair{a, b}, NodePair{b, a}}) {
      dataset.source.push_back(base + from);
      dataset.destination.push_back(base + to);
    }
  }
  dataset.graph_offsets.push_back(base + kTreeNodes + kMotifNodes);
  dataset.motif_nodes.insert(dataset.motif_nodes.end(), kTreeNodes, 0);
  dataset.motif_nodes.insert(dataset.motif_nodes.end(), kMotifNodes, 1);
}

}  // namespace

Dataset generate_ba2motifs(std::uint64_t seed, std::int64_t graphs) {
  Dataset dataset;
  dataset.name = kMotifDatasetName;
  RandomBits random(mix_seed({seed, 0xBA2}));
  std::vector<std::int64_t> labels;
  for (std::int64_t graph = 0; graph < graphs; ++graph) {
    labels.push_back(graph % 2);
    append_graph(dataset, labels.back(), random);
  }
  dataset.graph_labels = categorise(labels);
  return dataset;
}

}  // namespace train::graphs
