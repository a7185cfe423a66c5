#include "warpgnn/row_norm.hpp"

#include "check.hpp"

namespace warpgnn {

namespace {

/// The rows that a call is about: [N, F] with F >= 1.
Shape rows_shape(const char* name, const Layout& rows) {
  expect_dims(name, rows, 2);
  if (rows.shape[1] < 1) fail(std::string(name) + ": expected at least 1 feature, got 0");
  return Shape(rows);
}

Checker checked(const Context& context, const LayerNormForward& op) {
  Checker check(context);
  if (!(op.epsilon >= 0)) fail("epsilon: expected 0 or more, got " + std::to_string(op.epsilon));
  const Dtype dtype = expect_real("x", op.x);
  const Shape shape = rows_shape("x", op.x);
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  check.input("x", op.x, shape, dtype);
  check.input("gamma", op.gamma, {width}, dtype);
  check.input("beta", op.beta, {width}, dtype);
  Checker::contiguous("gamma", op.gamma);
  Checker::contiguous("beta", op.beta);
  check.output_in_place("y", op.y, shape, dtype, "x");
  check.optional_output("mean", op.mean, {rows}, dtype);
  check.optional_output("inv_std", op.inv_std, {rows}, dtype);
  return check;
}

Checker checked(const Context& context, const LayerNormBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("dy", op.dy);
  const Shape shape = rows_shape("dy", op.dy);
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

Checker checked(const Context& context, const NormalizeRowsForward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("x", op.x);
  const Shape shape = rows_shape("x", op.x);
  check.input("x", op.x, shape, dtype);
  check.output_in_place("y", op.y, shape, dtype, "x");
  check.optional_output("norm", op.norm, {op.x.shape[0]}, dtype);
  return check;
}

Checker checked(const Context& context, const NormalizeRowsBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_real("dy", op.dy);
  const Shape shape = rows_shape("dy", op.dy);
  check.input("y", op.y, shape, dtype);
  check.input("norm", op.norm, {op.dy.shape[0]}, dtype);
  check.input("dy", op.dy, shape, dtype);
  check.output_in_place("dx", op.dx, shape, dtype, "dy");
  return check;
}

}  // namespace

std::size_t workspace_size(const Context& context, const LayerNormBackward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

void layer_norm_forward(const Context& context, const LayerNormForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::layer_norm_forward(exec, o); });
}

void layer_norm_backward(const Context& context, const LayerNormBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::layer_norm_backward(exec, o); });
}

void normalize_rows_forward(const Context& context, const NormalizeRowsForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::normalize_rows_forward(exec, o); });
}

void normalize_rows_backward(const Context& context, const NormalizeRowsBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::normalize_rows_backward(exec, o); });
}

}  // namespace warpgnn
