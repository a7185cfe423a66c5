// SPDX-License-Identifier: MIT
#include "warpgnn/ops/gru.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

/// What both passes are given.
template <class Op>
Dtype check_inputs(const Op& op, Checker& check) {
  const Dtype dtype = expect_real("input", op.input);
  expect_dims("input", op.input, 2);
  if (op.input.shape[1] < 3 || op.input.shape[1] % 3 != 0) {
    fail("input: expected columns for three gates, got " + std::to_string(op.input.shape[1]));
  }
  check.input("input", op.input, Shape(op.input), dtype);
  check.input("hidden", op.hidden, Shape(op.input), dtype);
  check.input("h_previous", op.h_previous, {op.input.shape[0], op.input.shape[1] / 3}, dtype);
  return dtype;
}

}  // namespace

GruCellResult result_of(const GruCell& op, Purpose /*purpose*/) {
  expect_dims("h_previous", op.h_previous, 2);
  return {.h = described(Shape(op.h_previous), op.h_previous.dtype)};
}

Checker checked(const Context& context, const GruCellForward& op) {
  Checker check(context);
  check_inputs(op, check);
  const GruCellResult expected = result_of(op, Purpose::training);
  check.output_in_place("h", op.h, expected.h, "h_previous");
  return check;
}

Checker checked(const Context& context, const GruCellBackward& op) {
  Checker check(context);
  const Dtype dtype = check_inputs(op, check);
  check.input("dh", op.dh, Shape(op.h_previous), dtype);
  check.optional_output_in_place("dinput", op.dinput, Shape(op.input), dtype, "input");
  check.optional_output_in_place("dhidden", op.dhidden, Shape(op.input), dtype, "hidden");
  check.optional_output_in_place("dh_previous", op.dh_previous, Shape(op.h_previous), dtype, "dh");
  return check;
}

}  // namespace warpgnn
