// SPDX-License-Identifier: MIT
#include "warpgnn/nn/gradient_sum.hpp"

#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn::nn {

GradientSum::GradientSum(Session& session, const ParameterList& parameters) : session_(&session) {
  for (Parameter* parameter : parameters) {
    if (!parameter->trainable) continue;
    parameters_.push_back(parameter);
    sums_.push_back(empty_like(session.context(), parameter->gradient));
    sums_.back().fill_zero();
  }
}

void GradientSum::add(double scale) {
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    add_scaled(session_->context(), {.scale = scale, .source = parameters_[k]->gradient, .target = sums_[k]});
  }
}

void GradientSum::take() {
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    copy(session_->context(), sums_[k], parameters_[k]->gradient);
    sums_[k].fill_zero();
  }
}

}  // namespace warpgnn::nn
