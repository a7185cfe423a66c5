// SPDX-License-Identifier: MIT
#include "warpgnn/ops/batch_norm.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

Checker checked(const Context& context, const BatchNormForward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("x", op.x);
  expect_dims("x", op.x, 2);
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  if (op.training && rows == 0) fail("x: expected at least 1 row in training, got none");
  if (!(op.epsilon >= 0)) fail("epsilon: expected 0 or more, got " + std::to_string(op.epsilon));
  if (!(op.momentum >= 0 && op.momentum <= 1)) {
    fail("momentum: expected a number in [0, 1], got " + std::to_string(op.momentum));
  }
  check.input("x", op.x, {rows, width}, dtype);
  check.input("gamma", op.gamma, {width}, dtype);
  check.input("beta", op.beta, {width}, dtype);
  check.updated("running_mean", op.running_mean, {width}, dtype);
  check.updated("running_var", op.running_var, {width}, dtype);
  check.output("y", op.y, {rows, width}, dtype);
  if (op.training) {
    check.output("saved_mean", op.saved_mean, {width}, dtype);
    check.output("saved_inv_std", op.saved_inv_std, {width}, dtype);
  }
  for (const Layout* vector :
       {static_cast<const Layout*>(&op.gamma), static_cast<const Layout*>(&op.beta),
        static_cast<const Layout*>(&op.running_mean), static_cast<const Layout*>(&op.running_var),
        static_cast<const Layout*>(&op.saved_mean), static_cast<const Layout*>(&op.saved_inv_std)}) {
    Checker::contiguous("gamma, beta and statistics", *vector);
  }
  return check;
}

Checker checked(const Context& context, const BatchNormBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("x", op.x);
  expect_dims("x", op.x, 2);
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  check.input("x", op.x, {rows, width}, dtype);
  if (op.dx.defined()) check.input("gamma", op.gamma, {width}, dtype);
  check.input("saved_mean", op.saved_mean, {width}, dtype);
  check.input("saved_inv_std", op.saved_inv_std, {width}, dtype);
  check.input("dy", op.dy, {rows, width}, dtype);
  check.optional_output("dx", op.dx, {rows, width}, dtype);
  check.optional_output("dgamma", op.dgamma, {width}, dtype);
  check.optional_output("dbeta", op.dbeta, {width}, dtype);
  for (const Layout* vector : {static_cast<const Layout*>(&op.gamma), static_cast<const Layout*>(&op.saved_mean),
                               static_cast<const Layout*>(&op.saved_inv_std), static_cast<const Layout*>(&op.dgamma),
                               static_cast<const Layout*>(&op.dbeta)}) {
    Checker::contiguous("gamma, statistics and their gradients", *vector);
  }
  return check;
}

}  // namespace warpgnn
