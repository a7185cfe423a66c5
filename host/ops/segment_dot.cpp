// SPDX-License-Identifier: MIT
#include "warpgnn/ops/segment_dot.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

std::int64_t width_of(const char* name, const Layout& rows) {
  expect_dims(name, rows, 2);
  if (rows.shape[1] < 1) fail(std::string(name) + ": expected at least 1 feature, got 0");
  return rows.shape[1];
}

/// The dtype of rows whose scores are of the dtype `score`: any that is computed with in it.
Dtype dtype_of_rows(const char* name, const Layout& rows, Dtype score) {
  if (rows.ndim == 0 || accumulator_of(rows.dtype) != score) return score;
  return expect_storage(name, rows);
}

}  // namespace

SegmentDotResult result_of(const SegmentDot& op, Purpose /*purpose*/) {
  return {.score = described({op.graph.num_nodes()}, accumulator_of(op.x.dtype))};
}

Checker checked(const Context& context, const SegmentDotForward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype dtype = expect_storage("x", op.x);
  const std::int64_t width = width_of("x", op.x), nodes = op.graph.num_nodes();
  check.input("x", op.x, {nodes, width}, dtype);
  check.input("query", op.query, {op.graph.num_graphs(), width}, dtype);
  const SegmentDotResult expected = result_of(op, Purpose::training);
  check.output("score", op.score, expected.score);
  return check;
}

Checker checked(const Context& context, const SegmentDotBackward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype score = expect_real("dscore", op.dscore);
  const Dtype dtype = op.dx.defined() ? dtype_of_rows("query", op.query, score) : dtype_of_rows("x", op.x, score);
  const std::int64_t nodes = op.graph.num_nodes(), graphs = op.graph.num_graphs();
  check.input("dscore", op.dscore, {nodes}, score);
  if (op.dx.defined()) {
    const std::int64_t width = width_of("query", op.query);
    check.input("query", op.query, {graphs, width}, dtype);
    check.updated("dx", op.dx, {nodes, width}, dtype);
  }
  if (op.dquery.defined()) {
    const std::int64_t width = width_of("x", op.x);
    check.input("x", op.x, {nodes, width}, dtype);
    check.output("dquery", op.dquery, {graphs, width}, dtype);
  }
  return check;
}

}  // namespace warpgnn
