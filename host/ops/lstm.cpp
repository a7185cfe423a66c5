// SPDX-License-Identifier: MIT
#include "warpgnn/ops/lstm.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

/// F of the gates' 4F columns.
std::int64_t features_of(const Layout& gates) {
  expect_dims("gates", gates, 2);
  if (gates.shape[1] < 4 || gates.shape[1] % 4 != 0) {
    fail("gates: expected columns for four gates, got " + std::to_string(gates.shape[1]));
  }
  return gates.shape[1] / 4;
}

}  // namespace

LstmCellResult result_of(const LstmCell& op, Purpose /*purpose*/) {
  const Shape state{op.gates.shape[0], features_of(op.gates)};
  return {.c = described(state, op.gates.dtype), .h = described(state, op.gates.dtype)};
}

Checker checked(const Context& context, const LstmCellForward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("gates", op.gates);
  const std::int64_t features = features_of(op.gates);
  const Shape state{op.gates.shape[0], features};
  check.input("gates", op.gates, Shape(op.gates), dtype);
  check.optional_input("c_previous", op.c_previous, state, dtype);
  const LstmCellResult expected = result_of(op, Purpose::training);
  check.output("c", op.c, expected.c);
  check.output("h", op.h, expected.h);
  return check;
}

Checker checked(const Context& context, const LstmCellBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("gates", op.gates);
  const std::int64_t features = features_of(op.gates);
  const Shape state{op.gates.shape[0], features};
  check.input("gates", op.gates, Shape(op.gates), dtype);
  check.optional_input("c_previous", op.c_previous, state, dtype);
  check.input("c", op.c, state, dtype);
  check.input("dh", op.dh, state, dtype);
  check.optional_input("dc", op.dc, state, dtype);
  check.optional_output_in_place("dgates", op.dgates, Shape(op.gates), dtype, "gates");
  check.optional_output_in_place("dc_previous", op.dc_previous, state, dtype, "dc");
  return check;
}

}  // namespace warpgnn
