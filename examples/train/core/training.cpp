// SPDX-License-Identifier: MIT
#include "core/training.hpp"

#include <cmath>

#include "core/checkpoint.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace train {

namespace nn = warpgnn::nn;

Training::Training(const warpgnn::Context& context, warpgnn::Dtype dtype, std::uint64_t seed)
    : session_(context, dtype, seed) {}

void Training::optimise(const nn::ParameterList& parameters, const nn::AdamOptions& options,
                        const std::string& prefix) {
  if (parameters.empty()) return;
  optimisers_.push_back({prefix, nn::Adam(session_, parameters, options)});
  for (nn::Parameter* parameter : parameters) {
    parameters_.push_back(parameter);
    const warpgnn::TensorView& value = parameter->value.view();
    kept_.emplace_back(session_.context(), value.dtype,
                       std::span<const std::int64_t>(value.shape.data(), static_cast<std::size_t>(value.ndim)));
    kept_.back().fill_zero();
  }
}

void Training::update() {
  for (std::size_t k = 0; k + 1 < optimisers_.size(); ++k) optimisers_[k].adam.update();
  optimisers_.back().adam.step();
}

bool Training::set_learning_rate(double rate) {
  bool changed = false;
  for (Optimiser& optimiser : optimisers_) {
    changed |= optimiser.adam.learning_rate() != rate;
    optimiser.adam.set_learning_rate(rate);
  }
  return changed;
}

bool Training::halve_rate(double rate, std::int64_t every, std::int64_t epoch) {
  return every > 0 && set_learning_rate(std::ldexp(rate, -static_cast<int>(epoch / every)));
}

std::int64_t Training::num_parameters() const {
  std::int64_t count = 0;
  for (const nn::Parameter* parameter : parameters_) {
    if (parameter->trainable) count += parameter->value.view().count();
  }
  return count;
}

std::vector<nn::NamedTensor> Training::tensors() {
  std::vector<nn::NamedTensor> tensors = nn::named_values(parameters_);
  for (std::size_t k = 0; k < parameters_.size(); ++k) tensors.push_back({"kept." + parameters_[k]->name, &kept_[k]});
  for (Optimiser& optimiser : optimisers_) {
    for (const nn::NamedTensor& tensor : optimiser.adam.state()) {
      tensors.push_back({optimiser.prefix + tensor.name, tensor.tensor});
    }
  }
  collect_epoch(tensors);
  return tensors;
}

void Training::expect_steps(std::int64_t steps) {
  for (Optimiser& optimiser : optimisers_) train::expect_steps(optimiser.adam, steps);
}

void Training::keep() {
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    warpgnn::copy(session_.context(), parameters_[k]->value, kept_[k]);
  }
}

void Training::take_kept() {
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    warpgnn::copy(session_.context(), kept_[k], parameters_[k]->value);
  }
}

}  // namespace train
