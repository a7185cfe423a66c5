// SPDX-License-Identifier: MIT
#include "warpgnn/ops/soft_cross_entropy.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

/// Of both passes.
template <class Op>
Checker check_problem(const Context& context, const Op& op) {
  Checker check(context);
  const Dtype dtype = expect_real("logits", op.logits);
  expect_dims("logits", op.logits, 2);
  if (op.logits.shape[1] < 1) fail("logits: expected at least 1 class, got 0");
  check.input("logits", op.logits, Shape(op.logits), dtype);
  check.input("target", op.target, Shape(op.logits), dtype);
  return check;
}

}  // namespace

SoftCrossEntropyResult result_of(const SoftCrossEntropy& op, Purpose /*purpose*/) {
  expect_dims("logits", op.logits, 2);
  const Dtype dtype = op.logits.dtype;
  const auto one = described({1}, dtype), rows = described({op.logits.shape[0]}, dtype);
  return {.loss = one, .total_weight = one, .maximum = rows, .sum = rows, .row_weight = rows};
}

Checker checked(const Context& context, const SoftCrossEntropyForward& op) {
  Checker check = check_problem(context, op);
  const SoftCrossEntropyResult expected = result_of(op, Purpose::training);
  check.output("loss", op.loss, expected.loss);
  check.output("total_weight", op.total_weight, expected.total_weight);
  check.output("maximum", op.maximum, expected.maximum);
  check.output("sum", op.sum, expected.sum);
  check.output("row_weight", op.row_weight, expected.row_weight);
  return check;
}

Checker checked(const Context& context, const SoftCrossEntropyBackward& op) {
  Checker check = check_problem(context, op);
  const Dtype dtype = op.logits.dtype;
  const std::int64_t rows = op.logits.shape[0];
  check.input("total_weight", op.total_weight, {1}, dtype);
  check.input("maximum", op.maximum, {rows}, dtype);
  check.input("sum", op.sum, {rows}, dtype);
  check.input("row_weight", op.row_weight, {rows}, dtype);
  check.output_in_place("dlogits", op.dlogits, Shape(op.logits), dtype, "logits");
  return check;
}

}  // namespace warpgnn
