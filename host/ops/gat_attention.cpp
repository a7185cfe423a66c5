// SPDX-License-Identifier: MIT
#include "warpgnn/ops/gat_attention.hpp"

#include <cmath>

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

void check_slope(double slope) {
  if (!std::isfinite(slope)) fail("negative_slope: expected a finite number, got " + std::to_string(slope));
}

template <class Op>
void check_scores(const Op& op, std::int64_t heads, Dtype dtype, Checker& check) {
  check.graph(op.graph);
  check_slope(op.negative_slope);
  check.input("source_score", op.source_score, {op.graph.num_sources(), heads}, dtype);
  check.input("destination_score", op.destination_score, {op.graph.num_destinations(), heads}, dtype);
  check.optional_input("edge_score", op.edge_score, {op.graph.num_edges(), heads}, dtype);
}

/// What carries a score's gradient on to dvalue.
void check_vector(const char* name, const ConstTensorView& vector, const char* needed, const TensorView& dscore,
                  const Shape& shape, const GatAttentionBackward& op, Checker& check) {
  if (!vector.defined()) return;
  check.input(name, vector, shape, accumulator_of(op.value.dtype));
  for (const auto& [gradient, view] : {std::pair{"dvalue", &op.dvalue}, std::pair{needed, &dscore}}) {
    if (!view->defined()) fail(std::string(gradient) + ": expected with " + name + ", got none");
  }
}

}  // namespace

GatAttentionResult result_of(const GatAttention& op, Purpose purpose) {
  expect_heads("value", op.value);
  const Dtype real = accumulator_of(op.value.dtype);
  const Shape scores{op.graph.num_destinations(), op.value.shape[1]},
      rows{scores.size[0], scores.size[1], op.value.shape[2]};
  GatAttentionResult result{
      .y = described(rows, op.value.dtype), .maximum = described(scores, real), .sum = described(scores, real)};
  if (purpose == Purpose::inference) return result;
  result.positive_y = result.y;
  result.positive_weight = result.sum;
  return result;
}

Checker checked(const Context& context, const GatAttentionForward& op) {
  Checker check(context);
  check.dropout(op.dropout);
  const Dtype dtype = expect_storage("value", op.value), real = accumulator_of(dtype);
  expect_heads("value", op.value);
  const std::int64_t heads = op.value.shape[1], channels = op.value.shape[2];
  check_scores(op, heads, real, check);
  check.input("value", op.value, {op.graph.num_sources(), heads, channels}, dtype);
  const GatAttentionResult expected = result_of(op, Purpose::training);
  check.output("y", op.y, expected.y);
  check.output("maximum", op.maximum, expected.maximum);
  check.output("sum", op.sum, expected.sum);
  if (op.positive_y.defined() || op.positive_weight.defined()) {
    check.output("positive_y", op.positive_y, expected.positive_y);
    check.output("positive_weight", op.positive_weight, expected.positive_weight);
  }
  return check;
}

Checker checked(const Context& context, const GatAttentionBackward& op) {
  Checker check(context);
  check.dropout(op.dropout);
  const Dtype dtype = expect_storage("value", op.value), real = accumulator_of(dtype);
  expect_heads("value", op.value);
  const std::int64_t heads = op.value.shape[1], channels = op.value.shape[2];
  check_scores(op, heads, real, check);
  const std::int64_t sources = op.graph.num_sources(), rows = op.graph.num_destinations();
  check.input("value", op.value, {sources, heads, channels}, dtype);
  check.input("y", op.y, {rows, heads, channels}, dtype);
  check.input("maximum", op.maximum, {rows, heads}, real);
  check.input("sum", op.sum, {rows, heads}, real);
  if (op.ddestination_score.defined()) {
    check.input("positive_y", op.positive_y, {rows, heads, channels}, dtype);
    check.input("positive_weight", op.positive_weight, {rows, heads}, real);
  }
  check.input("dy", op.dy, {rows, heads, channels}, dtype);
  check_vector("source_vector", op.source_vector, "dsource_score", op.dsource_score, {heads, channels}, op, check);
  check_vector("destination_vector", op.destination_vector, "ddestination_score", op.ddestination_score,
               {heads, channels}, op, check);
  if (op.destination_vector.defined() && sources != rows) {
    fail("destination_vector: expected a graph of as many sources as destinations, got " + std::to_string(sources) +
         " and " + std::to_string(rows));
  }
  check.optional_output("dvalue", op.dvalue, {sources, heads, channels}, dtype);
  check.optional_output("dsource_score", op.dsource_score, {sources, heads}, real);
  check.optional_output("ddestination_score", op.ddestination_score, {rows, heads}, real);
  check.optional_output("dedge_score", op.dedge_score, {op.graph.num_edges(), heads}, real);
  return check;
}

Checker checked(const Context& context, const GatAttentionWeightsArgs& op) {
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

}  // namespace warpgnn
