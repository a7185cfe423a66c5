#include "warpgnn/pool.hpp"

#include "check.hpp"

namespace warpgnn {

namespace {

/// Nodes and graphs of a batch; refuses a bipartite graph.
struct Sizes {
  std::int64_t nodes, graphs;

  explicit Sizes(const Graph& graph) : nodes(graph.num_nodes()), graphs(graph.num_graphs()) {}
};

void check_gate(PoolReduce reduce, PoolGate gate) {
  if (reduce == PoolReduce::max && gate != PoolGate::none) fail("gate: expected none with max");
}

void check_width(const char* name, const Layout& layout) {
  expect_dims(name, layout, 2);
  if (layout.shape[1] < 1) fail(std::string(name) + ": expected at least 1 feature, got 0");
}

Checker checked(const Context& context, const PoolForward& op) {
  Checker check(context);
  check.graph(op.graph);
  check_gate(op.reduce, op.gate);
  const Sizes size(op.graph);
  const Dtype dtype = expect_real("x", op.x);
  check_width("x", op.x);
  const std::int64_t width = op.x.shape[1];
  check.input("x", op.x, {size.nodes, width}, dtype);
  if (op.gate == PoolGate::none)
    Checker::absent("score", op.score, "without a gate");
  else
    check.input("score", op.score, {size.nodes}, dtype);
  check.output("y", op.y, {size.graphs, width}, dtype);
  if (op.gate == PoolGate::softmax)
    check.output("lse", op.lse, {size.graphs}, dtype);
  else
    Checker::absent("lse", op.lse, "without a softmax gate");
  if (op.reduce != PoolReduce::max) Checker::absent("arg", op.arg, "with sum or mean");
  check.optional_output("arg", op.arg, {size.graphs, width}, Dtype::int32);
  return check;
}

Checker checked(const Context& context, const PoolBackward& op) {
  Checker check(context);
  check.graph(op.graph);
  check_gate(op.reduce, op.gate);
  const Sizes size(op.graph);
  const Dtype dtype = expect_real("dy", op.dy);
  check_width("dy", op.dy);
  const std::int64_t width = op.dy.shape[1];
  check.input("dy", op.dy, {size.graphs, width}, dtype);
  if (op.gate == PoolGate::none) {
    Checker::absent("score", op.score, "without a gate");
    Checker::absent("dscore", op.dscore, "without a gate");
  } else {
    check.input("score", op.score, {size.nodes}, dtype);
  }
  const bool softmax = op.gate == PoolGate::softmax;
  if (op.dscore.defined()) check.input("x", op.x, {size.nodes, width}, dtype);
  if (op.dscore.defined() && softmax) check.input("y", op.y, {size.graphs, width}, dtype);
  if (softmax)
    check.input("lse", op.lse, {size.graphs}, dtype);
  else
    Checker::absent("lse", op.lse, "without a softmax gate");
  if (op.reduce == PoolReduce::max && op.dx.defined()) {
    check.input("arg", op.arg, {size.graphs, width}, Dtype::int32);
  }
  check.optional_output("dx", op.dx, {size.nodes, width}, dtype);
  check.optional_output("dscore", op.dscore, {size.nodes}, dtype);
  return check;
}

Checker checked(const Context& context, const PoolWeights& op) {
  Checker check(context);
  check.graph(op.graph);
  if (op.gate == PoolGate::none) fail("gate: expected a gate, got none");
  const Sizes size(op.graph);
  const Dtype dtype = expect_real("score", op.score);
  check.input("score", op.score, {size.nodes}, dtype);
  if (op.gate == PoolGate::softmax)
    check.input("lse", op.lse, {size.graphs}, dtype);
  else
    Checker::absent("lse", op.lse, "without a softmax gate");
  check.output("weight", op.weight, {size.nodes}, dtype);
  return check;
}

}  // namespace

std::size_t workspace_size(const Context& context, const PoolForward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

std::size_t workspace_size(const Context& context, const PoolBackward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

void pool_forward(const Context& context, const PoolForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::pool_forward(exec, o); });
}

void pool_backward(const Context& context, const PoolBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::pool_backward(exec, o); });
}

void pool_weights(const Context& context, const PoolWeights& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::pool_weights(exec, o); });
}

}  // namespace warpgnn
