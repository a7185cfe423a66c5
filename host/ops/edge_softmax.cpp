// SPDX-License-Identifier: MIT
#include "warpgnn/ops/edge_softmax.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

EdgeSoftmaxResult result_of(const EdgeSoftmax& op, Purpose /*purpose*/) {
  expect_dims("score", op.score, 2);
  return {.weight = described({op.graph.num_edges(), op.score.shape[1]}, op.score.dtype)};
}

Checker checked(const Context& context, const EdgeSoftmaxForward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype dtype = expect_real("score", op.score);
  expect_dims("score", op.score, 2);
  const std::int64_t edges = op.graph.num_edges(), heads = op.score.shape[1];
  check.input("score", op.score, {edges, heads}, dtype);
  const EdgeSoftmaxResult expected = result_of(op, Purpose::training);
  check.output_in_place("weight", op.weight, expected.weight, "score");
  return check;
}

Checker checked(const Context& context, const EdgeSoftmaxBackward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype dtype = expect_real("weight", op.weight);
  expect_dims("weight", op.weight, 2);
  const std::int64_t edges = op.graph.num_edges(), heads = op.weight.shape[1];
  check.input("weight", op.weight, {edges, heads}, dtype);
  check.input("dweight", op.dweight, {edges, heads}, dtype);
  check.output_in_place("dscore", op.dscore, {edges, heads}, dtype, "dweight");
  return check;
}

}  // namespace warpgnn
