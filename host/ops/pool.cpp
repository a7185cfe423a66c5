// SPDX-License-Identifier: MIT
#include "warpgnn/ops/pool.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

/// Whether a call has heads: what two of three arguments say, so that a message can name the one that is wrong.
bool majority_has_heads(bool first, bool second, bool third) {
  return (first && second) || (first && third) || (second && third);
}
bool has_heads(const Layout& rows, const Layout& other_rows, const Layout& score) {
  return majority_has_heads(rows.ndim == 3, other_rows.ndim == 3, score.ndim == 2);
}

/// The shapes of a pool's arguments: rows of features and, per row and head, scores; without heads rows make a matrix
/// and scores a vector. Refuses a bipartite graph.
struct Shapes {
  Shape node_rows, graph_rows, node_scores, graph_scores;

  static Shapes from_rows(const Graph& graph, const char* name, const Layout& rows, bool heads) {
    expect_dims(name, rows, heads ? 3 : 2);
    if (rows.row_size() < 1) fail(std::string(name) + ": expected at least 1 feature, got 0");
    const std::int64_t nodes = graph.num_nodes(), graphs = graph.num_graphs();
    const std::int64_t width = rows.shape[1], channels = rows.shape[2];
    if (!heads) return {{nodes, width}, {graphs, width}, {nodes}, {graphs}};
    return {{nodes, width, channels}, {graphs, width, channels}, {nodes, width}, {graphs, width}};
  }
};

constexpr const char* kNoSoftmax = "without a softmax gate";

void check_gate(PoolReduce reduce, PoolGate gate) {
  expect_option("reduce", reduce, PoolReduce::max);
  expect_option("gate", gate, PoolGate::raw);
  if (reduce == PoolReduce::max && gate != PoolGate::none) fail("gate: expected none with max");
}

/// The bounds keep its reciprocal finite in float32 as well.
void check_temperature(PoolGate gate, double temperature) {
  if (gate != PoolGate::softmax && temperature != 1) {
    fail("temperature: expected 1 without a softmax gate, got " + std::to_string(temperature));
  }
  if (!(temperature >= 1e-30 && temperature <= 1e30)) {
    fail("temperature: expected a number in [1e-30, 1e30], got " + std::to_string(temperature));
  }
}

/// What a forward with a softmax gate has saved of it.
template <class Op>
void check_statistics(Checker& check, const Op& op, const Shape& shape, Dtype dtype) {
  if (op.gate == PoolGate::softmax) {
    check.input("maximum", op.maximum, shape, dtype);
    check.input("sum", op.sum, shape, dtype);
  } else {
    Checker::absent("maximum", op.maximum, kNoSoftmax);
    Checker::absent("sum", op.sum, kNoSoftmax);
  }
}

}  // namespace

PoolResult result_of(const Pool& op, Purpose purpose) {
  const bool heads = op.x.ndim == 3;
  const Shapes shapes = Shapes::from_rows(op.graph, "x", op.x, heads);
  PoolResult result{.y = described(shapes.graph_rows, op.x.dtype)};
  if (op.gate == PoolGate::softmax)
    result.maximum = result.sum = described(shapes.graph_scores, accumulator_of(op.x.dtype));
  if (op.reduce == PoolReduce::max && purpose == Purpose::training)
    result.arg = described(shapes.graph_rows, Dtype::int32);
  return result;
}

Checker checked(const Context& context, const PoolForward& op) {
  Checker check(context);
  check.graph(op.graph);
  check_gate(op.reduce, op.gate);
  check_temperature(op.gate, op.temperature);
  const Dtype dtype = expect_storage("x", op.x);
  const Shapes shapes = Shapes::from_rows(op.graph, "x", op.x, has_heads(op.x, op.y, op.score));
  check.input("x", op.x, shapes.node_rows, dtype);
  if (op.gate == PoolGate::none)
    Checker::absent("score", op.score, "without a gate");
  else
    check.input("score", op.score, shapes.node_scores, accumulator_of(dtype));
  const PoolResult expected = result_of(op, Purpose::training);
  check.output("y", op.y, expected.y);
  if (op.gate == PoolGate::softmax) {
    check.output("maximum", op.maximum, expected.maximum);
    check.output("sum", op.sum, expected.sum);
  } else {
    Checker::absent("maximum", op.maximum, kNoSoftmax);
    Checker::absent("sum", op.sum, kNoSoftmax);
  }
  if (op.reduce != PoolReduce::max) Checker::absent("arg", op.arg, "with sum or mean");
  check.optional_output("arg", op.arg, expected.arg);
  return check;
}

Checker checked(const Context& context, const PoolBackward& op) {
  Checker check(context);
  check.graph(op.graph);
  check_gate(op.reduce, op.gate);
  check_temperature(op.gate, op.temperature);
  const Dtype dtype = expect_storage("dy", op.dy);
  const Shapes shapes = Shapes::from_rows(op.graph, "dy", op.dy,
                                          has_heads(op.dy, op.dx.defined() ? Layout(op.dx) : Layout(op.x), op.score));
  check.input("dy", op.dy, shapes.graph_rows, dtype);
  if (op.gate == PoolGate::none) {
    Checker::absent("score", op.score, "without a gate");
    Checker::absent("dscore", op.dscore, "without a gate");
  } else {
    check.input("score", op.score, shapes.node_scores, accumulator_of(dtype));
  }
  const bool softmax = op.gate == PoolGate::softmax;
  if (op.dscore.defined()) check.input("x", op.x, shapes.node_rows, dtype);
  if (op.dscore.defined() && softmax) check.input("y", op.y, shapes.graph_rows, dtype);
  check_statistics(check, op, shapes.graph_scores, accumulator_of(dtype));
  if (op.reduce == PoolReduce::max && op.dx.defined()) check.input("arg", op.arg, shapes.graph_rows, Dtype::int32);
  check.optional_output("dx", op.dx, shapes.node_rows, dtype);
  check.optional_output("dscore", op.dscore, shapes.node_scores, accumulator_of(dtype));
  return check;
}

Checker checked(const Context& context, const PoolWeightsArgs& op) {
  Checker check(context);
  check.graph(op.graph);
  expect_option("gate", op.gate, PoolGate::raw);
  if (op.gate == PoolGate::none) fail("gate: expected a gate, got none");
  check_temperature(op.gate, op.temperature);
  const Dtype dtype = expect_real("score", op.score);
  const bool heads = majority_has_heads(op.score.ndim == 2, op.weight.ndim == 2, op.maximum.ndim == 2);
  expect_dims("score", op.score, heads ? 2 : 1);
  const std::int64_t nodes = op.graph.num_nodes(), graphs = op.graph.num_graphs(), width = op.score.shape[1];
  const Shape scores = heads ? Shape{nodes, width} : Shape{nodes};
  check.input("score", op.score, scores, dtype);
  check_statistics(check, op, heads ? Shape{graphs, width} : Shape{graphs}, dtype);
  check.output("weight", op.weight, scores, dtype);
  return check;
}

}  // namespace warpgnn
