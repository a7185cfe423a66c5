// SPDX-License-Identifier: MIT
// Arguments that every op must refuse before it writes anything. Graphs: graph_error_test.cpp.

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/backends.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/refusals.hpp"
#include "warpgnn/warpgnn.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

/// Ops on a batch of two graphs with 5 and 4 nodes and 700 edges: enough for long rows, and so for a workspace.
class ErrorTest : public OpTest {
 protected:
  static constexpr std::int64_t kNodes = 9, kEdges = kChunkEdges + 188, kWidth = 6, kHeads = 2, kChannels = 3;

  void SetUp() override {
    OpTest::SetUp();
    if (IsSkipped()) return;
    TestGraph hub{"", {kNodes, kNodes, {}, {}}, {0, 5, 9}};
    for (std::int64_t e = 0; e < kEdges; ++e) {  // half of the long row's edges leave one source: both ways are long
      hub.edges.source.push_back(e < 40 ? 5 + e % 4 : 1);
      hub.edges.destination.push_back(e < 40 ? 5 + e % 3 : 2);
    }
    graph_ = hub.upload(context());
  }

  TestTensor input(const Shape& shape) const {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    return TestTensor::input(context(), dtype(), shape, Rng().reals(count, 0.5, 1));
  }
  TestTensor ids(const Shape& shape) const {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    return TestTensor::input_ids(context(), Dtype::int32, shape, oracle::Ids(count, 0));
  }
  TestTensor output(const Shape& shape) const { return TestTensor::output(context(), dtype(), shape); }
  TestTensor inout(const Shape& shape) const {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    return TestTensor::inout(context(), dtype(), shape, Reals(count, 0.75));
  }

  /// Integers where reals belong: refused whichever argument the op takes its dtype from.
  template <class Op, class Part, class View>
  static void refuse_integers(const Refusals<Op>& refusals, const char* name, View Part::*member) {
    refusals.mistake({std::string(name) + ":", "got int64"}, [&](Op& op) { (op.*member).dtype = Dtype::int64; });
  }

  Graph graph_;
};

WARPGNN_INSTANTIATE_OP_TESTS(ErrorTest);

TEST_P(ErrorTest, AggregateForward) {
  using Op = AggregateForward;
  const auto x = input({kNodes, kWidth}), weight = input({kEdges}), epsilon = input({1});
  const auto y = output({kNodes, kWidth});
  const Refusals<Op> refuse(context(), aggregate_forward, {{graph_, Reduce::sum, x, weight, epsilon}, {y}}, {&y});
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse_integers(refuse, "x", &Op::x);
  refuse.argument("weight", &Op::weight, Presence::optional);
  refuse.argument("epsilon", &Op::epsilon, Presence::optional);
  refuse.argument("y", &Op::y);
  refuse.overlap("y", &Op::y, &Op::x);
  refuse.overlap("y", &Op::y, &Op::weight);
  refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
  refuse.mistake({"weight:"}, [](Op& op) { op.reduce = Reduce::max; });
  refuse.mistake({"arg:"}, [&](Op& op) { op.arg = y; });
  refuse.workspace();
  refuse.accepted();
}

TEST_P(ErrorTest, AggregateMaxForward) {
  using Op = AggregateForward;
  const auto x = input({kNodes, kWidth});
  const auto y = output({kNodes, kWidth});
  const auto arg = TestTensor::output(context(), Dtype::int32, {kNodes, kWidth});
  const Refusals<Op> refuse(context(), aggregate_forward, {{graph_, Reduce::max, x}, {y, arg}}, {&y, &arg});
  refuse.argument("arg", &Op::arg, Presence::optional);
  refuse.overlap("y", &Op::y, &Op::arg);
  refuse.accepted();
}

TEST_P(ErrorTest, AggregateNeedsEqualNodeSetsForEpsilon) {
  Rng rng;
  const Graph bipartite = random_graph(rng, 4, 5, 9).upload(context());
  const auto x = input({4, 3}), epsilon = input({1});
  const auto y = output({5, 3});
  const Refusals<AggregateForward> refuse(context(), aggregate_forward, {{bipartite, Reduce::sum, x}, {y}}, {&y});
  refuse.mistake({"graph:", "4", "5"}, [&](AggregateForward& op) { op.epsilon = epsilon; });
  refuse.accepted();
}

TEST_P(ErrorTest, AggregateBackward) {
  using Op = AggregateBackward;
  const auto x = input({kNodes, kWidth}), weight = input({kEdges}), epsilon = input({1}), dy = input({kNodes, kWidth});
  const auto dx = output({kNodes, kWidth}), dweight = output({kEdges}), depsilon = output({1});
  const Refusals<Op> refuse(context(), aggregate_backward,
                            {{graph_, Reduce::mean, x, weight, epsilon}, {}, {dy, dx, dweight, depsilon}},
                            {&dx, &dweight, &depsilon});
  refuse.argument("x", &Op::x);
  refuse.argument("weight", &Op::weight, Presence::optional);
  refuse.argument("epsilon", &Op::epsilon, Presence::optional);
  refuse.argument("dy", &Op::dy, Presence::required, Blame::any);
  refuse_integers(refuse, "dy", &Op::dy);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dweight", &Op::dweight, Presence::optional);
  refuse.argument("depsilon", &Op::depsilon, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::dy);
  refuse.overlap("dweight", &Op::dweight, &Op::weight);
  refuse.overlap("dx", &Op::dx, &Op::dweight);
  refuse.mistake({"arg:", "expected none"}, [&](Op& op) { op.arg = dy; });
  refuse.workspace();
  refuse.accepted();
}

TEST_P(ErrorTest, AggregateMaxBackwardNeedsArg) {
  using Op = AggregateBackward;
  const auto dy = input({kNodes, kWidth});
  const auto arg = ids({kNodes, kWidth});
  const auto dx = output({kNodes, kWidth});
  const Refusals<Op> refuse(context(), aggregate_backward, {{graph_, Reduce::max}, {.arg = arg}, {dy, dx}}, {&dx});
  refuse.argument("arg", &Op::arg);
  refuse.accepted();
}

TEST_P(ErrorTest, GcnNorm) {
  {
    using Op = GcnNormForward;
    const auto weight = input({kEdges});
    const auto norm = output({kEdges}), inv_sqrt_degree = output({kNodes});
    const Refusals<Op> refuse(context(), gcn_norm_forward, {{graph_, weight}, {norm, inv_sqrt_degree}},
                              {&norm, &inv_sqrt_degree});
    refuse.argument("weight", &Op::weight, Presence::optional);
    refuse.argument("norm", &Op::norm, Presence::optional);
    refuse.argument("inv_sqrt_degree", &Op::inv_sqrt_degree, Presence::required, Blame::any);
    refuse_integers(refuse, "inv_sqrt_degree", &Op::inv_sqrt_degree);
    refuse.overlap("norm", &Op::norm, &Op::weight);
    refuse.overlap("norm", &Op::norm, &Op::inv_sqrt_degree);
    Rng rng;
    refuse.mistake({"graph:"}, [&](Op& op) { op.graph = random_graph(rng, 8, kNodes, kEdges).upload(context()); });
    refuse.accepted();
  }
  using Op = GcnNormBackward;
  const auto weight = input({kEdges}), dnorm = input({kEdges}), inv_sqrt_degree = input({kNodes});
  const auto dweight = output({kEdges});
  const Refusals<Op> refuse(context(), gcn_norm_backward,
                            {{graph_, weight}, {.inv_sqrt_degree = inv_sqrt_degree}, {dnorm, dweight}}, {&dweight});
  refuse.argument("weight", &Op::weight, Presence::optional);
  refuse.argument("inv_sqrt_degree", &Op::inv_sqrt_degree);
  refuse.argument("dnorm", &Op::dnorm, Presence::required, Blame::any);
  refuse.argument("dweight", &Op::dweight);
  refuse.overlap("dweight", &Op::dweight, &Op::dnorm);
  refuse.workspace();
  refuse.accepted();
}

TEST_P(ErrorTest, EdgeSoftmax) {
  {
    using Op = EdgeSoftmaxForward;
    const auto score = input({kEdges, kHeads});
    const auto weight = output({kEdges, kHeads});
    const Refusals<Op> refuse(context(), edge_softmax_forward, {{graph_, score}, {weight}}, {&weight});
    refuse.argument("score", &Op::score, Presence::required, Blame::any);
    refuse_integers(refuse, "score", &Op::score);
    refuse.argument("weight", &Op::weight);
    refuse.mistake({"weight:", "overlap"}, [&](Op& op) {  // in place is allowed, half a row further is not
      op.weight.data = const_cast<char*>(score.view().as<char>()) + size_of(dtype());
    });
    refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
    refuse.accepted();
  }
  using Op = EdgeSoftmaxBackward;
  const auto weight = input({kEdges, kHeads}), dweight = input({kEdges, kHeads});
  const auto dscore = output({kEdges, kHeads});
  const Refusals<Op> refuse(context(), edge_softmax_backward, {{graph_}, {weight}, {dweight, dscore}}, {&dscore});
  refuse.argument("weight", &Op::weight, Presence::required, Blame::any);
  refuse.argument("dweight", &Op::dweight);
  refuse.argument("dscore", &Op::dscore);
  refuse.overlap("dscore", &Op::dscore, &Op::weight);
  refuse.accepted();
}

TEST_P(ErrorTest, GatAttentionForward) {
  using Op = GatAttentionForward;
  const auto value = input({kNodes, kHeads, kChannels}), source_score = input({kNodes, kHeads}),
             destination_score = input({kNodes, kHeads}), edge_score = input({kEdges, kHeads});
  const auto y = output({kNodes, kHeads, kChannels}), maximum = output({kNodes, kHeads}),
             sum = output({kNodes, kHeads}), positive_y = output({kNodes, kHeads, kChannels}),
             positive_weight = output({kNodes, kHeads});
  const Refusals<Op> refuse(context(), gat_attention_forward,
                            {{graph_, 0.2, {}, value, source_score, destination_score, edge_score},
                             {y, maximum, sum, positive_y, positive_weight}},
                            {&y, &maximum, &sum, &positive_y, &positive_weight});
  refuse.argument("value", &Op::value, Presence::required, Blame::any);
  refuse_integers(refuse, "value", &Op::value);
  refuse.argument("source_score", &Op::source_score);
  refuse.argument("destination_score", &Op::destination_score);
  refuse.argument("edge_score", &Op::edge_score, Presence::optional);
  refuse.argument("y", &Op::y);
  refuse.argument("maximum", &Op::maximum);
  refuse.argument("sum", &Op::sum);
  refuse.argument("positive_y", &Op::positive_y);
  refuse.argument("positive_weight", &Op::positive_weight);
  refuse.overlap("y", &Op::y, &Op::value);
  refuse.overlap("y", &Op::y, &Op::positive_y);
  refuse.overlap("sum", &Op::sum, &Op::positive_weight);
  refuse.mistake({"dropout:", "got 1"}, [](Op& op) { op.dropout.probability = 1; });
  refuse.mistake({"dropout:", "-0.5"}, [](Op& op) { op.dropout.probability = -0.5; });
  refuse_dropout_counters(context(), refuse);
  refuse.mistake({"negative_slope:", "inf"},
                 [](Op& op) { op.negative_slope = std::numeric_limits<double>::infinity(); });
  refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
  refuse.workspace();
  refuse.accepted();
}

TEST_P(ErrorTest, GatAttentionBackward) {
  using Op = GatAttentionBackward;
  const Shape rows{kNodes, kHeads, kChannels}, scores{kNodes, kHeads}, edges{kEdges, kHeads};
  const auto value = input(rows), source_score = input(scores), destination_score = input(scores),
             edge_score = input(edges), y = input(rows), maximum = input(scores), sum = input(scores),
             positive_y = input(rows), positive_weight = input(scores), dy = input(rows),
             vector = input({kHeads, kChannels});
  const auto dvalue = output(rows), dsource_score = output(scores), ddestination_score = output(scores),
             dedge_score = output(edges);
  const Refusals<Op> refuse(context(), gat_attention_backward,
                            {{graph_, 0.2, {}, value, source_score, destination_score, edge_score},
                             {y, maximum, sum, positive_y, positive_weight},
                             {dy, dvalue, dsource_score, ddestination_score, dedge_score, vector, vector}},
                            {&dvalue, &dsource_score, &ddestination_score, &dedge_score});
  refuse.argument("value", &Op::value, Presence::required, Blame::any);
  refuse.argument("source_score", &Op::source_score);
  refuse.argument("destination_score", &Op::destination_score);
  refuse.argument("edge_score", &Op::edge_score, Presence::optional);
  refuse.argument("y", &Op::y);
  refuse.argument("maximum", &Op::maximum);
  refuse.argument("sum", &Op::sum);
  refuse.argument("positive_y", &Op::positive_y);
  refuse.argument("positive_weight", &Op::positive_weight);
  refuse.argument("dy", &Op::dy);
  refuse.argument("source_vector", &Op::source_vector, Presence::optional);
  refuse.argument("destination_vector", &Op::destination_vector, Presence::optional);
  refuse.argument("dvalue", &Op::dvalue);  // with the vectors
  refuse.argument("dsource_score", &Op::dsource_score);
  refuse.argument("ddestination_score", &Op::ddestination_score);
  refuse.argument("dedge_score", &Op::dedge_score, Presence::optional);
  refuse.overlap("dvalue", &Op::dvalue, &Op::dy);
  refuse.overlap("dsource_score", &Op::dsource_score, &Op::source_score);
  refuse.overlap("dsource_score", &Op::dsource_score, &Op::ddestination_score);
  refuse.mistake({"dropout:"}, [](Op& op) { op.dropout.probability = 1.5; });
  refuse_dropout_counters(context(), refuse);
  refuse.workspace();
  refuse.accepted();
}

TEST_P(ErrorTest, GatAttentionWeights) {
  using Op = GatAttentionWeightsArgs;
  const auto source_score = input({kNodes, kHeads}), destination_score = input({kNodes, kHeads}),
             edge_score = input({kEdges, kHeads}), maximum = input({kNodes, kHeads}), sum = input({kNodes, kHeads});
  const auto weight = output({kEdges, kHeads});
  const Refusals<Op> refuse(context(), gat_attention_weights,
                            {{.graph = graph_,
                              .negative_slope = 0.2,
                              .source_score = source_score,
                              .destination_score = destination_score,
                              .edge_score = edge_score},
                             {.maximum = maximum, .sum = sum},
                             {weight}},
                            {&weight});
  refuse.argument("source_score", &Op::source_score, Presence::required, Blame::any);
  refuse.argument("destination_score", &Op::destination_score, Presence::required, Blame::any);
  refuse.argument("edge_score", &Op::edge_score, Presence::optional, Blame::any);
  refuse.argument("maximum", &Op::maximum, Presence::required, Blame::any);
  refuse.argument("sum", &Op::sum, Presence::required, Blame::any);
  refuse.argument("weight", &Op::weight);
  refuse.overlap("weight", &Op::weight, &Op::edge_score);
  refuse.accepted();
}

TEST_P(ErrorTest, HeadDot) {
  {
    using Op = HeadDotForward;
    const auto x = input({kNodes, kHeads, kChannels}), vector = input({kHeads, kChannels});
    const auto score = output({kNodes, kHeads}), second_score = output({kNodes, kHeads});
    const Refusals<Op> refuse(context(), head_dot_forward, {{x, vector, vector}, {score, second_score}},
                              {&score, &second_score});
    refuse.argument("x", &Op::x, Presence::required, Blame::any);
    refuse_integers(refuse, "x", &Op::x);
    refuse.argument("vector", &Op::vector);
    refuse.argument("second_vector", &Op::second_vector, Presence::optional);
    refuse.mistake({"second_score:", "without second_vector"}, [](Op& op) { op.second_vector = {}; });
    refuse.argument("score", &Op::score);
    refuse.argument("second_score", &Op::second_score);
    refuse.overlap("score", &Op::score, &Op::x);
    refuse.overlap("score", &Op::score, &Op::second_score);
    refuse.accepted();
  }
  using Op = HeadDotBackward;
  const std::int64_t rows = 3000;  // enough to be shared out
  const auto x = input({rows, kHeads, kChannels}), vector = input({kHeads, kChannels}), dscore = input({rows, kHeads});
  const auto dx = inout({rows, kHeads, kChannels}), dvector = output({kHeads, kChannels}),
             dsecond_vector = output({kHeads, kChannels});
  const Refusals<Op> refuse(context(), head_dot_backward,
                            {{x, vector, vector}, {dscore, dx, dvector, dscore, dsecond_vector}},
                            {&dx, &dvector, &dsecond_vector});
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse.argument("vector", &Op::vector);
  refuse.argument("dscore", &Op::dscore);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dvector", &Op::dvector, Presence::optional);
  refuse.argument("dsecond_score", &Op::dsecond_score);
  refuse.argument("dsecond_vector", &Op::dsecond_vector, Presence::optional);
  refuse.mistake({"dsecond_score:", "without second_vector"}, [](Op& op) { op.second_vector = {}; });
  refuse.overlap("dx", &Op::dx, &Op::x);
  refuse.overlap("dvector", &Op::dvector, &Op::vector);
  refuse.overlap("dsecond_vector", &Op::dsecond_vector, &Op::dvector);
  refuse.workspace();
  refuse.accepted();
}

TEST_P(ErrorTest, PoolForward) {
  using Op = PoolForward;
  const auto x = input({kNodes, kWidth}), score = input({kNodes});
  const auto y = output({2, kWidth}), maximum = output({2}), sum = output({2});
  const Refusals<Op> refuse(context(), pool_forward,
                            {{graph_, PoolReduce::mean, PoolGate::softmax, 1, x, score}, {y, maximum, sum}},
                            {&y, &maximum, &sum});
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse_integers(refuse, "x", &Op::x);
  refuse.argument("score", &Op::score);
  refuse.argument("y", &Op::y);
  refuse.argument("maximum", &Op::maximum);
  refuse.argument("sum", &Op::sum);
  refuse.overlap("y", &Op::y, &Op::x);
  refuse.overlap("sum", &Op::sum, &Op::score);
  refuse.mistake({"gate:"}, [](Op& op) { op.reduce = PoolReduce::max; });
  refuse.mistake({"score:"}, [](Op& op) { op.gate = PoolGate::none; });
  refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
  Rng rng;
  refuse.mistake({"graph:"}, [&](Op& op) { op.graph = random_graph(rng, 8, kNodes, 20).upload(context()); });
  refuse.accepted();
}

TEST_P(ErrorTest, PoolMaxForward) {
  using Op = PoolForward;
  const auto x = input({kNodes, kWidth});
  const auto y = output({2, kWidth});
  const auto arg = TestTensor::output(context(), Dtype::int32, {2, kWidth});
  const Refusals<Op> refuse(context(), pool_forward,
                            {{graph_, PoolReduce::max, PoolGate::none, 1, x}, {y, {}, {}, arg}}, {&y, &arg});
  refuse.argument("arg", &Op::arg, Presence::optional);
  refuse.accepted();
}

TEST_P(ErrorTest, PoolBackward) {
  using Op = PoolBackward;
  const auto x = input({kNodes, kWidth}), score = input({kNodes}), y = input({2, kWidth}), maximum = input({2}),
             sum = input({2}), dy = input({2, kWidth});
  const auto dx = output({kNodes, kWidth}), dscore = output({kNodes});
  const Refusals<Op> refuse(
      context(), pool_backward,
      {{graph_, PoolReduce::sum, PoolGate::softmax, 1, x, score}, {y, maximum, sum}, {dy, dx, dscore}}, {&dx, &dscore});
  refuse.argument("x", &Op::x);
  refuse.argument("score", &Op::score);
  refuse.argument("y", &Op::y);
  refuse.argument("maximum", &Op::maximum);
  refuse.argument("sum", &Op::sum);
  refuse.argument("dy", &Op::dy, Presence::required, Blame::any);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dscore", &Op::dscore, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::x);
  refuse.overlap("dscore", &Op::dscore, &Op::score);
  refuse.accepted();
}

TEST_P(ErrorTest, PoolMaxBackwardNeedsArg) {
  using Op = PoolBackward;
  const auto dy = input({2, kWidth});
  const auto arg = ids({2, kWidth});
  const auto dx = output({kNodes, kWidth});
  const Refusals<Op> refuse(context(), pool_backward,
                            {{graph_, PoolReduce::max, PoolGate::none, 1}, {{}, {}, {}, arg}, {dy, dx}}, {&dx});
  refuse.argument("arg", &Op::arg);
  refuse.accepted();
}

TEST_P(ErrorTest, PoolWeights) {
  using Op = PoolWeightsArgs;
  const auto score = input({kNodes}), maximum = input({2}), sum = input({2});
  const auto weight = output({kNodes});
  const Refusals<Op> refuse(context(), pool_weights,
                            {{.graph = graph_, .gate = PoolGate::softmax, .temperature = 1, .score = score},
                             {.maximum = maximum, .sum = sum},
                             {weight}},
                            {&weight});
  refuse.argument("score", &Op::score, Presence::required, Blame::any);
  refuse.argument("maximum", &Op::maximum);
  refuse.argument("sum", &Op::sum);
  refuse.argument("weight", &Op::weight);
  refuse.overlap("weight", &Op::weight, &Op::score);
  refuse.mistake({"gate:"}, [](Op& op) { op.gate = PoolGate::none; });
  refuse.accepted();
}

TEST_P(ErrorTest, NumbersThatAreNoEnumerators) {
  const auto x = input({kNodes, kWidth}), score = input({kNodes});
  const auto y = output({kNodes, kWidth}), pooled = output({2, kWidth});
  const auto refuse = [&](const char* name, auto&& run_op) {
    expect_error(ErrorCode::invalid_argument, {std::string(name) + ":", "enumerator", "got 77"}, run_op);
    EXPECT_TRUE(y.untouched() && pooled.untouched());
  };
  refuse("reduce", [&] { aggregate_forward(context(), {.graph = graph_, .reduce = Reduce{77}, .x = x}, {.y = y}); });
  refuse("reduce",
         [&] { aggregate_backward(context(), {.graph = graph_, .reduce = Reduce{77}}, {}, {.dy = x, .dx = y}); });
  refuse("message", [&] {
    message_aggregate_forward(context(), {.graph = graph_, .message = EdgeMessage{77}, .x = x, .edge = x}, {.y = y});
  });
  refuse("reduce",
         [&] { pool_forward(context(), {.graph = graph_, .reduce = PoolReduce{77}, .x = x}, {.y = pooled}); });
  refuse("gate", [&] {
    pool_forward(context(), {.graph = graph_, .gate = PoolGate{77}, .x = x, .score = score}, {.y = pooled});
  });
  refuse("gate", [&] { pool_weights(context(), {.graph = graph_, .gate = PoolGate{77}, .score = score}, {}, {}); });
  refuse("score", [&] { attention_forward(context(), {.graph = graph_, .score = AttentionScore{77}}, {}); });
  refuse("kind", [&] { activation_forward(context(), {.kind = Activation{77}, .x = x}, {.y = y}); });
  refuse("kind", [&] { activation_backward(context(), {.kind = Activation{77}}, {.y = y}, {.dy = x}); });
  refuse("norm", [&] { relation_weights(context(), {.graph = graph_, .norm = RelationNorm{77}, .relations = 1}, {}); });
}

TEST_P(ErrorTest, MoreDimensionsThanAViewHas) {
  const auto x = input({kNodes, kWidth});
  const auto y = output({kNodes, kWidth});
  for (const int ndim : {-1, kMaxDims + 1, 1000}) {
    ConstTensorView bad = x;
    bad.ndim = ndim;
    expect_error(ErrorCode::invalid_argument, {"x:", std::to_string(ndim)},
                 [&] { activation_forward(context(), {.x = bad}, {.y = y}); });
    expect_error(ErrorCode::invalid_argument, {"x:", std::to_string(ndim)},
                 [&] { aggregate_forward(context(), {.graph = graph_, .x = bad}, {.y = y}); });
    TensorView bad_y = y;
    bad_y.ndim = ndim;
    expect_error(ErrorCode::invalid_argument, {"y:", std::to_string(ndim)},
                 [&] { aggregate_forward(context(), {.graph = graph_, .x = x}, {.y = bad_y}); });
  }
  EXPECT_TRUE(y.untouched());
}

}  // namespace
}  // namespace warpgnn::test
