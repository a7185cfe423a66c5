// SPDX-License-Identifier: MIT
// Arguments that aggregation over edge rows and edge types must refuse before it writes anything.

#include <gtest/gtest.h>

#include "tests/support/backends.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/refusals.hpp"
#include "warpgnn/ops/message_aggregate.hpp"
#include "warpgnn/ops/relation.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;

class MessageErrorTest : public OpTest {
 protected:
  static constexpr std::int64_t kNodes = 9, kEdges = kChunkEdges + 188, kWidth = 6, kRelations = 3, kBases = 2;

  /// A graph with a long row in each direction, so that both passes need a workspace.
  Graph hub_graph() const {
    TestGraph hub{"hub", {kNodes, kNodes, {}, {}}};
    for (std::int64_t e = 0; e < kEdges; ++e) {
      hub.edges.source.push_back(e < 40 ? e % kNodes : 1);
      hub.edges.destination.push_back(e < 40 ? (e + 1) % kNodes : 2);
    }
    return hub.upload(context());
  }

  TestTensor input(const Shape& shape) const {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    return TestTensor::input(context(), dtype(), shape, Rng().reals(count, 0.5, 1));
  }
  TestTensor relations() const {
    return TestTensor::input_ids(context(), Dtype::int32, {kEdges}, Ids(static_cast<std::size_t>(kEdges), 1));
  }
  TestTensor output(const Shape& shape) const { return TestTensor::output(context(), dtype(), shape); }
  TestTensor output_ids(const Shape& shape) const { return TestTensor::output(context(), Dtype::int32, shape); }

  /// int32 and int64 are both right, so only other flaws are tried.
  template <class Op>
  static void refuse_relations(const Refusals<Op>& refuse) {
    refuse.mistake({"relation:", "got none"}, [](Op& op) { op.relation = {}; });
    refuse.mistake({"relation:", "float32"}, [](Op& op) { op.relation.dtype = Dtype::float32; });
    refuse.mistake({"relation:", "701"}, [](Op& op) { ++op.relation.shape[0]; });
    refuse.mistake({"relation:", "null"}, [](Op& op) { op.relation.data = nullptr; });
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(MessageErrorTest);

TEST_P(MessageErrorTest, MessageAggregateForward) {
  using Op = MessageAggregateForward;
  const Graph graph = hub_graph();
  const auto x = input({kNodes, kWidth}), edge = input({kEdges, kWidth}), epsilon = input({1});
  const auto y = output({kNodes, kWidth});
  const Refusals<Op> refuse(context(), message_aggregate_forward,
                            {{graph, EdgeMessage::add, Reduce::sum, x, edge, epsilon}, {y}}, {&y});
  refuse.argument("x", &Op::x);
  refuse.argument("edge", &Op::edge, Presence::required, Blame::any);
  refuse.mistake({"edge:", "got int64"}, [](Op& op) { op.edge.dtype = Dtype::int64; });
  refuse.argument("epsilon", &Op::epsilon, Presence::optional);
  refuse.argument("y", &Op::y);
  refuse.overlap("y", &Op::y, &Op::x);
  refuse.overlap("y", &Op::y, &Op::edge);
  refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
  refuse.mistake({"arg:"}, [&](Op& op) { op.arg = y; });
  refuse.mistake({"x:", "expected none"}, [](Op& op) { op.message = EdgeMessage::edge; });
  refuse.mistake({"epsilon:", "expected none"}, [](Op& op) {
    op.message = EdgeMessage::edge;
    op.x = {};
  });
  Rng rng;
  refuse.mistake({"graph:", "8", "9"}, [&](Op& op) {
    op.graph = random_graph(rng, 8, kNodes, kEdges).upload(context());
    op.x.shape[0] = 8;
  });
  refuse.workspace();
  refuse.accepted();
}

TEST_P(MessageErrorTest, MessageAggregateMaxForward) {
  using Op = MessageAggregateForward;
  const Graph graph = hub_graph();
  const auto edge = input({kEdges, kWidth});
  const auto y = output({kNodes, kWidth}), arg = output_ids({kNodes, kWidth});
  const Refusals<Op> refuse(context(), message_aggregate_forward,
                            {{graph, EdgeMessage::edge, Reduce::max, {}, edge}, {y, arg}}, {&y, &arg});
  refuse.argument("arg", &Op::arg, Presence::optional);
  refuse.overlap("y", &Op::y, &Op::arg);
  refuse.accepted();
}

TEST_P(MessageErrorTest, MessageAggregateBackward) {
  using Op = MessageAggregateBackward;
  const Graph graph = hub_graph();
  const auto x = input({kNodes, kWidth}), edge = input({kEdges, kWidth}), epsilon = input({1}),
             dy = input({kNodes, kWidth});
  const auto dx = output({kNodes, kWidth}), dedge = output({kEdges, kWidth}), depsilon = output({1});
  const Refusals<Op> refuse(
      context(), message_aggregate_backward,
      {{graph, EdgeMessage::multiply, Reduce::mean, x, edge, epsilon}, {}, {dy, dx, dedge, depsilon}},
      {&dx, &dedge, &depsilon});
  refuse.argument("x", &Op::x);
  refuse.argument("edge", &Op::edge);
  refuse.argument("epsilon", &Op::epsilon, Presence::optional);
  refuse.argument("dy", &Op::dy, Presence::required, Blame::any);
  refuse.mistake({"dy:", "got int64"}, [](Op& op) { op.dy.dtype = Dtype::int64; });
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dedge", &Op::dedge, Presence::optional);
  refuse.argument("depsilon", &Op::depsilon, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::dy);
  refuse.overlap("dedge", &Op::dedge, &Op::edge);
  refuse.overlap("dx", &Op::dx, &Op::x);
  refuse.mistake({"arg:"}, [](Op& op) { op.reduce = Reduce::max; });
  refuse.mistake({"arg:", "expected none"}, [&](Op& op) { op.arg = dy; });
  refuse.mistake({"dx:", "expected none"}, [](Op& op) {
    op.message = EdgeMessage::edge;
    op.x = {};
  });
  refuse.workspace();
  refuse.accepted();
}

TEST_P(MessageErrorTest, MessageAggregateMaxBackward) {
  using Op = MessageAggregateBackward;
  const Graph graph = hub_graph();
  const auto dy = input({kNodes, kWidth});
  const auto arg = TestTensor::input_ids(context(), Dtype::int32, {kNodes, kWidth}, Ids(kNodes * kWidth, 0));
  const auto dedge = output({kEdges, kWidth});
  const Refusals<Op> refuse(
      context(), message_aggregate_backward,
      {{.graph = graph, .message = EdgeMessage::edge, .reduce = Reduce::max}, {.arg = arg}, {.dy = dy, .dedge = dedge}},
      {&dedge});
  refuse.argument("arg", &Op::arg);
  refuse.argument("dedge", &Op::dedge, Presence::optional);
  refuse.accepted();
}

TEST_P(MessageErrorTest, RelationWeights) {
  using Op = RelationWeightsArgs;
  const auto relation = relations();
  const auto weight = output({kEdges});
  const Refusals<Op> refuse(context(), relation_weights,
                            {{hub_graph(), RelationNorm::per_relation, kRelations, relation}, {weight}}, {&weight});
  refuse_relations(refuse);
  refuse.mistake({"weight:", "got none"}, [](Op& op) { op.weight = {}; });
  refuse.mistake({"weight:", "got int32"}, [](Op& op) { op.weight.dtype = Dtype::int32; });
  refuse.mistake({"weight:", "got [701]"}, [](Op& op) { ++op.weight.shape[0]; });
  refuse.mistake({"weight:", "null"}, [](Op& op) { op.weight.data = nullptr; });
  refuse.overlap("weight", &Op::weight, &Op::relation);
  refuse.mistake({"relations:", "-1"}, [](Op& op) { op.relations = -1; });
  refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
  if (!context().is_cuda()) refuse.workspace();
  refuse.accepted();
}

TEST_P(MessageErrorTest, RelationAggregateForward) {
  using Op = RelationAggregateForward;
  const auto relation = relations();
  const auto coefficient = input({kRelations, kBases}), weight = input({kEdges}), x = input({kNodes, kWidth});
  const auto y = output({kNodes, kBases, kWidth});
  const Refusals<Op> refuse(context(), relation_aggregate_forward,
                            {{hub_graph(), relation, coefficient, weight, x}, {y}}, {&y});
  refuse_relations(refuse);
  refuse.mistake({"coefficient:", "got none"}, [](Op& op) { op.coefficient = {}; });
  refuse.mistake({"coefficient:", "float"},
                 [&](Op& op) { op.coefficient.dtype = dtype() == Dtype::float32 ? Dtype::float64 : Dtype::float32; });
  refuse.mistake({"coefficient:", "2 dimensions"}, [](Op& op) { op.coefficient.ndim = 1; });
  refuse.mistake({"coefficient:", "basis"}, [](Op& op) { op.coefficient.shape[1] = 0; });
  refuse.argument("weight", &Op::weight, Presence::optional);
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse.argument("y", &Op::y);
  refuse.overlap("y", &Op::y, &Op::x);
  refuse.overlap("y", &Op::y, &Op::coefficient);
  refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
  refuse.workspace();
  refuse.accepted();
}

TEST_P(MessageErrorTest, RelationAggregateBackward) {
  using Op = RelationAggregateBackward;
  const auto relation = relations();
  const auto coefficient = input({kRelations, kBases}), weight = input({kEdges}), x = input({kNodes, kWidth}),
             dy = input({kNodes, kBases, kWidth});
  const auto dx = output({kNodes, kWidth}), dcoefficient = output({kRelations, kBases}), dweight = output({kEdges});
  const Refusals<Op> refuse(context(), relation_aggregate_backward,
                            {{hub_graph(), relation, coefficient, weight, x}, {dy, dx, dcoefficient, dweight}},
                            {&dx, &dcoefficient, &dweight});
  refuse_relations(refuse);
  refuse.mistake({"coefficient:", "got none"}, [](Op& op) { op.coefficient = {}; });
  refuse.argument("weight", &Op::weight, Presence::optional);
  refuse.argument("x", &Op::x);
  refuse.argument("dy", &Op::dy, Presence::required, Blame::any);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dcoefficient", &Op::dcoefficient, Presence::optional);
  refuse.argument("dweight", &Op::dweight, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::dy);
  refuse.overlap("dcoefficient", &Op::dcoefficient, &Op::coefficient);
  refuse.overlap("dx", &Op::dx, &Op::dcoefficient);
  refuse.overlap("dweight", &Op::dweight, &Op::weight);
  refuse.workspace();
  refuse.accepted();
}

}  // namespace
}  // namespace warpgnn::test
