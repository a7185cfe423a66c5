// SPDX-License-Identifier: MIT
#include "warpgnn/ops/adam.hpp"

#include <cmath>

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

void check_adam_options(const AdamStep& op) {
  if (!(op.beta1 >= 0 && op.beta1 < 1)) fail("beta1: expected a number in [0, 1), got " + std::to_string(op.beta1));
  if (!(op.beta2 >= 0 && op.beta2 < 1)) fail("beta2: expected a number in [0, 1), got " + std::to_string(op.beta2));
  if (!(op.epsilon >= 0)) fail("epsilon: expected 0 or more, got " + std::to_string(op.epsilon));
  if (!std::isfinite(op.learning_rate)) fail("learning_rate: expected a finite number");
}

void check_adam_slot(const Context& context, const AdamSlot& slot, const TensorView& step) {
  Checker check(context);
  const Dtype dtype = expect_real("value", slot.value);
  check.updated("value", slot.value, Shape(slot.value), dtype);
  check.input("gradient", slot.gradient, Shape(slot.value), dtype);
  check.updated("first_moment", slot.first_moment, Shape(slot.value), dtype);
  check.updated("second_moment", slot.second_moment, Shape(slot.value), dtype);
  check.updated("step", step, {1}, Dtype::int64);
  Checker::contiguous("value", slot.value);
  Checker::contiguous("gradient", slot.gradient);
  Checker::contiguous("first_moment", slot.first_moment);
  Checker::contiguous("second_moment", slot.second_moment);
  check.finish();
}

}  // namespace

Checker checked(const Context& context, const AdamStep& op) {
  check_adam_options(op);
  for (const AdamSlot& slot : op.slots) check_adam_slot(context, slot, op.step);
  Checker check(context);
  check.updated("step", op.step, {1}, Dtype::int64);
  return check;
}

}  // namespace warpgnn
