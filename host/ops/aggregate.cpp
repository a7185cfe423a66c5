// SPDX-License-Identifier: MIT
#include "warpgnn/ops/aggregate.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

bool is_extreme(Reduce reduce) {
  return reduce == Reduce::max || reduce == Reduce::min;
}

void check_weight(const Graph& graph, Reduce reduce, const ConstTensorView& weight, Dtype dtype, Checker& check) {
  if (is_extreme(reduce)) Checker::absent("weight", weight, "with max or min");
  check.optional_input("weight", weight, {graph.num_edges()}, dtype);
}

void check_scales(const Aggregate& op, Dtype dtype, Checker& check) {
  if (is_extreme(op.reduce)) {
    Checker::absent("source_scale", op.source_scale, "with max or min");
    Checker::absent("destination_scale", op.destination_scale, "with max or min");
  }
  check.optional_input("source_scale", op.source_scale, {op.graph.num_sources()}, dtype);
  check.optional_input("destination_scale", op.destination_scale, {op.graph.num_destinations()}, dtype);
}

void check_epsilon(const Graph& graph, const ConstTensorView& epsilon, Dtype dtype, Checker& check) {
  if (!epsilon.defined()) return;
  graph.num_nodes();  // throws unless sources and destinations are one set
  check.input("epsilon", epsilon, {1}, dtype);
}

}  // namespace

AggregateResult result_of(const Aggregate& op, Purpose purpose) {
  expect_dims("x", op.x, 2);
  const Shape rows{op.graph.num_destinations(), op.x.shape[1]};
  return {.y = described(rows, op.x.dtype),
          .arg = is_extreme(op.reduce) && purpose == Purpose::training ? described(rows, Dtype::int32) : TensorView{}};
}

Checker checked(const Context& context, const AggregateForward& op) {
  Checker check(context);
  check.graph(op.graph);
  expect_option("reduce", op.reduce, Reduce::min);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  const std::int64_t width = op.x.shape[1];
  check.input("x", op.x, {op.graph.num_sources(), width}, dtype);
  check_weight(op.graph, op.reduce, op.weight, accumulator_of(dtype), check);
  check_scales(op, accumulator_of(dtype), check);
  check_epsilon(op.graph, op.epsilon, accumulator_of(dtype), check);
  const AggregateResult expected = result_of(op, Purpose::training);
  check.output("y", op.y, expected.y);
  if (!is_extreme(op.reduce)) Checker::absent("arg", op.arg, "with sum or mean");
  check.optional_output("arg", op.arg, expected.arg);
  return check;
}

Checker checked(const Context& context, const AggregateBackward& op) {
  Checker check(context);
  check.graph(op.graph);
  expect_option("reduce", op.reduce, Reduce::min);
  const Dtype dtype = expect_storage("dy", op.dy);
  expect_dims("dy", op.dy, 2);
  const std::int64_t width = op.dy.shape[1];
  const bool needs_x = op.dweight.defined() || op.depsilon.defined();
  check.input("dy", op.dy, {op.graph.num_destinations(), width}, dtype);
  if (needs_x || op.x.defined()) check.input("x", op.x, {op.graph.num_sources(), width}, dtype);
  check_weight(op.graph, op.reduce, op.weight, accumulator_of(dtype), check);
  check_scales(op, accumulator_of(dtype), check);
  check_epsilon(op.graph, op.epsilon, accumulator_of(dtype), check);
  if (!is_extreme(op.reduce)) Checker::absent("arg", op.arg, "with sum or mean");
  if (is_extreme(op.reduce) && op.dx.defined()) {
    check.input("arg", op.arg, {op.graph.num_destinations(), width}, Dtype::int32);
  }
  check.optional_output("dx", op.dx, {op.graph.num_sources(), width}, dtype);
  if (is_extreme(op.reduce)) Checker::absent("dweight", op.dweight, "with max or min");
  check.optional_output("dweight", op.dweight, {op.graph.num_edges()}, accumulator_of(dtype));
  if (op.depsilon.defined()) {
    op.graph.num_nodes();
    check.output("depsilon", op.depsilon, {1}, accumulator_of(dtype));
  }
  return check;
}

}  // namespace warpgnn
