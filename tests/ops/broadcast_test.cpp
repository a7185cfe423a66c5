// SPDX-License-Identifier: MIT
// What an op reads may be one row that stands for all: a row stride of 0 gives the bits of equal rows.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/test_tensor.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

constexpr std::int64_t kHeads = 2, kChannels = 5, kRows = 40, kNodes = 30, kGraphs = 3;
const Shape kHeadRows = {kNodes, kHeads, kChannels}, kHeadScores = {kNodes, kHeads}, kMatrix = {kNodes, kChannels};

class BroadcastTest : public OpTest {
 protected:
  using Views = std::vector<ConstTensorView>;
  using Outputs = std::vector<TensorView>;

  void SetUp() override {
    OpTest::SetUp();
    if (IsSkipped()) return;
    Ids degrees(kNodes, 4);
    degrees[3] = kChunkEdges + 7;
    graph_ = graph_with_degrees(rng_, kNodes, degrees).upload(context());
    batch_ = random_batch(rng_, {10, 0, kNodes - 10}, 4).upload(context());
  }

  static std::size_t row_size(const Shape& shape) {
    std::size_t size = 1;
    for (std::size_t d = 1; d < shape.size(); ++d) size *= static_cast<std::size_t>(shape[d]);
    return size;
  }
  Shape edge_shape(std::initializer_list<std::int64_t> rest) const {
    Shape shape = {graph_.num_edges()};
    shape.insert(shape.end(), rest);
    return shape;
  }

  /// @param call runs an op with a view for each input and each output. All rows of an input are equal; each input in
  /// turn is one row that stands for all.
  template <class Call>
  void expect_same(const std::vector<Shape>& inputs, const std::vector<Shape>& outputs, const Call& call) {
    std::vector<TestTensor> dense, one;
    Views views;
    for (const Shape& shape : inputs) {
      const std::size_t size = row_size(shape);
      const Reals row = rng_.reals(size, 0.25, 1.25);
      Reals all;
      for (std::int64_t r = 0; r < shape[0]; ++r) all.insert(all.end(), row.begin(), row.end());
      dense.push_back(TestTensor::input(context(), dtype(), shape, all));
      Shape single = shape;
      single[0] = 1;
      one.push_back(TestTensor::input(context(), dtype(), single, row));
      views.push_back(dense.back());
    }
    const auto run_with = [&](const Views& given) {
      std::vector<TestTensor> results;
      Outputs to;
      for (const Shape& shape : outputs) {
        const Reals zeros(row_size(shape) * static_cast<std::size_t>(shape[0]), 0.0);
        results.push_back(TestTensor::inout(context(), dtype(), shape, zeros));
        to.push_back(results.back());
      }
      call(given, to);
      return results;
    };
    const std::vector<TestTensor> want = run_with(views);
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      SCOPED_TRACE("input " + std::to_string(k));
      Views given = views;
      given[k].stride[0] = 0;
      given[k].data = one[k].view().data;
      const std::vector<TestTensor> got = run_with(given);
      for (std::size_t j = 0; j < outputs.size(); ++j) expect_same_bits(got[j], want[j], "output " + std::to_string(j));
    }
  }

  const Graph& graph() const { return graph_; }
  const Graph& batch() const { return batch_; }

  Rng rng_;

 private:
  Graph graph_, batch_;
};

WARPGNN_INSTANTIATE_OP_TESTS(BroadcastTest);

TEST_P(BroadcastTest, GatAttention) {
  expect_same(
      {kHeadRows, kHeadScores, kHeadScores, edge_shape({kHeads}), kHeadRows},
      {kHeadRows, kHeadRows, kHeadScores, kHeadScores, edge_shape({kHeads})}, [&](const Views& in, const Outputs& out) {
        const GatAttention op{
            .graph = graph(), .value = in[0], .source_score = in[1], .destination_score = in[2], .edge_score = in[3]};
        const Owned<GatAttentionResult> result = allocate(context(), op);
        run(context(), gat_attention_forward, op, result.views());
        copy(context(), result->y, out[0]);
        run(context(), gat_attention_backward, op, result.views(),
            GatAttentionGradients{in[4], out[1], out[2], out[3], out[4]});
      });
}

TEST_P(BroadcastTest, Attention) {
  for (const AttentionScore score : {AttentionScore::gatv2, AttentionScore::additive, AttentionScore::dot}) {
    SCOPED_TRACE(static_cast<int>(score));
    const bool has_vector = score != AttentionScore::dot;
    const auto vector =
        TestTensor::input(context(), dtype(), {kHeads, kChannels}, rng_.reals(kHeads * kChannels, 0.25, 1.25));
    const Shape edge = edge_shape({kHeads, kChannels}), edge_scalar = edge_shape({kHeads});
    expect_same({kHeadRows, kHeadRows, kHeadRows, edge, edge, edge_scalar, kHeadRows},
                {kHeadRows, kHeadRows, kHeadRows, kHeadRows, edge, edge, edge_scalar, {kHeads, kChannels}},
                [&](const Views& in, const Outputs& out) {
                  const Attention op{.graph = graph(),
                                     .score = score,
                                     .query = in[0],
                                     .key = in[1],
                                     .value = in[2],
                                     .edge_key = in[3],
                                     .edge_value = in[4],
                                     .edge_bias = in[5],
                                     .vector = has_vector ? ConstTensorView(vector) : ConstTensorView{}};
                  const Owned<AttentionResult> result = allocate(context(), op);
                  run(context(), attention_forward, op, result.views());
                  copy(context(), result->y, out[0]);
                  run(context(), attention_backward, op, result.views(),
                      AttentionGradients{in[6], out[1], out[2], out[3], out[4], out[5], out[6],
                                         has_vector ? out[7] : TensorView{}});
                });
  }
}

TEST_P(BroadcastTest, EdgeSoftmax) {
  const Shape scores = edge_shape({kHeads});
  expect_same({scores, scores}, {scores, scores}, [&](const Views& in, const Outputs& out) {
    const EdgeSoftmax op{graph(), in[0]};
    run(context(), edge_softmax_forward, op, EdgeSoftmaxResult{out[0]});
    run(context(), edge_softmax_backward, op, EdgeSoftmaxResult{out[0]}, EdgeSoftmaxGradients{in[1], out[1]});
  });
}

TEST_P(BroadcastTest, Aggregate) {
  for (const bool weighted : {true, false}) {
    expect_same({kMatrix, edge_shape({}), kMatrix}, {kMatrix, kMatrix, edge_shape({})},
                [&](const Views& in, const Outputs& out) {
                  const Aggregate op{.graph = graph(),
                                     .reduce = weighted ? Reduce::sum : Reduce::max,
                                     .x = in[0],
                                     .weight = weighted ? in[1] : ConstTensorView{}};
                  const Owned<AggregateResult> result = allocate(context(), op);
                  run(context(), aggregate_forward, op, result.views());
                  copy(context(), result->y, out[0]);
                  run(context(), aggregate_backward, op, result.views(),
                      AggregateGradients{.dy = in[2], .dx = out[1], .dweight = weighted ? out[2] : TensorView{}});
                });
  }
}

TEST_P(BroadcastTest, ScaledAggregate) {
  expect_same({kMatrix, edge_shape({}), {kNodes}, {kNodes}, kMatrix}, {kMatrix, kMatrix, edge_shape({})},
              [&](const Views& in, const Outputs& out) {
                const Aggregate op{
                    .graph = graph(), .x = in[0], .weight = in[1], .source_scale = in[2], .destination_scale = in[3]};
                run(context(), aggregate_forward, op, AggregateResult{.y = out[0]});
                run(context(), aggregate_backward, op, AggregateResult{},
                    AggregateGradients{.dy = in[4], .dx = out[1], .dweight = out[2]});
              });
}

TEST_P(BroadcastTest, MessageAggregate) {
  const Shape edge = edge_shape({kChannels});
  expect_same({kMatrix, edge, kMatrix}, {kMatrix, kMatrix, edge}, [&](const Views& in, const Outputs& out) {
    const MessageAggregate op{.graph = graph(), .message = EdgeMessage::multiply, .x = in[0], .edge = in[1]};
    run(context(), message_aggregate_forward, op, MessageAggregateResult{.y = out[0]});
    run(context(), message_aggregate_backward, op, MessageAggregateResult{},
        MessageAggregateGradients{.dy = in[2], .dx = out[1], .dedge = out[2]});
  });
}

TEST_P(BroadcastTest, Relations) {
  Tensor relation(context(), Dtype::int32, {1});
  relation.copy_from_host(std::vector<std::int32_t>{1}.data(), 4);
  ConstTensorView relations = relation;
  relations.shape[0] = graph().num_edges();
  relations.stride[0] = 0;
  constexpr std::int64_t kBases = 2, kRelations = 3;
  const Shape sums = {kNodes, kBases, kChannels};
  expect_same(
      {kMatrix, edge_shape({}), {kRelations, kBases}, sums}, {sums, kMatrix, {kRelations, kBases}, edge_shape({})},
      [&](const Views& in, const Outputs& out) {
        const RelationAggregate op{
            .graph = graph(), .relation = relations, .coefficient = in[2], .weight = in[1], .x = in[0]};
        run(context(), relation_aggregate_forward, op, RelationAggregateResult{out[0]});
        run(context(), relation_aggregate_backward, op, RelationAggregateGradients{in[3], out[1], out[2], out[3]});
      });
}

TEST_P(BroadcastTest, GcnNorm) {
  expect_same({edge_shape({}), edge_shape({})}, {edge_shape({}), {kNodes}, edge_shape({})},
              [&](const Views& in, const Outputs& out) {
                const GcnNorm op{graph(), in[0]};
                const GcnNormResult result{out[0], out[1]};
                run(context(), gcn_norm_forward, op, result);
                run(context(), gcn_norm_backward, op, result, GcnNormGradients{in[1], out[2]});
              });
}

TEST_P(BroadcastTest, Pool) {
  const Shape pooled = {kGraphs, kHeads, kChannels};
  for (const PoolGate gate : {PoolGate::softmax, PoolGate::sigmoid}) {
    expect_same({kHeadRows, kHeadScores, pooled}, {pooled, kHeadRows, kHeadScores},
                [&](const Views& in, const Outputs& out) {
                  const Pool op{.graph = batch(), .gate = gate, .x = in[0], .score = in[1]};
                  const Owned<PoolResult> result = allocate(context(), op);
                  run(context(), pool_forward, op, result.views());
                  copy(context(), result->y, out[0]);
                  run(context(), pool_backward, op, result.views(), PoolGradients{in[2], out[1], out[2]});
                });
  }
}

TEST_P(BroadcastTest, SegmentDot) {
  const Shape query = {kGraphs, kChannels};
  expect_same({kMatrix, query, {kNodes}}, {{kNodes}, kMatrix, query}, [&](const Views& in, const Outputs& out) {
    const SegmentDot op{batch(), in[0], in[1]};
    run(context(), segment_dot_forward, op, SegmentDotResult{out[0]});
    run(context(), segment_dot_backward, op, SegmentDotGradients{in[2], out[1], out[2]});
  });
}

TEST_P(BroadcastTest, Cells) {
  const Shape four = {kRows, 4 * kChannels}, three = {kRows, 3 * kChannels}, row = {kRows, kChannels};
  expect_same({four, row, row, row}, {row, row, four, row}, [&](const Views& in, const Outputs& out) {
    const LstmCell op{in[0], in[1]};
    const LstmCellResult result{out[0], out[1]};
    run(context(), lstm_cell_forward, op, result);
    run(context(), lstm_cell_backward, op, result, LstmCellGradients{in[2], in[3], out[2], out[3]});
  });
  expect_same({three, three, row, row}, {row, three, three, row}, [&](const Views& in, const Outputs& out) {
    const GruCell op{in[0], in[1], in[2]};
    run(context(), gru_cell_forward, op, GruCellResult{out[0]});
    run(context(), gru_cell_backward, op, GruCellGradients{in[3], out[1], out[2], out[3]});
  });
}

TEST_P(BroadcastTest, Norms) {
  const Shape row = {kRows, kChannels}, vector = {kChannels}, length = {kRows};
  const auto ones = [&] { return TestTensor::input(context(), dtype(), vector, Reals(kChannels, 1.0)); };
  const auto gamma = ones(), beta = ones();
  expect_same({row, row}, {row, row, vector, vector}, [&](const Views& in, const Outputs& out) {
    const LayerNorm op{.x = in[0], .gamma = gamma, .beta = beta};
    const Owned<LayerNormResult> result = allocate(context(), op);
    run(context(), layer_norm_forward, op, result.views());
    copy(context(), result->y, out[0]);
    run(context(), layer_norm_backward, op, result.views(), LayerNormGradients{in[1], out[1], out[2], out[3]});
  });
  expect_same({row, row}, {row, length, row}, [&](const Views& in, const Outputs& out) {
    const NormalizeRowsResult result{out[0], out[1]};
    run(context(), normalize_rows_forward, NormalizeRows{in[0]}, result);
    run(context(), normalize_rows_backward, NormalizeRows{}, result, NormalizeRowsGradients{in[1], out[2]});
  });
  expect_same({row, row}, {row, vector, vector, vector, vector, row, vector, vector},
              [&](const Views& in, const Outputs& out) {
                const BatchNorm op{.x = in[0], .gamma = gamma, .beta = beta};
                const BatchNormResult result{out[0], out[1], out[2], out[3], out[4]};
                run(context(), batch_norm_forward, op, result);
                run(context(), batch_norm_backward, op, result, BatchNormGradients{in[1], out[5], out[6], out[7]});
              });
}

TEST_P(BroadcastTest, Gates) {
  const Shape row = {kRows, kChannels}, heads = {kRows, kHeads, kChannels}, scores = {kRows, kHeads},
              weight = {3, kChannels}, vector = {kHeads, kChannels};
  const auto gate_weight = TestTensor::input(context(), dtype(), weight, rng_.reals(3 * kChannels, -1, 1));
  expect_same({row, row, row}, {row, {kRows}, row, row, weight}, [&](const Views& in, const Outputs& out) {
    const ResidualGate op{in[0], in[1], gate_weight};
    const ResidualGateResult result{out[0], out[1]};
    run(context(), residual_gate_forward, op, result);
    run(context(), residual_gate_backward, op, result, ResidualGateGradients{in[2], out[2], out[3], out[4]});
  });
  const auto head_vector = TestTensor::input(context(), dtype(), vector, rng_.reals(kHeads * kChannels, -1, 1));
  expect_same({heads, scores, scores}, {scores, scores, heads, vector, vector},
              [&](const Views& in, const Outputs& out) {
                const HeadDot op{in[0], head_vector, head_vector};
                run(context(), head_dot_forward, op, HeadDotResult{out[0], out[1]});
                run(context(), head_dot_backward, op, HeadDotGradients{in[1], out[2], out[3], in[2], out[4]});
              });
}

TEST_P(BroadcastTest, Elementwise) {
  const Shape row = {kRows, kChannels};
  const auto bias = TestTensor::input(context(), dtype(), {kChannels}, Reals(kChannels, 0.5));
  expect_same({row, row}, {row, row, row, row, row}, [&](const Views& in, const Outputs& out) {
    run(context(), activation_forward, Activate{.kind = Activation::elu, .x = in[0]}, ActivateResult{out[0]});
    run(context(), activation_backward, Activate{.kind = Activation::elu}, ActivateResult{out[0]},
        ActivateGradients{in[1], out[1]});
    run(context(), dropout, Dropout{.seed = 3, .x = in[0], .y = out[2]});
    run(context(), add_scaled, AddScaled{.scale = 2, .source = in[0], .target = out[3]});
    run(context(), add_bias, AddBias{.x = in[1], .bias = bias, .y = out[4]});
  });
}

TEST_P(BroadcastTest, WhatMultipliesOrCopiesRefusesIt) {
  const auto dense = TestTensor::input(context(), dtype(), {kRows, kChannels}, Reals(kRows * kChannels, 1.0));
  const auto weight = TestTensor::input(context(), dtype(), {3, kChannels}, Reals(3 * kChannels, 1.0));
  const auto y = TestTensor::output(context(), dtype(), {kRows, 3});
  const auto same = TestTensor::output(context(), dtype(), {kRows, kChannels});
  ConstTensorView one = dense;
  one.stride[0] = 0;
  const auto expect_refused = [&](const char* name, const auto& call) {
    expect_error(ErrorCode::invalid_argument, {name, "row stride of at least 5, got 0"}, call);
  };
  expect_refused("x:", [&] { linear_forward(context(), {.x = one, .weight = weight}, {.y = y}); });
  expect_refused("from:", [&] { copy(context(), one, same); });
  expect_refused("from:", [&] {
    Reals host(kRows * kChannels);
    copy_to_host(context(), one, host.data(), kRows * kChannels * size_of(dtype()));
  });
  EXPECT_TRUE(y.untouched());
  EXPECT_TRUE(same.untouched());
}

}  // namespace
}  // namespace warpgnn::test
