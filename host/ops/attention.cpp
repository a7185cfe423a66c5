// SPDX-License-Identifier: MIT
#include "warpgnn/ops/attention.hpp"

#include <cmath>

#include "host/core/check.hpp"
#include "host/ops/joined_gradients.hpp"

namespace warpgnn {

namespace {

bool same_view(const ConstTensorView& a, const ConstTensorView& b) {
  return a.defined() && a.data == b.data && a.ndim == b.ndim && a.shape == b.shape && a.stride == b.stride;
}

/// Graph, options, and the tensors that make the scores.
template <class Op>
Dtype check_score(const Op& op, Checker& check) {
  check.graph(op.graph);
  check.dropout(op.dropout);
  expect_option("score", op.score, AttentionScore::dot);
  if (op.score == AttentionScore::gatv2 && !std::isfinite(op.negative_slope)) {
    fail("negative_slope: expected a finite number, got " + std::to_string(op.negative_slope));
  }
  if (op.score == AttentionScore::dot && !std::isfinite(op.scale)) {
    fail("scale: expected a finite number, got " + std::to_string(op.scale));
  }
  const Dtype dtype = expect_storage("query", op.query);
  expect_heads("query", op.query);
  const std::int64_t heads = op.query.shape[1], channels = op.query.shape[2], edges = op.graph.num_edges();
  check.input("query", op.query, {op.graph.num_destinations(), heads, channels}, dtype);
  check.input("key", op.key, {op.graph.num_sources(), heads, channels}, dtype);
  check.optional_input("edge_key", op.edge_key, {edges, heads, channels}, dtype);
  check.optional_input("edge_bias", op.edge_bias, {edges, heads}, accumulator_of(dtype));
  if (op.score == AttentionScore::dot) {
    Checker::absent("vector", op.vector, "for the dot score");
  } else {
    check.input("vector", op.vector, {heads, channels}, accumulator_of(dtype));
    Checker::contiguous("vector", op.vector);
  }
  return dtype;
}

}  // namespace

bool joins_values(const AttentionBackward& op) {
  return op.dkey.defined() && !op.dvalue.defined() && same_view(op.key, op.value);
}

bool joins_edge_values(const AttentionBackward& op) {
  return op.dedge_key.defined() && !op.dedge_value.defined() && same_view(op.edge_key, op.edge_value);
}

AttentionResult result_of(const Attention& op, Purpose /*purpose*/) {
  expect_heads("query", op.query);
  expect_heads("value", op.value);
  const Dtype real = accumulator_of(op.query.dtype);
  const Shape scores{op.graph.num_destinations(), op.query.shape[1]};
  return {.y = described({scores.size[0], scores.size[1], op.value.shape[2]}, op.query.dtype),
          .maximum = described(scores, real),
          .sum = described(scores, real)};
}

Checker checked(const Context& context, const AttentionForward& op) {
  Checker check(context);
  const Dtype dtype = check_score(op, check);
  expect_heads("value", op.value);
  const std::int64_t heads = op.query.shape[1], channels = op.value.shape[2];
  check.input("value", op.value, {op.graph.num_sources(), heads, channels}, dtype);
  check.optional_input("edge_value", op.edge_value, {op.graph.num_edges(), heads, channels}, dtype);
  const AttentionResult expected = result_of(op, Purpose::training);
  check.output("y", op.y, expected.y);
  check.output("maximum", op.maximum, expected.maximum);
  check.output("sum", op.sum, expected.sum);
  return check;
}

Checker checked(const Context& context, const AttentionBackward& op) {
  Checker check(context);
  const Dtype dtype = check_score(op, check);
  expect_heads("value", op.value);
  const std::int64_t heads = op.query.shape[1], channels = op.query.shape[2], values = op.value.shape[2];
  const std::int64_t rows = op.graph.num_destinations(), sources = op.graph.num_sources();
  const std::int64_t edges = op.graph.num_edges();
  check.input("value", op.value, {sources, heads, values}, dtype);
  check.optional_input("edge_value", op.edge_value, {edges, heads, values}, dtype);
  check.input("y", op.y, {rows, heads, values}, dtype);
  check.input("maximum", op.maximum, {rows, heads}, accumulator_of(dtype));
  check.input("sum", op.sum, {rows, heads}, accumulator_of(dtype));
  check.input("dy", op.dy, {rows, heads, values}, dtype);
  check.optional_output("dquery", op.dquery, {rows, heads, channels}, dtype);
  check.optional_output("dkey", op.dkey, {sources, heads, channels}, dtype);
  check.optional_output("dvalue", op.dvalue, {sources, heads, values}, dtype);
  check.optional_output("dedge_key", op.dedge_key, {edges, heads, channels}, dtype);
  check.optional_output("dedge_value", op.dedge_value, {edges, heads, values}, dtype);
  check.optional_output("dedge_bias", op.dedge_bias, {edges, heads}, accumulator_of(dtype));
  if (op.score == AttentionScore::dot) {
    Checker::absent("dvector", op.dvector, "for the dot score");
  } else {
    check.optional_output("dvector", op.dvector, {heads, channels}, accumulator_of(dtype));
    Checker::contiguous("dvector", op.dvector);
  }
  return check;
}

Checker checked(const Context& context, const AttentionWeightsArgs& op) {
  Checker check(context);
  const Dtype dtype = check_score(op, check);
  const std::int64_t heads = op.query.shape[1], rows = op.graph.num_destinations();
  check.input("maximum", op.maximum, {rows, heads}, accumulator_of(dtype));
  check.input("sum", op.sum, {rows, heads}, accumulator_of(dtype));
  check.output("weight", op.weight, {op.graph.num_edges(), heads}, accumulator_of(dtype));
  return check;
}

}  // namespace warpgnn
