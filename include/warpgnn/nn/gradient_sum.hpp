// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "warpgnn/nn/session.hpp"

namespace warpgnn::nn {

/// Gradients added up over several backwards, each of which overwrites those of the parameters: for a step over more
/// graphs than fit into memory at once, or for several losses. After each backward call add(), before the optimiser
/// take().
///
/// Sums are taken in the order of the calls, so they have the same bits in every run.
class GradientSum {
 public:
  /// Of the trainable parameters of a list, which must outlive it.
  GradientSum(Session& session, const ParameterList& parameters);

  /// sum += scale * gradient.
  void add(double scale = 1);
  /// gradient = sum, which then is 0.
  void take();

 private:
  Session* session_;
  ParameterList parameters_;
  std::vector<Tensor> sums_;
};

}  // namespace warpgnn::nn
