// SPDX-License-Identifier: MIT
#include "warpgnn/ops/residual_gate.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

/// The sizes come from x, which every call has. Returns the dtype of rows.
template <class Op>
Dtype check_inputs(const Op& op, Checker& check) {
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  if (width < 1) fail("x: expected at least 1 column, got 0");
  check.input("x", op.x, {rows, width}, dtype);
  check.input("residual", op.residual, {rows, width}, dtype);
  check.input("weight", op.weight, {3, width}, accumulator_of(dtype));
  return dtype;
}

}  // namespace

ResidualGateResult result_of(const ResidualGate& op, Purpose /*purpose*/) {
  expect_dims("x", op.x, 2);
  return {.y = described(Shape(op.x), op.x.dtype), .gate = described({op.x.shape[0]}, accumulator_of(op.x.dtype))};
}

Checker checked(const Context& context, const ResidualGateForward& op) {
  Checker check(context);
  check_inputs(op, check);
  const ResidualGateResult expected = result_of(op, Purpose::training);
  check.output("y", op.y, expected.y);
  check.output("gate", op.gate, expected.gate);
  return check;
}

Checker checked(const Context& context, const ResidualGateBackward& op) {
  Checker check(context);
  const Dtype dtype = check_inputs(op, check);
  check.input("gate", op.gate, {op.x.shape[0]}, accumulator_of(dtype));
  check.input("dy", op.dy, Shape(op.x), dtype);
  check.optional_output("dx", op.dx, Shape(op.x), dtype);
  check.optional_output("dresidual", op.dresidual, Shape(op.x), dtype);
  check.optional_output("dweight", op.dweight, {3, op.x.shape[1]}, accumulator_of(dtype));
  return check;
}

}  // namespace warpgnn
