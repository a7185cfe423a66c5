#include "warpgnn/attention.hpp"

#include <cmath>

#include "check.hpp"

namespace warpgnn {

namespace {

void check_slope(double slope) {
  if (!std::isfinite(slope)) fail("negative_slope: expected a finite number, got " + std::to_string(slope));
}

/// Attention without heads or channels has no meaning.
void check_heads(const char* name, const Layout& layout) {
  expect_dims(name, layout, 3);
  if (layout.shape[1] < 1 || layout.shape[2] < 1) {
    fail(std::string(name) + ": expected at least 1 head and 1 channel, got " + std::to_string(layout.shape[1]) +
         " and " + std::to_string(layout.shape[2]));
  }
}

template <class Op>
void check_scores(const Op& op, std::int64_t heads, Dtype dtype, Checker& check) {
  check.graph(op.graph);
  check_slope(op.negative_slope);
  check.input("source_score", op.source_score, {op.graph.num_sources(), heads}, dtype);
  check.input("destination_score", op.destination_score, {op.graph.num_destinations(), heads}, dtype);
  check.optional_input("edge_score", op.edge_score, {op.graph.num_edges(), heads}, dtype);
}

Checker checked(const Context& context, const AttentionForward& op) {
  Checker check(context);
  check.dropout(op.dropout);
  const Dtype dtype = expect_storage("value", op.value), real = accumulator_of(dtype);
  check_heads("value", op.value);
  const std::int64_t heads = op.value.shape[1], channels = op.value.shape[2];
  check_scores(op, heads, real, check);
  const std::int64_t rows = op.graph.num_destinations();
  check.input("value", op.value, {op.graph.num_sources(), heads, channels}, dtype);
  check.output("y", op.y, {rows, heads, channels}, dtype);
  check.output("maximum", op.maximum, {rows, heads}, real);
  check.output("sum", op.sum, {rows, heads}, real);
  if (op.positive_y.defined() || op.positive_weight.defined()) {
    check.output("positive_y", op.positive_y, {rows, heads, channels}, dtype);
    check.output("positive_weight", op.positive_weight, {rows, heads}, real);
  }
  return check;
}

Checker checked(const Context& context, const AttentionBackward& op) {
  Checker check(context);
  check.dropout(op.dropout);
  const Dtype dtype = expect_storage("value", op.value), real = accumulator_of(dtype);
  check_heads("value", op.value);
  const std::int64_t heads = op.value.shape[1], channels = op.value.shape[2];
  check_scores(op, heads, real, check);
  const std::int64_t sources = op.graph.num_sources(), rows = op.graph.num_destinations();
  check.input("value", op.value, {sources, heads, channels}, dtype);
  check.input("y", op.y, {rows, heads, channels}, dtype);
  check.input("maximum", op.maximum, {rows, heads}, real);
  check.input("sum", op.sum, {rows, heads}, real);
  check.input("positive_y", op.positive_y, {rows, heads, channels}, dtype);
  check.input("positive_weight", op.positive_weight, {rows, heads}, real);
  check.input("dy", op.dy, {rows, heads, channels}, dtype);
  check.output("dvalue", op.dvalue, {sources, heads, channels}, dtype);
  check.output("dsource_score", op.dsource_score, {sources, heads}, real);
  check.output("ddestination_score", op.ddestination_score, {rows, heads}, real);
  check.optional_output("dedge_score", op.dedge_score, {op.graph.num_edges(), heads}, real);
  return check;
}

Checker checked(const Context& context, const AttentionWeights& op) {
  Checker check(context);
  const Dtype dtype = expect_real("source_score", op.source_score);
  expect_dims("source_score", op.source_score, 2);
  const std::int64_t heads = op.source_score.shape[1];
  check_scores(op, heads, dtype, check);
  check.input("maximum", op.maximum, {op.graph.num_destinations(), heads}, dtype);
  check.input("sum", op.sum, {op.graph.num_destinations(), heads}, dtype);
  check.output("weight", op.weight, {op.graph.num_edges(), heads}, dtype);
  return check;
}

Checker checked(const Context& context, const HeadDotForward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x), real = accumulator_of(dtype);
  expect_dims("x", op.x, 3);
  check.input("x", op.x, {op.x.shape[0], op.x.shape[1], op.x.shape[2]}, dtype);
  check.input("vector", op.vector, {op.x.shape[1], op.x.shape[2]}, real);
  check.output("score", op.score, {op.x.shape[0], op.x.shape[1]}, real);
  return check;
}

Checker checked(const Context& context, const HeadDotBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x), real = accumulator_of(dtype);
  expect_dims("x", op.x, 3);
  const std::int64_t rows = op.x.shape[0], heads = op.x.shape[1], channels = op.x.shape[2];
  check.input("x", op.x, {rows, heads, channels}, dtype);
  check.input("vector", op.vector, {heads, channels}, real);
  check.input("dscore", op.dscore, {rows, heads}, real);
  check.updated("dx", op.dx, {rows, heads, channels}, dtype);
  check.output("dvector", op.dvector, {heads, channels}, real);
  return check;
}

}  // namespace

std::size_t workspace_size(const Context& context, const AttentionForward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

std::size_t workspace_size(const Context& context, const AttentionBackward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

std::size_t workspace_size(const Context& context, const HeadDotBackward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

void attention_forward(const Context& context, const AttentionForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::attention_forward(exec, o); });
}

void attention_backward(const Context& context, const AttentionBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::attention_backward(exec, o); });
}

void attention_weights(const Context& context, const AttentionWeights& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::attention_weights(exec, o); });
}

void head_dot_forward(const Context& context, const HeadDotForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::head_dot_forward(exec, o); });
}

void head_dot_backward(const Context& context, const HeadDotBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::head_dot_backward(exec, o); });
}

}  // namespace warpgnn
