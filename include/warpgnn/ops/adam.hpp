// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "warpgnn/context.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// One parameter of an Adam step; all four views have one shape and are contiguous.
struct AdamSlot {
  TensorView value;
  ConstTensorView gradient;
  TensorView first_moment;
  TensorView second_moment;
};

/// Adam (Kingma and Ba 2015) with L2 weight decay added to the gradient, for all slots at once:
///   t = ++step;  g = gradient + weight_decay value;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
///   value -= learning_rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon).
/// Decoupled, it is AdamW (Loshchilov and Hutter 2019): g = gradient, and value *= 1 - learning_rate weight_decay
/// before the last line. Without slots nothing happens. step [1] int64 lies on the device, so that a captured step
/// counts on when it is replayed.
struct AdamStep {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;
  std::span<const AdamSlot> slots;
  TensorView step;
};

void adam_step(const Context& context, const AdamStep& op);

}  // namespace warpgnn
