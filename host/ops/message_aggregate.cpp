// SPDX-License-Identifier: MIT
#include "warpgnn/ops/message_aggregate.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

bool is_extreme(Reduce reduce) {
  return reduce == Reduce::max || reduce == Reduce::min;
}

void check_epsilon(const Graph& graph, EdgeMessage message, const ConstTensorView& epsilon, Dtype dtype,
                   Checker& check) {
  if (!epsilon.defined()) return;
  if (message == EdgeMessage::edge) Checker::absent("epsilon", epsilon, "with message edge");
  graph.num_nodes();  // throws unless sources and destinations are one set
  check.input("epsilon", epsilon, {1}, dtype);
}

/// Whether backward reads an input, given which gradients are wanted.
bool reads_x(const MessageAggregateBackward& op) {
  const bool dmessages = op.dx.defined() || op.dedge.defined();
  return op.depsilon.defined() || (op.message == EdgeMessage::multiply && op.dedge.defined()) ||
         (op.message == EdgeMessage::relu_add && dmessages);
}
bool reads_edge(const MessageAggregateBackward& op) {
  const bool dmessages = op.dx.defined() || op.dedge.defined();
  return (op.message == EdgeMessage::multiply && op.dx.defined()) || (op.message == EdgeMessage::relu_add && dmessages);
}

}  // namespace

MessageAggregateResult result_of(const MessageAggregate& op, Purpose purpose) {
  expect_dims("edge", op.edge, 2);
  const Shape rows{op.graph.num_destinations(), op.edge.shape[1]};
  return {.y = described(rows, op.edge.dtype),
          .arg = is_extreme(op.reduce) && purpose == Purpose::training ? described(rows, Dtype::int32) : TensorView{}};
}

Checker checked(const Context& context, const MessageAggregateForward& op) {
  Checker check(context);
  check.graph(op.graph);
  expect_option("message", op.message, EdgeMessage::edge);
  expect_option("reduce", op.reduce, Reduce::min);
  const Dtype dtype = expect_storage("edge", op.edge);
  expect_dims("edge", op.edge, 2);
  const std::int64_t width = op.edge.shape[1];
  check.input("edge", op.edge, {op.graph.num_edges(), width}, dtype);
  if (op.message == EdgeMessage::edge) {
    Checker::absent("x", op.x, "with message edge");
  } else {
    check.input("x", op.x, {op.graph.num_sources(), width}, dtype);
  }
  check_epsilon(op.graph, op.message, op.epsilon, accumulator_of(dtype), check);
  const MessageAggregateResult expected = result_of(op, Purpose::training);
  check.output("y", op.y, expected.y);
  if (!is_extreme(op.reduce)) Checker::absent("arg", op.arg, "with sum or mean");
  check.optional_output("arg", op.arg, expected.arg);
  return check;
}

Checker checked(const Context& context, const MessageAggregateBackward& op) {
  Checker check(context);
  check.graph(op.graph);
  expect_option("message", op.message, EdgeMessage::edge);
  expect_option("reduce", op.reduce, Reduce::min);
  const Dtype dtype = expect_storage("dy", op.dy);
  expect_dims("dy", op.dy, 2);
  const std::int64_t width = op.dy.shape[1];
  check.input("dy", op.dy, {op.graph.num_destinations(), width}, dtype);
  if (op.message == EdgeMessage::edge) {
    Checker::absent("x", op.x, "with message edge");
    Checker::absent("dx", op.dx, "with message edge");
    Checker::absent("depsilon", op.depsilon, "with message edge");
  }
  if (reads_x(op) || op.x.defined()) check.input("x", op.x, {op.graph.num_sources(), width}, dtype);
  if (reads_edge(op) || op.edge.defined()) check.input("edge", op.edge, {op.graph.num_edges(), width}, dtype);
  check_epsilon(op.graph, op.message, op.epsilon, accumulator_of(dtype), check);
  if (!is_extreme(op.reduce)) Checker::absent("arg", op.arg, "with sum or mean");
  if (is_extreme(op.reduce) && (op.dx.defined() || op.dedge.defined())) {
    check.input("arg", op.arg, {op.graph.num_destinations(), width}, Dtype::int32);
  }
  check.optional_output("dx", op.dx, {op.graph.num_sources(), width}, dtype);
  check.optional_output("dedge", op.dedge, {op.graph.num_edges(), width}, dtype);
  if (op.depsilon.defined()) {
    op.graph.num_nodes();
    check.output("depsilon", op.depsilon, {1}, accumulator_of(dtype));
  }
  return check;
}

}  // namespace warpgnn
