// SPDX-License-Identifier: MIT
#include "warpgnn/ops/pointwise_loss.hpp"

#include <cmath>

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

/// Of both passes.
template <class Op>
Checker check_problem(const Context& context, const Op& op) {
  Checker check(context);
  expect_option("kind", op.kind, PointwiseLossKind::binary_cross_entropy);
  const Dtype dtype = expect_real("prediction", op.prediction);
  expect_dims("prediction", op.prediction, 2);
  check.input("prediction", op.prediction, Shape(op.prediction), dtype);
  check.input("target", op.target, Shape(op.prediction), dtype);
  check.optional_input("weight", op.weight, Shape(op.prediction), dtype);
  if (!(op.delta > 0) || !std::isfinite(op.delta)) {
    fail("delta: expected a finite number above 0, got " + std::to_string(op.delta));
  }
  return check;
}

}  // namespace

PointwiseLossResult result_of(const PointwiseLoss& op, Purpose /*purpose*/) {
  expect_dims("prediction", op.prediction, 2);
  return {.loss = described({1}, op.prediction.dtype), .total_weight = described({1}, op.prediction.dtype)};
}

Checker checked(const Context& context, const PointwiseLossForward& op) {
  Checker check = check_problem(context, op);
  const PointwiseLossResult expected = result_of(op, Purpose::training);
  check.output("loss", op.loss, expected.loss);
  check.output("total_weight", op.total_weight, expected.total_weight);
  return check;
}

Checker checked(const Context& context, const PointwiseLossBackward& op) {
  Checker check = check_problem(context, op);
  check.input("total_weight", op.total_weight, {1}, op.prediction.dtype);
  check.output("dprediction", op.dprediction, Shape(op.prediction), op.prediction.dtype);
  return check;
}

}  // namespace warpgnn
