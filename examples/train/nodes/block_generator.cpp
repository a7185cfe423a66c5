// SPDX-License-Identifier: MIT
#include "block_generator.hpp"

#include <algorithm>
#include <vector>

#include "data/random_bits.hpp"

namespace train::nodes {
namespace {

constexpr std::int32_t kClasses = 4, kNodesPerClass = 150, kNodes = kClasses * kNodesPerClass;
constexpr std::int32_t kFeaturesPerClass = 16, kFeatures = kClasses * kFeaturesPerClass;
constexpr std::size_t kTrainPerClass = 20, kValidPerClass = 30;
constexpr double kInside = 6.0 / kNodesPerClass, kOutside = 2.0 / (kNodes - kNodesPerClass);
constexpr double kOwnFeature = 0.15, kOtherFeature = 0.05;

bool chance(RandomBits& random, double probability) {
  constexpr std::uint64_t kSteps = std::uint64_t{1} << 53;
  return static_cast<double>(random.below(kSteps)) < probability * static_cast<double>(kSteps);
}

void add_edges(NodeData& data, RandomBits& random) {
  for (std::int32_t a = 0; a < kNodes; ++a) {
    for (std::int32_t b = a + 1; b < kNodes; ++b) {
      if (!chance(random, a % kClasses == b % kClasses ? kInside : kOutside)) continue;
      data.source.push_back(a);
      data.destination.push_back(b);
    }
  }
  make_undirected(data);
}

void add_features(NodeData& data, RandomBits& random) {
  data.features.rows = kNodes;
  data.features.columns = kFeatures;
  for (std::int32_t node = 0; node < kNodes; ++node) {
    for (std::int32_t feature = 0; feature < kFeatures; ++feature) {
      const bool own = feature / kFeaturesPerClass == node % kClasses;
      data.features.values.push_back(chance(random, own ? kOwnFeature : kOtherFeature) ? 1 : 0);
    }
  }
}

void add_split(NodeData& data, RandomBits& random) {
  for (std::int32_t label = 0; label < kClasses; ++label) {
    std::vector<std::int32_t> members;
    for (std::int32_t node = label; node < kNodes; node += kClasses) members.push_back(node);
    random.shuffle(members);
    for (std::size_t i = 0; i < members.size(); ++i) {
      auto& part = i < kTrainPerClass                    ? data.split.train
                   : i < kTrainPerClass + kValidPerClass ? data.split.valid
                                                         : data.split.test;
      part.push_back(members[i]);
    }
  }
  for (auto* part : {&data.split.train, &data.split.valid, &data.split.test}) std::sort(part->begin(), part->end());
}

}  // namespace

NodeData generate_blocks(std::uint64_t seed) {
  NodeData data;
  data.name = kBlockDatasetName;
  RandomBits random(mix_seed({seed, 0xB10C}));
  std::vector<std::int64_t> labels;
  for (std::int32_t node = 0; node < kNodes; ++node) labels.push_back(node % kClasses);
  data.labels = categorise(labels);
  add_edges(data, random);
  add_features(data, random);
  add_split(data, random);
  return data;
}

}  // namespace train::nodes
