// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "dataset.hpp"

namespace train::graphs {

/// What the model sees of nodes and edges, and how it was made.
struct Features {
  Matrix node;  ///< always at least one column
  Matrix edge;  ///< no columns where the data set has neither edge labels nor edge attributes, or nobody asked
  std::string node_source;
  std::string edge_source;
};

/// Degrees from here on share the last column of the one-hot degree.
inline constexpr std::int64_t kDegreeCap = 64;

/// Nodes: labels beside standardised attributes; one-hot in-degree where there is neither.
/// Edges: labels beside standardised attributes; nothing unless `with_edges`.
/// Labels are one-hot, a column of the file by itself. Where one has more than `label_width` labels, each of them is a
/// fixed random code of that width instead (Weinberger et al. 2009), so that memory grows with the nodes alone: a row
/// of length 1 like the one-hot ones, almost orthogonal to those of other labels. Throws DataError for what does not
/// fit into memory.
Features make_features(const Dataset& dataset, std::int64_t label_width = 256, bool with_edges = true);

}  // namespace train::graphs
