// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/graph.hpp"
#include "warpgnn/nn/saved_state.hpp"

namespace warpgnn::nn {

/// What the loops that a graph is given have for features.
enum class LoopFill : std::uint8_t {
  mean,      ///< the mean of the node's in-edges that are no loops, 0 where it has none
  constant,  ///< one number in every column
};

/// Options of LoopFeatures.
struct LoopFeaturesOptions {
  LoopFill fill = LoopFill::mean;
  double value = 1;  ///< of LoopFill::constant
};

/// Features of the edges of a graph whose loops have been replaced, from those of the graph as it was, under the
/// contract of layers.hpp: what PyTorch Geometric's attention layers do with add_self_loops, edge_dim and fill_value.
///
/// With `loopless` = graph.without_self_loops(context), the result belongs to loopless.graph.with_self_loops(context):
/// edges that are no loops have the row that they had, then every node's loop has one, in the order of nodes.
///
/// Shapes. Features [E, D] in the order of the graph as it was; the result [E' + N, D] with E' of its edges left.
/// Errors. `invalid_argument` for another number of rows, for a number that is no LoopFill, and for a value that is not
/// finite.
class LoopFeatures {
 public:
  explicit LoopFeatures(Session& session, const LoopFeaturesOptions& options = {});

  /// @param loopless made once per graph and shared; it must outlive the backward.
  SharedTensor forward(const LooplessGraph& loopless, const ConstTensorView& edge_features);
  /// The gradient of the features, 0 for those of loops, which were left out.
  SharedTensor backward(const ConstTensorView& dy);

 private:
  Session* session_;
  SavedState saved_;
  LoopFeaturesOptions options_;
  Graph graph_;  // without loops
  ConstTensorView position_;
  std::int64_t columns_ = 0;
  Tensor zero_, value_, y_, dkept_, dx_;
};

}  // namespace warpgnn::nn
