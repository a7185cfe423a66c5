// SPDX-License-Identifier: MIT
#include "warpgnn/nn/adam.hpp"

namespace warpgnn::nn {

Adam::Adam(Session& session, const ParameterList& parameters, const AdamOptions& options)
    : session_(&session), options_(options), step_(session.context(), Dtype::int64, {1}) {
  step_.fill_zero();
  for (Parameter* parameter : parameters) {
    if (!parameter->trainable) continue;
    parameters_.push_back(parameter);
    const TensorView& value = parameter->value.view();
    const std::span<const std::int64_t> shape(value.shape.data(), static_cast<std::size_t>(value.ndim));
    first_moments_.emplace_back(session.context(), session.dtype(), shape).fill_zero();
    second_moments_.emplace_back(session.context(), session.dtype(), shape).fill_zero();
    slots_.push_back({value, parameter->gradient, first_moments_.back(), second_moments_.back()});
  }
}

void Adam::step() {
  update();
  session_->end_step();
}

void Adam::update() {
  adam_step(session_->context(), {.learning_rate = options_.learning_rate,
                                  .beta1 = options_.beta1,
                                  .beta2 = options_.beta2,
                                  .epsilon = options_.epsilon,
                                  .weight_decay = options_.weight_decay,
                                  .decoupled = options_.decoupled,
                                  .slots = slots_,
                                  .step = step_});
}

std::vector<NamedTensor> Adam::state() {
  std::vector<NamedTensor> tensors{{"adam.step", &step_}};
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    tensors.push_back({"adam.first_moment." + parameters_[k]->name, &first_moments_[k]});
    tensors.push_back({"adam.second_moment." + parameters_[k]->name, &second_moments_[k]});
  }
  return tensors;
}

}  // namespace warpgnn::nn
