// SPDX-License-Identifier: MIT
#include "warpgnn/ops/head_dot.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

HeadDotResult result_of(const HeadDot& op, Purpose /*purpose*/) {
  expect_dims("x", op.x, 3);
  return {.score = described({op.x.shape[0], op.x.shape[1]}, accumulator_of(op.x.dtype))};
}

Checker checked(const Context& context, const HeadDotForward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x), real = accumulator_of(dtype);
  expect_dims("x", op.x, 3);
  check.input("x", op.x, {op.x.shape[0], op.x.shape[1], op.x.shape[2]}, dtype);
  check.input("vector", op.vector, {op.x.shape[1], op.x.shape[2]}, real);
  const HeadDotResult expected = result_of(op, Purpose::training);
  check.output("score", op.score, expected.score);
  return check;
}

Checker checked(const Context& context, const HeadDotBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x), real = accumulator_of(dtype);
  expect_dims("x", op.x, 3);
  const std::int64_t rows = op.x.shape[0], heads = op.x.shape[1], channels = op.x.shape[2];
  check.input("x", op.x, {rows, heads, channels}, dtype);
  check.input("vector", op.vector, {heads, channels}, real);
  check.input("dscore", op.dscore, {rows, heads}, real);
  if (op.dx.defined()) check.updated("dx", op.dx, {rows, heads, channels}, dtype);
  check.optional_output("dvector", op.dvector, {heads, channels}, real);
  return check;
}

}  // namespace warpgnn
