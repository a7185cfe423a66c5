// SPDX-License-Identifier: MIT
#include "warpgnn/ops/top_k.hpp"

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

void expect_kept(double ratio, std::int64_t count) {
  if (count < 0) fail("count: expected 0 or more, got " + std::to_string(count));
  if (count > 0) return;
  if (!(ratio > 0 && ratio <= 1)) fail("ratio: expected a number in (0, 1], got " + std::to_string(ratio));
}

}  // namespace

std::int64_t top_k_count(const Graph& graph, double ratio, std::int64_t count) {
  expect_kept(ratio, count);
  const auto offsets = graph.host_graph_offsets();
  std::int64_t kept = 0;
  for (std::size_t g = 1; g < offsets.size(); ++g) kept += top_k_count(offsets[g] - offsets[g - 1], ratio, count);
  return kept;
}

SegmentTopKResult result_of(const SegmentTopK& op, Purpose /*purpose*/) {
  return {.selected = described({top_k_count(op.graph, op.ratio, op.count)}, Dtype::int32),
          .position = described({op.graph.num_nodes()}, Dtype::int32)};
}

Checker checked(const Context& context, const SegmentTopKArgs& op) {
  Checker check(context);
  check.graph(op.graph);
  expect_kept(op.ratio, op.count);
  const Dtype dtype = expect_real("score", op.score);
  const std::int64_t nodes = op.graph.num_nodes();
  check.input("score", op.score, {nodes}, dtype);
  const SegmentTopKResult expected = result_of(op, Purpose::training);
  check.output("selected", op.selected, expected.selected);
  check.optional_output("position", op.position, expected.position);
  return check;
}

ScaledGatherResult result_of(const ScaledGather& op, Purpose /*purpose*/) {
  expect_dims("x", op.x, 2);
  expect_dims("index", op.index, 1);
  return {.y = described({op.index.shape[0], op.x.shape[1]}, op.x.dtype)};
}

Checker checked(const Context& context, const ScaledGatherForward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("x", op.x);
  expect_dims("x", op.x, 2);
  expect_dims("index", op.index, 1);
  check.input("x", op.x, Shape(op.x), dtype);
  check.input("scale", op.scale, {op.x.shape[0]}, accumulator_of(dtype));
  check.input("index", op.index, {op.index.shape[0]}, Dtype::int32);
  const ScaledGatherResult expected = result_of(op, Purpose::training);
  check.output("y", op.y, expected.y);
  return check;
}

Checker checked(const Context& context, const ScaledGatherBackward& op) {
  Checker check(context);
  const Dtype dtype = expect_storage("dy", op.dy);
  expect_dims("dy", op.dy, 2);
  expect_dims("position", op.position, 1);
  const std::int64_t nodes = op.position.shape[0], width = op.dy.shape[1];
  check.input("dy", op.dy, Shape(op.dy), dtype);
  check.input("position", op.position, {nodes}, Dtype::int32);
  if (op.dx.defined()) {
    check.input("scale", op.scale, {nodes}, accumulator_of(dtype));
    check.output("dx", op.dx, {nodes, width}, dtype);
  }
  if (op.dscale.defined()) {
    check.input("x", op.x, {nodes, width}, dtype);
    check.output("dscale", op.dscale, {nodes}, accumulator_of(dtype));
  }
  return check;
}

}  // namespace warpgnn
