// SPDX-License-Identifier: MIT
// Arguments that attention between pairs of feature vectors must refuse before it writes anything.

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/backends.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/refusals.hpp"
#include "warpgnn/ops/attention.hpp"

namespace warpgnn::test {
namespace {

constexpr std::int64_t kSources = 7, kDestinations = 9, kEdges = kChunkEdges + 188, kHeads = 2, kChannels = 3,
                       kValues = 4;

class AttentionErrorTest : public OpTest {
 protected:
  void SetUp() override {
    OpTest::SetUp();
    if (IsSkipped()) return;
    TestGraph hub{"", {kSources, kDestinations, {}, {}}, {}};
    for (std::int64_t e = 0; e < kEdges; ++e) {  // one row is long both ways
      hub.edges.source.push_back(e < 40 ? e % kSources : 1);
      hub.edges.destination.push_back(e < 40 ? e % kDestinations : 2);
    }
    graph_ = hub.upload(context());
  }

  TestTensor input(const Shape& shape) const {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    return TestTensor::input(context(), dtype(), shape, Rng().reals(count, 0.5, 1));
  }
  TestTensor output(const Shape& shape) const { return TestTensor::output(context(), dtype(), shape); }

  /// What forward, backward and weights check alike.
  template <class Op>
  void refuse_scores(const Refusals<Op>& refuse) const {
    refuse.argument("query", &Op::query, Presence::required, Blame::any);
    refuse.mistake({"query:", "got int64"}, [](Op& op) { op.query.dtype = Dtype::int64; });
    refuse.mistake({"query:", "at least 1 head"}, [](Op& op) { op.query.shape[1] = 0; });
    refuse.argument("key", &Op::key);
    refuse.argument("edge_key", &Op::edge_key, Presence::optional);
    refuse.argument("edge_bias", &Op::edge_bias, Presence::optional);
    refuse.argument("vector", &Op::vector);
    refuse.mistake({"vector:", "contiguous"}, [](Op& op) { op.vector.stride[0] = kChannels + 1; });
    refuse.mistake({"vector:", "dot"}, [](Op& op) { op.score = AttentionScore::dot; });
    refuse.argument("maximum", &Op::maximum);
    refuse.argument("sum", &Op::sum);
    refuse.mistake({"dropout:", "got 1"}, [](Op& op) { op.dropout.probability = 1; });
    refuse.mistake({"dropout:", "-0.5"}, [](Op& op) { op.dropout.probability = -0.5; });
    refuse_dropout_counters(context(), refuse);
    refuse.mistake({"negative_slope:", "inf"},
                   [](Op& op) { op.negative_slope = std::numeric_limits<double>::infinity(); });
    refuse.mistake({"scale:", "nan"}, [](Op& op) {
      op.score = AttentionScore::dot;
      op.scale = std::numeric_limits<double>::quiet_NaN();
    });
    refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
  }

  Graph graph_;
  const Shape queries_{kDestinations, kHeads, kChannels}, keys_{kSources, kHeads, kChannels},
      source_values_{kSources, kHeads, kValues}, results_{kDestinations, kHeads, kValues},
      scores_{kDestinations, kHeads}, edge_keys_{kEdges, kHeads, kChannels}, edge_values_{kEdges, kHeads, kValues},
      edge_scores_{kEdges, kHeads}, vectors_{kHeads, kChannels};
};
WARPGNN_INSTANTIATE_OP_TESTS(AttentionErrorTest);

TEST_P(AttentionErrorTest, Forward) {
  using Op = AttentionForward;
  const auto query = input(queries_), key = input(keys_), value = input(source_values_), edge_key = input(edge_keys_),
             edge_value = input(edge_values_), edge_bias = input(edge_scores_), vector = input(vectors_);
  const auto y = output(results_), maximum = output(scores_), sum = output(scores_);
  const Refusals<Op> refuse(context(), attention_forward,
                            {{.graph = graph_,
                              .query = query,
                              .key = key,
                              .value = value,
                              .edge_key = edge_key,
                              .edge_value = edge_value,
                              .edge_bias = edge_bias,
                              .vector = vector},
                             {.y = y, .maximum = maximum, .sum = sum}},
                            {&y, &maximum, &sum});
  refuse_scores(refuse);
  refuse.argument("value", &Op::value);
  refuse.mistake({"value:", "1 channel"}, [](Op& op) { op.value.shape[2] = 0; });
  refuse.argument("edge_value", &Op::edge_value, Presence::optional);
  refuse.argument("y", &Op::y);
  refuse.overlap("y", &Op::y, &Op::value);
  refuse.overlap("y", &Op::y, &Op::edge_value);
  refuse.overlap("maximum", &Op::maximum, &Op::query);
  refuse.overlap("maximum", &Op::maximum, &Op::sum);
  refuse.workspace();
  refuse.accepted();
}

TEST_P(AttentionErrorTest, Backward) {
  using Op = AttentionBackward;
  const auto query = input(queries_), key = input(keys_), value = input(source_values_), edge_key = input(edge_keys_),
             edge_value = input(edge_values_), edge_bias = input(edge_scores_), vector = input(vectors_),
             y = input(results_), maximum = input(scores_), sum = input(scores_), dy = input(results_);
  const auto dquery = output(queries_), dkey = output(keys_), dvalue = output(source_values_),
             dedge_key = output(edge_keys_), dedge_value = output(edge_values_), dedge_bias = output(edge_scores_),
             dvector = output(vectors_);
  const Refusals<Op> refuse(context(), attention_backward,
                            {{.graph = graph_,
                              .query = query,
                              .key = key,
                              .value = value,
                              .edge_key = edge_key,
                              .edge_value = edge_value,
                              .edge_bias = edge_bias,
                              .vector = vector},
                             {.y = y, .maximum = maximum, .sum = sum},
                             {.dy = dy,
                              .dquery = dquery,
                              .dkey = dkey,
                              .dvalue = dvalue,
                              .dedge_key = dedge_key,
                              .dedge_value = dedge_value,
                              .dedge_bias = dedge_bias,
                              .dvector = dvector}},
                            {&dquery, &dkey, &dvalue, &dedge_key, &dedge_value, &dedge_bias, &dvector});
  refuse_scores(refuse);
  refuse.argument("value", &Op::value);
  refuse.argument("edge_value", &Op::edge_value, Presence::optional);
  refuse.argument("y", &Op::y);
  refuse.argument("dy", &Op::dy);
  refuse.argument("dquery", &Op::dquery, Presence::optional);
  refuse.argument("dkey", &Op::dkey, Presence::optional);
  refuse.argument("dvalue", &Op::dvalue, Presence::optional);
  refuse.argument("dedge_key", &Op::dedge_key, Presence::optional);
  refuse.argument("dedge_value", &Op::dedge_value, Presence::optional);
  refuse.argument("dedge_bias", &Op::dedge_bias, Presence::optional);
  refuse.argument("dvector", &Op::dvector, Presence::optional);
  refuse.mistake({"dvector:", "contiguous"}, [](Op& op) { op.dvector.stride[0] = kChannels + 1; });
  refuse.mistake({"dvector:", "dot"}, [](Op& op) {
    op.score = AttentionScore::dot;
    op.vector = {};
  });
  refuse.overlap("dkey", &Op::dkey, &Op::key);
  refuse.overlap("dquery", &Op::dquery, &Op::dkey);
  refuse.overlap("dvector", &Op::dvector, &Op::vector);
  refuse.workspace();
  refuse.accepted();
}

TEST_P(AttentionErrorTest, Weights) {
  using Op = AttentionWeightsArgs;
  const auto query = input(queries_), key = input(keys_), edge_key = input(edge_keys_), edge_bias = input(edge_scores_),
             vector = input(vectors_), maximum = input(scores_), sum = input(scores_);
  const auto weight = output(edge_scores_);
  const Refusals<Op> refuse(
      context(), attention_weights,
      {{.graph = graph_, .query = query, .key = key, .edge_key = edge_key, .edge_bias = edge_bias, .vector = vector},
       {.maximum = maximum, .sum = sum},
       {.weight = weight}},
      {&weight});
  refuse_scores(refuse);
  refuse.argument("weight", &Op::weight);
  refuse.overlap("weight", &Op::weight, &Op::edge_bias);
  refuse.workspace();
  refuse.accepted();
}

}  // namespace
}  // namespace warpgnn::test
