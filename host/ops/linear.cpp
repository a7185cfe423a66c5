// SPDX-License-Identifier: MIT
#include "warpgnn/ops/linear.hpp"

#include <utility>

#include "host/ops/expect_activation.hpp"

namespace warpgnn {

LinearResult result_of(const Linear& op, Purpose /*purpose*/) {
  expect_dims("x", op.x, 2);
  expect_dims("weight", op.weight, 2);
  return {.y = described({op.x.shape[0], op.weight.shape[0]}, op.x.dtype)};
}

Checker checked(const Context& context, const LinearForward& op) {
  Checker check(context);
  expect_activation("activation", op.activation, op.slope, false);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  expect_dims("weight", op.weight, 2);
  const std::int64_t rows = op.x.shape[0], in = op.x.shape[1], out = op.weight.shape[0];
  check.input("x", op.x, {rows, in}, dtype);
  check.input("weight", op.weight, {out, in}, dtype);
  check.optional_input("bias", op.bias, {out}, accumulator_of(dtype));
  Checker::rows_apart("x", op.x);
  Checker::rows_apart("weight", op.weight);
  Checker::contiguous("bias", op.bias);
  const LinearResult expected = result_of(op, Purpose::training);
  check.output("y", op.y, expected.y);
  return check;
}

Checker checked(const Context& context, const LinearBackward& op) {
  Checker check(context);
  expect_activation("activation", op.activation, op.slope, true);
  const Dtype dtype = expect_storage("dy", op.dy);
  expect_dims("dy", op.dy, 2);
  const std::int64_t rows = op.dy.shape[0], out = op.dy.shape[1];
  check.input("dy", op.dy, {rows, out}, dtype);
  if (op.activation != Activation::identity) check.input("y", op.y, {rows, out}, dtype);
  if (op.dx.defined()) {
    expect_dims("weight", op.weight, 2);
    check.input("weight", op.weight, {out, op.weight.shape[1]}, dtype);
    check.output("dx", op.dx, {rows, op.weight.shape[1]}, dtype);
  }
  if (op.dweight.defined()) {
    expect_dims("x", op.x, 2);
    check.input("x", op.x, {rows, op.x.shape[1]}, dtype);
    check.output("dweight", op.dweight, {out, op.x.shape[1]}, accumulator_of(dtype));
  }
  check.optional_output("dbias", op.dbias, {out}, accumulator_of(dtype));
  for (const auto& [name, view] : {std::pair{"dy", &op.dy}, {"weight", &op.weight}, {"x", &op.x}}) {
    Checker::rows_apart(name, *view);
  }
  Checker::contiguous("dbias", op.dbias);
  return check;
}

}  // namespace warpgnn
