#pragma once

#include <string>

#include "dataset.hpp"

namespace examples::train_graphs {

/// What the model sees of nodes and edges, and how it was made.
struct Features {
  Matrix node;  ///< always at least one column
  Matrix edge;  ///< no columns where the data set has neither edge labels nor edge attributes
  std::string node_source;
  std::string edge_source;
};

/// Degrees from here on share the last column of the one-hot degree.
inline constexpr std::int64_t kDegreeCap = 64;

/// Nodes: one-hot labels beside standardised attributes; one-hot in-degree where there is neither.
/// Edges: one-hot labels beside standardised attributes.
Features make_features(const Dataset& dataset);

}  // namespace examples::train_graphs
