// SPDX-License-Identifier: MIT
#pragma once

#include "warpgnn/tensor.hpp"

namespace warpgnn::nn {

/// Features of the two node sets of a bipartite graph, for the layers whose forward takes them in place of one x:
/// x_j of an edge (j -> i) is a row of `source`, x_i one of `destination`, and the result has a row for each
/// destination. The parameters are those of the same layer over one set. backward returns the gradient of `source`, and
/// the layer's destination_gradient() has that of `destination`; with need_dx = false neither is computed. Where both
/// are the same matrix, its gradient is their sum.
///
/// Shapes. source [N_src, in], destination [N_dst, in], or [N_dst, in_destination] where the layer's options ask for a
/// width of its own. What multiplies x_j and x_i cannot be one matrix then, and the layer refuses features of one set.
/// Errors. `invalid_argument` names x.source or x.destination.
struct NodeFeatures {
  ConstTensorView source{};
  ConstTensorView destination{};
};

/// What such a layer was given: features of two node sets, or of one that is both.
struct NodeInputs {
  NodeInputs() = default;
  NodeInputs(const ConstTensorView& x) : source(x), destination(x) {}
  NodeInputs(const NodeFeatures& x) : source(x.source), destination(x.destination), one_set(false) {}

  ConstTensorView source{}, destination{};
  bool one_set = true;
};

}  // namespace warpgnn::nn
