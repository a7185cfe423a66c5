// SPDX-License-Identifier: MIT
#include "warpgnn/ops/normalize_rows.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

NormalizeRowsResult result_of(const NormalizeRows& op, Purpose purpose) {
  const Shape rows = expect_rows("x", op.x);
  NormalizeRowsResult result{.y = described(rows, op.x.dtype)};
  if (purpose == Purpose::training) result.norm = described({op.x.shape[0]}, op.x.dtype);
  return result;
}

Checker checked(const Context& context, const NormalizeRowsForward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("x", op.x);
  const Shape shape = expect_rows("x", op.x);
  check.input("x", op.x, shape, dtype);
  const NormalizeRowsResult expected = result_of(op, Purpose::training);
  check.output_in_place("y", op.y, expected.y, "x");
  check.optional_output("norm", op.norm, expected.norm);
  return check;
}

Checker checked(const Context& context, const NormalizeRowsBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("dy", op.dy);
  const Shape shape = expect_rows("dy", op.dy);
  check.input("y", op.y, shape, dtype);
  check.input("norm", op.norm, {op.dy.shape[0]}, dtype);
  check.input("dy", op.dy, shape, dtype);
  check.output_in_place("dx", op.dx, shape, dtype, "dy");
  return check;
}

}  // namespace warpgnn
