// SPDX-License-Identifier: MIT
#include "warpgnn/ops/head_dot.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

constexpr const char* kWithoutSecond = "without second_vector";

}  // namespace

HeadDotResult result_of(const HeadDot& op, Purpose /*purpose*/) {
  expect_dims("x", op.x, 3);
  HeadDotResult result{.score = described({op.x.shape[0], op.x.shape[1]}, accumulator_of(op.x.dtype))};
  if (op.second_vector.defined()) result.second_score = result.score;
  return result;
}

Checker checked(const Context& context, const HeadDotForward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x), real = accumulator_of(dtype);
  expect_dims("x", op.x, 3);
  check.input("x", op.x, {op.x.shape[0], op.x.shape[1], op.x.shape[2]}, dtype);
  check.input("vector", op.vector, {op.x.shape[1], op.x.shape[2]}, real);
  const HeadDotResult expected = result_of(op, Purpose::training);
  check.output("score", op.score, expected.score);
  if (op.second_vector.defined()) {
    check.input("second_vector", op.second_vector, {op.x.shape[1], op.x.shape[2]}, real);
    check.output("second_score", op.second_score, expected.second_score);
  } else {
    Checker::absent("second_score", op.second_score, kWithoutSecond);
  }
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
  if (op.second_vector.defined()) {
    check.input("second_vector", op.second_vector, {heads, channels}, real);
    check.input("dsecond_score", op.dsecond_score, {rows, heads}, real);
    check.optional_output("dsecond_vector", op.dsecond_vector, {heads, channels}, real);
  } else {
    Checker::absent("dsecond_score", op.dsecond_score, kWithoutSecond);
    Checker::absent("dsecond_vector", op.dsecond_vector, kWithoutSecond);
  }
  if (op.dx.defined()) check.updated("dx", op.dx, {rows, heads, channels}, dtype);
  check.optional_output("dvector", op.dvector, {heads, channels}, real);
  return check;
}

}  // namespace warpgnn
