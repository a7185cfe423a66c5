// SPDX-License-Identifier: MIT
#pragma once

/// GIN's own term of a destination, (1 + epsilon) x_i, where destinations are a node set of their own. Over one set the
/// aggregation adds it.

#include "host/nn/run.hpp"
#include "warpgnn/nn/graph_layers.hpp"

namespace warpgnn::nn {

/// The parameter, or buffer, of a layer's name.
Parameter make_epsilon(Session& session, const std::string& name, const GINOptions& options);
/// Where it has one.
inline TensorView gradient_of(const Parameter& epsilon) {
  return epsilon.trainable ? epsilon.gradient.view() : TensorView{};
}

/// y += (1 + epsilon) x.
void add_own_term(Session& session, const ConstTensorView& x, const Parameter& epsilon, OwnTerm& term, const Tensor& y);

/// From dy to epsilon if it is learnt, and where need_dx to x: the view that comes back.
SharedTensor own_term_backward(Session& session, const ConstTensorView& dy, Parameter& epsilon, OwnTerm& term,
                               bool need_dx);

}  // namespace warpgnn::nn
