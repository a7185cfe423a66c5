// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "node_data.hpp"

namespace train::nodes {

inline constexpr const char* kBlockDatasetName = "blocks";

/// A stochastic block model (Holland, Laskey and Leinhardt 1983) of 4 classes of 150 nodes with about 6 neighbours in
/// the own class and 2 in others. Each class has 16 of the 64 binary features of its own, which its nodes have three
/// times as often as others: too noisy to tell the class of a node without its neighbours. Each class gives 20 nodes to
/// training, 30 to validation and the rest to the test. The same seed gives the same graph.
NodeData generate_blocks(std::uint64_t seed);

}  // namespace train::nodes
