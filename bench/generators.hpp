// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "edge_set.hpp"

/// Random graphs, each a pure function of its arguments. All are symmetric: every edge goes both ways.
namespace warpgnn::bench {

/// `edges` directed edges whose ends are drawn in proportion to (rank + c)^(-3/4), ranks being shuffled over the nodes
/// and c chosen such that the first rank expects `max_degree`.
struct PowerLaw {
  std::int64_t nodes, edges, max_degree;
  std::uint64_t seed;
};
EdgeSet power_law(const PowerLaw& sizes);

/// A sparse graph, `hub_degree` of whose edges go to node 0.
struct HubStress {
  std::int64_t nodes, edges, hub_degree;
  std::uint64_t seed;
};
EdgeSet hub_stress(const HubStress& sizes);

/// The same edges in the memory of the context's device, drawn there.
EdgeTensors power_law(const Context& context, const PowerLaw& sizes);
EdgeTensors hub_stress(const Context& context, const HubStress& sizes);

/// A grid of side * side crossings numbered row by row, from which streets are left out to meet a mean degree of 3.
EdgeSet road_grid(std::int64_t side, std::uint64_t seed);

/// Chains of atoms with side branches, at most 4 bonds each, closed to a few rings.
EdgeSet molecules(std::int64_t graphs, std::int64_t mean_atoms, std::int64_t rings, std::uint64_t seed);

/// Graphs of one size with uniformly drawn edges.
EdgeSet dense_batch(std::int64_t graphs, std::int64_t nodes_each, std::int64_t edges_each, std::uint64_t seed);

}  // namespace warpgnn::bench
