#include "warpgnn/edge_softmax.hpp"

#include "check.hpp"

namespace warpgnn {

namespace {

Checker checked(const Context& context, const EdgeSoftmaxForward& op) {
  Checker check(context);
  check.graph(op.graph);
  const Dtype dtype = expect_real("score", op.score);
  expect_dims("score", op.score, 2);
  const std::int64_t edges = op.graph.num_edges(), heads = op.score.shape[1];
  check.input("score", op.score, {edges, heads}, dtype);
  check.output_in_place("weight", op.weight, {edges, heads}, dtype, "score");
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

}  // namespace

std::size_t workspace_size(const Context& context, const EdgeSoftmaxForward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

std::size_t workspace_size(const Context& context, const EdgeSoftmaxBackward& op) {
  checked(context, op);
  return query_workspace(context, op);
}

void edge_softmax_forward(const Context& context, const EdgeSoftmaxForward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::edge_softmax_forward(exec, o); });
}

void edge_softmax_backward(const Context& context, const EdgeSoftmaxBackward& op) {
  run_checked(context, op, checked(context, op),
              [](const auto& exec, const auto& o) { backend::edge_softmax_backward(exec, o); });
}

}  // namespace warpgnn
