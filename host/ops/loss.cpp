// SPDX-License-Identifier: MIT
#include "warpgnn/ops/loss.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

void check_classes(const char* name, const Layout& layout) {
  expect_dims(name, layout, 2);
  if (layout.shape[1] < 1) fail(std::string(name) + ": expected at least 1 class, got 0");
}

/// Of both passes.
template <class Op>
void check_class_options(const Op& op, std::int64_t classes, Dtype dtype, Checker& check) {
  if (!(op.label_smoothing >= 0 && op.label_smoothing <= 1)) {
    fail("label_smoothing: expected a number in [0, 1], got " + std::to_string(op.label_smoothing));
  }
  check.optional_input("class_weight", op.class_weight, {classes}, dtype);
  Checker::contiguous("class_weight", op.class_weight);
}

}  // namespace

CrossEntropyResult result_of(const CrossEntropy& op, Purpose /*purpose*/) {
  check_classes("logits", op.logits);
  const Dtype dtype = op.logits.dtype;
  return {.loss = described({1}, dtype),
          .probability = described(Shape(op.logits), dtype),
          .total_weight = described({1}, dtype)};
}

Checker checked(const Context& context, const CrossEntropyForward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("logits", op.logits);
  check_classes("logits", op.logits);
  check.input("logits", op.logits, Shape(op.logits), dtype);
  check.input("label", op.label, {op.logits.shape[0]}, Dtype::int32);
  const CrossEntropyResult expected = result_of(op, Purpose::training);
  check.output("loss", op.loss, expected.loss);
  check.output("probability", op.probability, expected.probability);
  check.output("total_weight", op.total_weight, expected.total_weight);
  check_class_options(op, op.logits.shape[1], dtype, check);
  check.classes("label", op.label, op.logits.shape[1], op.ignore_index);
  return check;
}

Checker checked(const Context& context, const CrossEntropyBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("probability", op.probability);
  check_classes("probability", op.probability);
  check.input("probability", op.probability, Shape(op.probability), dtype);
  check.input("label", op.label, {op.probability.shape[0]}, Dtype::int32);
  check.input("total_weight", op.total_weight, {1}, dtype);
  check_class_options(op, op.probability.shape[1], dtype, check);
  check.classes("label", op.label, op.probability.shape[1], op.ignore_index);
  check.output("dlogits", op.dlogits, Shape(op.probability), dtype);
  return check;
}

}  // namespace warpgnn
