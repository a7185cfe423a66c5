// SPDX-License-Identifier: MIT
#include "warpgnn/ops/layer_norm.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

LayerNormResult result_of(const LayerNorm& op, Purpose purpose) {
  const Shape rows = expect_rows("x", op.x);
  LayerNormResult result{.y = described(rows, op.x.dtype)};
  if (purpose == Purpose::training) result.mean = result.inv_std = described({op.x.shape[0]}, op.x.dtype);
  return result;
}

Checker checked(const Context& context, const LayerNormForward& op) {
  Checker check(context);
  if (!(op.epsilon >= 0)) fail("epsilon: expected 0 or more, got " + std::to_string(op.epsilon));
  const Dtype dtype = expect_real("x", op.x);
  const Shape shape = expect_rows("x", op.x);
  const std::int64_t width = op.x.shape[1];
  check.input("x", op.x, shape, dtype);
  check.input("gamma", op.gamma, {width}, dtype);
  check.input("beta", op.beta, {width}, dtype);
  Checker::contiguous("gamma", op.gamma);
  Checker::contiguous("beta", op.beta);
  const LayerNormResult expected = result_of(op, Purpose::training);
  check.output_in_place("y", op.y, expected.y, "x");
  check.optional_output("mean", op.mean, expected.mean);
  check.optional_output("inv_std", op.inv_std, expected.inv_std);
  return check;
}

Checker checked(const Context& context, const LayerNormBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("dy", op.dy);
  const Shape shape = expect_rows("dy", op.dy);
  const std::int64_t rows = op.dy.shape[0], width = op.dy.shape[1];
  check.input("x", op.x, shape, dtype);
  check.input("mean", op.mean, {rows}, dtype);
  check.input("inv_std", op.inv_std, {rows}, dtype);
  check.input("dy", op.dy, shape, dtype);
  if (op.dx.defined()) {
    check.input("gamma", op.gamma, {width}, dtype);
    Checker::contiguous("gamma", op.gamma);
    check.output_in_place("dx", op.dx, shape, dtype, "dy");
  }
  check.optional_output("dgamma", op.dgamma, {width}, dtype);
  check.optional_output("dbeta", op.dbeta, {width}, dtype);
  Checker::contiguous("dgamma", op.dgamma);
  Checker::contiguous("dbeta", op.dbeta);
  return check;
}

}  // namespace warpgnn
