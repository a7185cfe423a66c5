// SPDX-License-Identifier: MIT
#include "warpgnn/ops/relation.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

void check_relation(const Graph& graph, const ConstTensorView& relation, Checker& check) {
  const bool wide = relation.dtype == Dtype::int64;
  check.input("relation", relation, {graph.num_edges()}, wide ? Dtype::int64 : Dtype::int32);
}

void check_coefficient(const ConstTensorView& coefficient, Dtype dtype, Checker& check) {
  expect_dims("coefficient", coefficient, 2);
  if (coefficient.shape[1] < 1) fail("coefficient: expected at least 1 basis, got 0");
  check.input("coefficient", coefficient, {coefficient.shape[0], coefficient.shape[1]}, dtype);
}

}  // namespace

Checker checked(const Context& context, const RelationWeightsArgs& op) {
  Checker check(context);
  check.graph(op.graph);
  expect_option("norm", op.norm, RelationNorm::all_edges);
  if (op.relations < 0) fail("relations: expected 0 or more, got " + std::to_string(op.relations));
  const Dtype dtype = expect_real("weight", op.weight);
  check_relation(op.graph, op.relation, check);
  check.output("weight", op.weight, {op.graph.num_edges()}, dtype);
  return check;
}

RelationAggregateResult result_of(const RelationAggregate& op, Purpose /*purpose*/) {
  expect_dims("x", op.x, 2);
  expect_dims("coefficient", op.coefficient, 2);
  return {.y = described({op.graph.num_destinations(), op.coefficient.shape[1], op.x.shape[1]}, op.x.dtype)};
}

Checker checked(const Context& context, const RelationAggregateForward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  const std::int64_t width = op.x.shape[1];
  check.input("x", op.x, {op.graph.num_sources(), width}, dtype);
  check_relation(op.graph, op.relation, check);
  check_coefficient(op.coefficient, accumulator_of(dtype), check);
  check.optional_input("weight", op.weight, {op.graph.num_edges()}, accumulator_of(dtype));
  check.output("y", op.y, {op.graph.num_destinations(), op.coefficient.shape[1], width}, dtype);
  return check;
}

Checker checked(const Context& context, const RelationAggregateBackward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype dtype = expect_storage("dy", op.dy);
  expect_dims("dy", op.dy, 3);
  const std::int64_t width = op.dy.shape[2];
  check_relation(op.graph, op.relation, check);
  check_coefficient(op.coefficient, accumulator_of(dtype), check);
  check.input("dy", op.dy, {op.graph.num_destinations(), op.coefficient.shape[1], width}, dtype);
  check.optional_input("weight", op.weight, {op.graph.num_edges()}, accumulator_of(dtype));
  if (op.dcoefficient.defined() || op.dweight.defined() || op.x.defined()) {
    check.input("x", op.x, {op.graph.num_sources(), width}, dtype);
  }
  check.optional_output("dx", op.dx, {op.graph.num_sources(), width}, dtype);
  check.optional_output("dcoefficient", op.dcoefficient, Shape(op.coefficient), accumulator_of(dtype));
  check.optional_output("dweight", op.dweight, {op.graph.num_edges()}, accumulator_of(dtype));
  return check;
}

}  // namespace warpgnn
