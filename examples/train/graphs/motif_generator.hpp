// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "dataset.hpp"

namespace train::graphs {

inline constexpr const char* kMotifDatasetName = "ba2motifs";

/// BA-2Motifs (Luo et al. 2020): a random tree of 20 nodes grown by preferential attachment (Barabasi-Albert, m = 1)
/// with a motif of 5 nodes joined to it by one edge. Class 0 has a house, class 1 a cycle; they alternate.
/// motif_nodes marks the motif; nodes carry no labels and no attributes. The same seed gives the same graphs.
Dataset generate_ba2motifs(std::uint64_t seed, std::int64_t graphs = 1000);

}  // namespace train::graphs
