// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <string>

#include "host/core/check.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn {

/// An activation, and its slope if it has one. Where y alone tells the derivative, that must be above 0.
inline void expect_activation(const char* name, Activation kind, double slope, bool from_y) {
  expect_option(name, kind, Activation::sigmoid);
  if (kind != Activation::leaky_relu && kind != Activation::elu) return;
  if (std::isfinite(slope) && (slope > 0 || !from_y)) return;
  fail(std::string("slope: expected a ") + (from_y ? "positive" : "finite") + " number, got " + std::to_string(slope));
}

}  // namespace warpgnn
