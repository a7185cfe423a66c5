// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/types.hpp"

namespace oracle {

/// Of the nodes [offset[g], offset[g + 1]) of each graph the kept[g] with the highest scores, in increasing order; of
/// equal scores the first, NaN above all numbers.
Ids top_k(const Ids& offset, const Ids& kept, const Reals& score);

/// y_k = scale_n x_n with n = index[k]; zeros for an index that is no node.
Sums scaled_gather(const Reals& x, const Reals& scale, const Ids& index, std::size_t features);
struct ScaledGatherGradients {
  Sums dx;      // [N, F]
  Sums dscale;  // [N]
};
ScaledGatherGradients scaled_gather_backward(const Reals& x, const Reals& scale, const Ids& index, const Reals& dy,
                                             std::size_t features);

/// The edges of a graph between some of its nodes, by destination, and of those in the order that they had.
struct Subgraph {
  Edges edges;
  Ids offset;    // [G + 1]
  Ids edge_map;  // the number that an edge had
};
/// @param nodes increasing.
Subgraph induced_subgraph(const Edges& whole, const Ids& offset, const Ids& nodes);

}  // namespace oracle
