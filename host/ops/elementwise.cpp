// SPDX-License-Identifier: MIT
#include "warpgnn/ops/elementwise.hpp"

#include <cmath>

#include "host/ops/expect_activation.hpp"

namespace warpgnn {

namespace {

void check_probability(double probability) {
  if (!(probability >= 0 && probability < 1)) {
    fail("probability: expected a number in [0, 1), got " + std::to_string(probability));
  }
}

void expect_convertible(const char* name, const Layout& layout) {
  if (expect_storage(name, layout) == Dtype::float64) {
    fail(std::string(name) + ": expected float32, float16 or bfloat16, got float64");
  }
}

}  // namespace

ActivateResult result_of(const Activate& op, Purpose /*purpose*/) {
  return {.y = described(Shape(op.x), op.x.dtype)};
}

Checker checked(const Context& context, const ActivationForward& op) {
  Checker check(context);
  expect_activation("kind", op.kind, op.slope, false);
  const Dtype dtype = expect_storage("x", op.x);
  check.input("x", op.x, Shape(op.x), dtype);
  const ActivateResult expected = result_of(op, Purpose::training);
  check.output_in_place("y", op.y, expected.y, "x");
  return check;
}

Checker checked(const Context& context, const ActivationBackward& op) {
  Checker check(context);
  expect_activation("kind", op.kind, op.slope, true);
  const Dtype dtype = expect_storage("y", op.y);
  check.input("y", op.y, Shape(op.y), dtype);
  check.input("dy", op.dy, Shape(op.y), dtype);
  check.output_in_place("dx", op.dx, Shape(op.y), dtype, "dy");
  return check;
}

Checker checked(const Context& context, const Dropout& op) {
  Checker check(context);
  check_probability(op.probability);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  check.input("x", op.x, Shape(op.x), dtype);
  check.optional_input("counter", op.counter, {1}, Dtype::int64);
  check.output_in_place("y", op.y, Shape(op.x), dtype, "x");
  return check;
}

Checker checked(const Context& context, const AdvanceCounter& op) {
  Checker check(context);
  check.updated("counter", op.counter, {1}, Dtype::int64);
  return check;
}

namespace {

void check_gather(const GatherRows& op, Checker& check) {
  expect_dims("x", op.x, 2);
  expect_dims("index", op.index, 1);
  check.input("x", op.x, Shape(op.x), op.x.dtype);
  check.input("index", op.index, {op.index.shape[0]}, Dtype::int32);
  check.output("y", op.y, {op.index.shape[0], op.x.shape[1]}, op.x.dtype);
}

}  // namespace

Checker checked(const Context& context, const GatherRows& op) {
  Checker check(context);
  check_gather(op, check);
  return check;
}

Checker checked(const Context& context, const GatherTables& op) {
  for (std::size_t first = 0; first < op.tables.size(); ++first) {
    checked(context, op.tables[first]).finish();
    for (std::size_t second = 0; second < first; ++second) {  // overlaps
      Checker both(context);
      check_gather(op.tables[second], both);
      check_gather(op.tables[first], both);
      both.finish();
    }
  }
  return Checker(context);
}

Checker checked(const Context& context, const Convert& op) {
  Checker check(context);
  expect_convertible("x", op.x);
  expect_convertible("y", op.y);
  check.input("x", op.x, Shape(op.x), op.x.dtype);
  check.output("y", op.y, Shape(op.x), op.y.dtype);
  return check;
}

Checker checked(const Context& context, const AddScaled& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("source", op.source);
  check.input("source", op.source, Shape(op.source), dtype);
  check.updated("target", op.target, Shape(op.source), dtype);
  return check;
}

Checker checked(const Context& context, const AddBias& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  check.input("x", op.x, Shape(op.x), dtype);
  check.input("bias", op.bias, {op.x.shape[1]}, accumulator_of(dtype));
  Checker::contiguous("bias", op.bias);
  check.output_in_place("y", op.y, Shape(op.x), dtype, "x");
  return check;
}

}  // namespace warpgnn
