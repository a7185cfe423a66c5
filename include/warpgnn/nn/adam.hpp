// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "warpgnn/nn/safetensors.hpp"
#include "warpgnn/nn/session.hpp"
#include "warpgnn/ops/adam.hpp"

namespace warpgnn::nn {

/// Options of Adam; the defaults are the paper's.
struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< L2, added to the gradient
  bool decoupled = false;   ///< AdamW: the weight decay shrinks the value itself
};

/// Adam over the trainable parameters of a list, which must outlive it.
class Adam {
 public:
  Adam(Session& session, const ParameterList& parameters, const AdamOptions& options);

  /// Updates the parameters and ends the session's training step (Session::end_step).
  void step();
  /// Updates the parameters alone: for groups of parameters, of which each has an Adam of its own and one ends the
  /// step.
  void update();
  double learning_rate() const { return options_.learning_rate; }
  void set_learning_rate(double rate) { options_.learning_rate = rate; }
  /// Moments and step count, for a checkpoint.
  std::vector<NamedTensor> state();

 private:
  Session* session_;
  AdamOptions options_;
  ParameterList parameters_;
  std::vector<Tensor> first_moments_, second_moments_;
  std::vector<AdamSlot> slots_;
  Tensor step_;
};

}  // namespace warpgnn::nn
