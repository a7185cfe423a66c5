// SPDX-License-Identifier: MIT
#include "warpgnn/result.hpp"

#include <gtest/gtest.h>

#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/test_tensor.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

// A view of what is only read never becomes one of what is written.
static_assert(!std::is_convertible_v<ConstTensorView, TensorView>);
static_assert(!std::is_constructible_v<TensorView, ConstTensorView>);

class ResultTest : public OpTest {
 protected:
  static constexpr std::int64_t kNodes = 12, kHeads = 2, kWidth = 6;

  static std::size_t count(const Shape& shape) {
    std::size_t all = 1;
    for (const std::int64_t size : shape) all *= static_cast<std::size_t>(size);
    return all;
  }
  TestTensor input(const Shape& shape) const {
    return TestTensor::input(context(), dtype(), shape, Reals(count(shape), 0.5));
  }
  TestTensor ids(const Shape& shape) const {
    return TestTensor::input_ids(context(), Dtype::int32, shape, Ids(count(shape), 1));
  }
  Graph graph() {
    return random_graph(rng_, static_cast<std::size_t>(kNodes), static_cast<std::size_t>(kNodes), 40).upload(context());
  }

  /// The op accepts what `allocate` makes for it, whatever it is wanted for.
  template <class Function, class Problem>
  void expect_fits(Function forward, const Problem& op) {
    for (const Purpose purpose : {Purpose::training, Purpose::inference}) {
      const auto result = allocate(context(), op, purpose);
      run(context(), forward, op, result.views());
    }
  }

  Rng rng_;
};

WARPGNN_INSTANTIATE_OP_TESTS(ResultTest);

TEST_P(ResultTest, AllocatedResultsFitEveryOpOfEdges) {
  const Graph all = graph();
  const std::int64_t edges = all.num_edges();
  const auto x = input({kNodes, kWidth}), edge_rows = input({edges, kWidth}), score = input({edges, kHeads}),
             weight = input({edges}), value = input({kNodes, kHeads, kWidth}), node_score = input({kNodes, kHeads}),
             vector = input({kHeads, kWidth}), coefficient = input({3, 4});
  const auto relation = ids({edges});
  for (const Reduce reduce : {Reduce::sum, Reduce::max}) {
    expect_fits(aggregate_forward, Aggregate{.graph = all, .reduce = reduce, .x = x});
    expect_fits(message_aggregate_forward, MessageAggregate{.graph = all, .reduce = reduce, .x = x, .edge = edge_rows});
  }
  expect_fits(
      relation_aggregate_forward,
      RelationAggregate{.graph = all, .relation = relation, .coefficient = coefficient, .weight = weight, .x = x});
  expect_fits(edge_softmax_forward, EdgeSoftmax{.graph = all, .score = score});
  expect_fits(gat_attention_forward,
              GatAttention{.graph = all, .value = value, .source_score = node_score, .destination_score = node_score});
  expect_fits(attention_forward,
              Attention{.graph = all, .query = value, .key = value, .value = value, .vector = vector});
}

TEST_P(ResultTest, AllocatedResultsFitEveryOpOfNodesAndGraphs) {
  const Graph all = graph();
  const auto x = input({kNodes, kWidth}), gate_weight = input({3, kWidth}), value = input({kNodes, kHeads, kWidth}),
             vector = input({kHeads, kWidth}), score = input({kNodes}), head_score = input({kNodes, kHeads}),
             parameter = input({kWidth}), query = input({1, kWidth}), gates3 = input({kNodes, 3 * kWidth}),
             gates4 = input({kNodes, 4 * kWidth}), matrix = input({5, kWidth});
  const auto index = ids({7}), label = ids({kNodes});
  expect_fits(residual_gate_forward, ResidualGate{x, x, gate_weight});
  expect_fits(head_dot_forward, HeadDot{value, vector});
  expect_fits(pool_forward, Pool{.graph = all, .x = x});
  expect_fits(pool_forward, Pool{.graph = all, .reduce = PoolReduce::max, .x = x});
  expect_fits(pool_forward, Pool{.graph = all, .gate = PoolGate::softmax, .x = x, .score = score});
  expect_fits(pool_forward, Pool{.graph = all, .gate = PoolGate::softmax, .x = value, .score = head_score});
  expect_fits(layer_norm_forward, LayerNorm{.x = x, .gamma = parameter, .beta = parameter});
  expect_fits(normalize_rows_forward, NormalizeRows{x});
  expect_fits(segment_top_k, SegmentTopK{.graph = all, .score = score});
  expect_fits(scaled_gather_forward, ScaledGather{.x = x, .scale = score, .index = index});
  expect_fits(segment_dot_forward, SegmentDot{all, x, query});
  expect_fits(gru_cell_forward, GruCell{gates3, gates3, x});
  expect_fits(lstm_cell_forward, LstmCell{.gates = gates4});
  expect_fits(linear_forward, Linear{.x = x, .weight = matrix});
  expect_fits(activation_forward, Activate{.x = x});
  expect_fits(cross_entropy_forward, CrossEntropy{.logits = x, .label = label});
  expect_fits(soft_cross_entropy_forward, SoftCrossEntropy{.logits = x, .target = x});
  expect_fits(pointwise_loss_forward, PointwiseLoss{.prediction = x, .target = x});
}

TEST_P(ResultTest, WhatBackwardReadsIsLeftOutOfInference) {
  const Graph all = graph();
  const auto value = input({kNodes, kHeads, kWidth}), score = input({kNodes, kHeads});
  const GatAttention op{.graph = all, .value = value, .source_score = score, .destination_score = score};
  Owned<GatAttentionResult> result = allocate(context(), op, Purpose::inference);
  EXPECT_TRUE(result->y.defined());
  EXPECT_FALSE(result->positive_y.defined());
  const void* const memory = result->y.data;
  const Owned<GatAttentionResult> moved = std::move(result);
  EXPECT_EQ(moved->y.data, memory);
  EXPECT_TRUE(allocate(context(), op)->positive_weight.defined());
}

TEST_P(ResultTest, AllocateNamesWhatItLacks) {
  expect_error(ErrorCode::invalid_argument, {"value:", "none"},
               [&] { static_cast<void>(allocate(context(), GatAttention{.graph = graph()})); });
  expect_error(ErrorCode::invalid_argument, {"weight:"}, [&] {
    static_cast<void>(allocate(context(), Linear{.x = input({2, 3})}));
  });
}

TEST_P(ResultTest, ABufferGrowsOnceTheCallIsAccepted) {
  const Graph all = graph();
  const auto value = input({kNodes, kHeads, kWidth}), score = input({kNodes, kHeads}),
             dy = input({kNodes, kHeads, kWidth});
  const GatAttention op{.graph = all, .value = value, .source_score = score, .destination_score = score};
  const Owned<GatAttentionResult> result = allocate(context(), op);
  const Tensor dvalue = empty_like(context(), value);
  WorkspaceBuffer buffer;
  gat_attention_forward(context(), op, result, buffer);
  expect_error(ErrorCode::workspace_too_small, {"workspace:", "got 0"},
               [&] { gat_attention_backward(context(), op, result, {.dy = dy, .dvalue = dvalue}); });
  const std::int64_t before = allocations();
  expect_error(ErrorCode::invalid_argument, {"dy:", "none"},
               [&] { gat_attention_backward(context(), op, result, {.dvalue = dvalue}, buffer); });
  const std::int64_t refused = allocations() - before;
  gat_attention_backward(context(), op, result, {.dy = dy, .dvalue = dvalue}, buffer);
  const std::int64_t grown = allocations();
  gat_attention_backward(context(), op, result, {.dy = dy, .dvalue = dvalue}, buffer);
  if (!context().is_cuda()) {
    EXPECT_LT(refused, 60) << "the message alone";
    EXPECT_EQ(allocations(), grown) << "a buffer that is large enough does not grow";
  }
  context().synchronize();
}

TEST_P(ResultTest, ABufferOfNothingAllocatesNothing) {
  const Workspace nothing = WorkspaceBuffer().reserve(context(), 0);
  EXPECT_EQ(nothing.data, nullptr);
  EXPECT_EQ(nothing.bytes, 0u);
}

TEST_P(ResultTest, ViewsComeToTheHostAndBack) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const Tensor whole = Tensor::from<float>(context(), values, {3, 2});
  EXPECT_EQ(to_host<float>(context(), whole), values);
  const ConstTensorView right = columns(ConstTensorView(whole), 1, 1);
  EXPECT_EQ(to_host<float>(context(), right), (std::vector<float>{2, 4, 6}));
  const std::vector<float> other = {7, 8, 9};
  copy_from_host(context(), other.data(), 3 * sizeof(float), columns(whole.view(), 0, 1));
  EXPECT_EQ(whole.to_host<float>(), (std::vector<float>{7, 2, 8, 4, 9, 6}));
  std::vector<float> target(6);
  expect_error(ErrorCode::invalid_argument, {"bytes:", "12", "24"},
               [&] { copy_to_host(context(), right, target.data(), 24); });
  expect_error(ErrorCode::invalid_argument, {"from:", "none"}, [&] { copy_to_host(context(), {}, target.data(), 0); });
  expect_error(ErrorCode::invalid_argument, {"to:", "none"}, [&] { copy_from_host(context(), target.data(), 0, {}); });
  copy_to_host(context(), rows(ConstTensorView(whole), 0, 0), target.data(), 0);
  expect_error(ErrorCode::invalid_argument, {"to:", "null"}, [&] { copy_to_host(context(), whole, nullptr, 24); });
  expect_error(ErrorCode::invalid_argument, {"from:", "null"},
               [&] { copy_from_host(context(), nullptr, 24, whole.view()); });
  expect_error(ErrorCode::invalid_argument, {"target:", "null"}, [&] { whole.copy_to_host(nullptr, 24); });
}

}  // namespace
}  // namespace warpgnn::test
