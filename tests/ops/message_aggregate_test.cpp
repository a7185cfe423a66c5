// SPDX-License-Identifier: MIT
#include "warpgnn/ops/message_aggregate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/message_aggregate.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/graphs.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;
using Message = oracle::EdgeMessage;

constexpr oracle::Reduce kReduces[] = {oracle::Reduce::sum, oracle::Reduce::mean, oracle::Reduce::max,
                                       oracle::Reduce::min};
constexpr Message kMessages[] = {Message::add, Message::multiply, Message::relu_add, Message::edge};

Reduce library(oracle::Reduce reduce) {
  switch (reduce) {
    case oracle::Reduce::sum: return Reduce::sum;
    case oracle::Reduce::mean: return Reduce::mean;
    case oracle::Reduce::max: return Reduce::max;
    case oracle::Reduce::min: break;
  }
  return Reduce::min;
}

EdgeMessage library(Message message) {
  switch (message) {
    case Message::add: return EdgeMessage::add;
    case Message::multiply: return EdgeMessage::multiply;
    case Message::relu_add: return EdgeMessage::relu_add;
    case Message::edge: break;
  }
  return EdgeMessage::edge;
}

bool is_extremum(oracle::Reduce reduce) {
  return reduce == oracle::Reduce::max || reduce == oracle::Reduce::min;
}

std::string name_of(const oracle::MessageAggregate& in) {
  return "message " + std::to_string(static_cast<int>(in.message)) + " reduce " +
         std::to_string(static_cast<int>(in.reduce)) + (in.epsilon ? " epsilon" : "");
}

struct Settings {
  std::size_t features = 5;
  bool epsilon = false;
  bool integers = false;
};

oracle::MessageAggregate problem(Rng& rng, const TestGraph& graph, Message message, oracle::Reduce reduce,
                                 const Settings& settings) {
  const auto values = [&](std::size_t count) {
    return settings.integers ? rng.integers(count, -4, 4) : rng.reals(count);
  };
  const std::size_t sources = message == Message::edge ? 0 : graph.edges.sources();
  oracle::MessageAggregate in{graph.edges,
                              message,
                              reduce,
                              settings.features,
                              values(sources * settings.features),
                              values(graph.edges.count() * settings.features),
                              {}};
  if (settings.epsilon) in.epsilon = settings.integers ? 2.0 : 0.375;
  return in;
}

Reals upstream(Rng& rng, const oracle::MessageAggregate& in, bool integers = false) {
  const std::size_t count = in.edges.destinations() * in.features;
  return integers ? rng.integers(count, -4, 4) : rng.reals(count);
}

/// An aggregation of edges' messages on one backend.
class MessageAggregateTest : public OpTest {
 protected:
  struct Forward {
    TestTensor y, arg;
  };
  struct Backward {
    TestTensor dx, dedge, depsilon;
  };

  Forward forward(const oracle::MessageAggregate& in, Place place = Place::contiguous) const {
    const Inputs given = inputs(in, place);
    const Shape shape{in.edges.num_destinations, width(in)};
    Forward out{TestTensor::output(context(), dtype(), shape, place),
                is_extremum(in.reduce) ? TestTensor::output(context(), Dtype::int32, shape, place) : TestTensor()};
    run(context(), message_aggregate_forward,
        MessageAggregate{upload(in.edges), library(in.message), library(in.reduce), given.x, given.edge, given.epsilon},
        MessageAggregateResult{out.y, out.arg});
    return out;
  }

  Backward backward(const oracle::MessageAggregate& in, const Reals& dy, Place place = Place::contiguous) const {
    const Inputs given = inputs(in, place);
    const TestTensor upstream = TestTensor::input(context(), dtype(), y_shape(in), dy, place);
    const TestTensor arg = winners(in, place);
    Backward out{in.message == Message::edge
                     ? TestTensor()
                     : TestTensor::output(context(), dtype(), {in.edges.num_sources, width(in)}, place),
                 TestTensor::output(context(), dtype(), edge_shape(in), place),
                 in.epsilon ? TestTensor::output(context(), accumulator(), {1}, place) : TestTensor()};
    run(context(), message_aggregate_backward,
        MessageAggregate{upload(in.edges), library(in.message), library(in.reduce), given.x, given.edge, given.epsilon},
        MessageAggregateResult{.arg = arg}, MessageAggregateGradients{upstream, out.dx, out.dedge, out.depsilon});
    return out;
  }

  /// Both directions against the oracle: bit for bit when `exact`.
  void check(const oracle::MessageAggregate& in, const Reals& dy, Place place, bool exact) const {
    const auto compare = [&](const TestTensor& got, const oracle::Sums& want, const char* what) {
      exact ? expect_exact(got, want.value, what) : expect_close(got, want, kSumFactor, what);
    };
    const auto want = oracle::message_aggregate(in);
    const Forward got = forward(in, place);
    compare(got.y, want.y, "y");
    if (is_extremum(in.reduce)) expect_ids(got.arg, want.arg, "arg");

    const auto want_gradients = oracle::message_aggregate_backward(in, dy);
    const Backward gradients = backward(in, dy, place);
    if (in.message != Message::edge) compare(gradients.dx, want_gradients.dx, "dx");
    compare(gradients.dedge, want_gradients.dedge, "dedge");
    if (in.epsilon) compare(gradients.depsilon, want_gradients.depsilon, "depsilon");
  }

  Graph upload(const oracle::Edges& edges) const { return TestGraph{"", edges}.upload(context()); }

  static std::int64_t width(const oracle::MessageAggregate& in) { return static_cast<std::int64_t>(in.features); }
  static Shape edge_shape(const oracle::MessageAggregate& in) {
    return {static_cast<std::int64_t>(in.edges.count()), width(in)};
  }
  static Shape y_shape(const oracle::MessageAggregate& in) { return {in.edges.num_destinations, width(in)}; }

  TestTensor winners(const oracle::MessageAggregate& in, Place place) const {
    if (!is_extremum(in.reduce)) return {};
    return TestTensor::input_ids(context(), Dtype::int32, y_shape(in), oracle::message_aggregate(in).arg, place);
  }

  struct Inputs {
    TestTensor x, edge, epsilon;
  };
  Inputs inputs(const oracle::MessageAggregate& in, Place place) const {
    return {in.message == Message::edge
                ? TestTensor()
                : TestTensor::input(context(), dtype(), {in.edges.num_sources, width(in)}, in.x, place),
            TestTensor::input(context(), dtype(), edge_shape(in), in.edge, place),
            in.epsilon ? TestTensor::input(context(), accumulator(), {1}, {*in.epsilon}, place) : TestTensor()};
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(MessageAggregateTest);

class MessageAggregateDifferencesTest : public MessageAggregateTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(MessageAggregateDifferencesTest);

/// Rows without columns need no memory at all.
TEST_P(MessageAggregateTest, RowsOfNoColumns) {
  const Graph graph = TestGraph{"pair", {2, 2, {0, 1}, {1, 1}}, {}}.upload(context());
  const TensorView none{contiguous_layout(dtype(), std::array<std::int64_t, 2>{2, 0}, context().device()), nullptr};
  for (const EdgeMessage message : {EdgeMessage::add, EdgeMessage::multiply, EdgeMessage::relu_add}) {
    run(context(), message_aggregate_forward,
        MessageAggregate{.graph = graph, .message = message, .x = none, .edge = none},
        MessageAggregateResult{.y = none});
    run(context(), message_aggregate_backward,
        MessageAggregate{.graph = graph, .message = message, .x = none, .edge = none}, MessageAggregateResult{},
        MessageAggregateGradients{.dy = none, .dx = none, .dedge = none});
  }
}

TEST_P(MessageAggregateTest, MatchesOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const Message message : kMessages) {
      for (const auto reduce : kReduces) {
        for (const bool epsilon : {false, true}) {
          if (epsilon && (!graph.square() || message == Message::edge)) continue;
          const Place place = kPlaces[turn++ % 3];
          const bool integers = turn / 2 % 2 == 0;
          const auto in = problem(rng, graph, message, reduce, {5, epsilon, integers});
          SCOPED_TRACE(graph.name + " " + warpgnn::test::name_of(place) + " " + name_of(in));
          check(in, upstream(rng, in, integers), place, integers && reduce != oracle::Reduce::mean);
        }
      }
    }
  }
}

TEST_P(MessageAggregateTest, EveryWidthAndLayout) {
  Rng rng;
  Ids degrees(8, 3);
  degrees[4] = kChunkEdges + 30;
  std::size_t turn = 0;
  for (const TestGraph& graph : {random_graph(rng, 20, 20, 60), graph_with_degrees(rng, 8, degrees)}) {
    for (const std::size_t features : {1u, 2u, 3u, 4u, 7u, 8u, 16u, 31u, 32u, 33u, 64u, 127u, 128u, 256u, 300u}) {
      const bool sampled = graph.edges.count() > kChunkEdges;  // long rows: some of the widths, layouts in turn
      if (sampled && features % 3 != 1) continue;
      for (const Place place : kPlaces) {
        if (sampled && place != kPlaces[features / 3 % 3]) continue;
        for (const auto reduce : {oracle::Reduce::sum, oracle::Reduce::max}) {
          const auto in = problem(rng, graph, kMessages[turn++ % 4], reduce, {features, false, true});
          SCOPED_TRACE(graph.name + " width " + std::to_string(features) + " " + warpgnn::test::name_of(place) + " " +
                       name_of(in));
          check(in, upstream(rng, in, true), place, true);
        }
      }
    }
  }
}

TEST_P(MessageAggregateTest, MeanIsExactForPowersOfTwo) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 16, {1, 2, 4, 8, 16, 2 * kChunkEdges, 0, 64});
  for (const Message message : kMessages) {
    const auto in = problem(rng, graph, message, oracle::Reduce::mean, {6, false, true});
    SCOPED_TRACE(name_of(in));
    check(in, upstream(rng, in, true), Place::contiguous, true);
  }
}

TEST_P(MessageAggregateTest, HubOfManyEdges) {
  Rng rng;
  const TestGraph into = graph_with_degrees(rng, 1000, {3, hub_edges(context()), 5});
  for (const TestGraph& graph : {into, transposed(into)}) {
    auto in = problem(rng, graph, Message::multiply, oracle::Reduce::sum, {3, false, false});
    in.x = rng.reals(in.x.size(), 0.5, 1.5);  // of one sign: the partial sums are as large as they can be
    in.edge = rng.reals(in.edge.size(), 0.5, 1.5);
    const Reals dy = rng.reals(graph.edges.destinations() * 3, 0.5, 1.5);
    const auto want = oracle::message_aggregate_backward(in, dy);
    const Backward got = backward(in, dy);
    expect_close(forward(in).y, oracle::message_aggregate(in).y, hub_factor(dtype()), "y");
    expect_close(got.dx, want.dx, hub_factor(dtype()), "dx");
    expect_close(got.dedge, want.dedge, 1, "dedge");
  }
}

TEST_P(MessageAggregateDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  for (const Message message : kMessages) {
    for (const auto reduce : kReduces) {
      auto in = problem(rng, random_graph(rng, 6, 6, 14), message, reduce, {3, message != Message::edge, false});
      SCOPED_TRACE(name_of(in));
      // Quarters and 64ths: sums and products that are neither zero nor equal within reach of the step.
      in.edge = rng.distinct(in.edge.size());
      for (double& value : in.x) value = std::round(value * 4) / 4 + 0.0078125 + 0.3 * value / 64;
      const Reals dy = upstream(rng, in);
      const Backward gradients = backward(in, dy);
      const auto loss = [&](Reals oracle::MessageAggregate::*argument) {
        return [&, argument](const Reals& value) {
          oracle::MessageAggregate shifted = in;
          shifted.*argument = value;
          return dot(dy, forward(shifted).y.reals());
        };
      };
      expect_gradient(loss(&oracle::MessageAggregate::edge), in.edge, gradients.dedge.reals(), "dedge");
      if (message == Message::edge) continue;
      expect_gradient(loss(&oracle::MessageAggregate::x), in.x, gradients.dx.reals(), "dx");
      const auto epsilon_loss = [&](const Reals& value) {
        oracle::MessageAggregate shifted = in;
        shifted.epsilon = value[0];
        return dot(dy, forward(shifted).y.reals());
      };
      expect_gradient(epsilon_loss, {*in.epsilon}, gradients.depsilon.reals(), "depsilon");
    }
  }
}

/// Each gradient alone is the same, and asks only for the inputs that its formula names.
TEST_P(MessageAggregateTest, EachGradientAloneIsTheSame) {
  Rng rng;
  for (const Message message : kMessages) {
    for (const auto reduce : {oracle::Reduce::mean, oracle::Reduce::max}) {
      const bool has_x = message != Message::edge;
      const auto in = problem(rng, random_graph(rng, 20, 20, 80), message, reduce, {7, has_x, false});
      SCOPED_TRACE(name_of(in));
      const Reals dy = upstream(rng, in);
      const Backward all = backward(in, dy);
      const Inputs given = inputs(in, Place::contiguous);
      const TestTensor arg = winners(in, Place::contiguous);
      const auto gradient = TestTensor::input(context(), dtype(), y_shape(in), dy);
      const bool relu = message == Message::relu_add, product = message == Message::multiply;
      MessageAggregateBackward op{
          {.graph = upload(in.edges), .message = library(message), .reduce = library(reduce), .epsilon = given.epsilon},
          {.arg = arg},
          {.dy = gradient}};
      {
        MessageAggregateBackward alone = op;
        const auto dedge = TestTensor::output(context(), dtype(), edge_shape(in));
        if (relu || product) alone.x = given.x;
        if (relu) alone.edge = given.edge;
        alone.dedge = dedge;
        run(context(), message_aggregate_backward, alone);
        expect_same_bits(dedge, all.dedge, "dedge");
      }
      if (!has_x) continue;
      {
        MessageAggregateBackward alone = op;
        const auto dx = TestTensor::output(context(), dtype(), {20, 7});
        if (relu) alone.x = given.x;
        if (relu || product) alone.edge = given.edge;
        alone.dx = dx;
        run(context(), message_aggregate_backward, alone);
        expect_same_bits(dx, all.dx, "dx");
      }
      const auto depsilon = TestTensor::output(context(), dtype(), {1});
      op.x = given.x;
      op.arg = {};
      op.depsilon = depsilon;
      run(context(), message_aggregate_backward, op);
      expect_same_bits(depsilon, all.depsilon, "depsilon");
    }
  }
}

TEST_P(MessageAggregateTest, RerunsAreBitIdentical) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (graph.edges.count() == 0) continue;
    SCOPED_TRACE(graph.name);
    const auto in = problem(rng, graph, Message::relu_add, oracle::Reduce::sum, {33, graph.square(), false});
    const Reals dy = upstream(rng, in);
    expect_same_bits(forward(in).y, forward(in).y, "y");
    const Backward gradients = backward(in, dy), again = backward(in, dy);
    expect_same_bits(again.dx, gradients.dx, "dx");
    expect_same_bits(again.dedge, gradients.dedge, "dedge");
  }
}

TEST_P(MessageAggregateTest, ZeroEdgesAreAPlainAggregation) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 25, 31, 140);
  for (const auto reduce : kReduces) {
    auto in = problem(rng, graph, Message::add, reduce, {6, false, false});
    in.edge.assign(in.edge.size(), 0.0);
    const oracle::Aggregate plain{in.edges, reduce, 6, in.x, {}, {}};
    expect_close(forward(in).y, oracle::aggregate(plain).y, kSumFactor, "y");
  }
}

TEST_P(MessageAggregateTest, NanReachesOneElementAlone) {
  Rng rng;
  const TestGraph graph = power_law_graph(rng, 40, 900);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const Message message : kMessages) {
    for (const auto reduce : kReduces) {
      auto in = problem(rng, graph, message, reduce, {6, false, false});
      SCOPED_TRACE(name_of(in));
      Reals want = forward(in).y.reals();
      in.edge[17 * 6 + 3] = kNan;  // edge 17, feature 3
      want[graph.edges.to(17) * 6 + 3] = kNan;
      const Forward got = forward(in);
      expect_exact(got.y, want, "y");
      if (is_extremum(reduce)) expect_ids(got.arg, oracle::message_aggregate(in).arg, "arg");
    }
  }
}

TEST_P(MessageAggregateTest, InfinitiesAreKept) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const auto reduce : kReduces) {
    for (const Message message : {Message::add, Message::relu_add, Message::edge}) {
      oracle::MessageAggregate in{{2, 4, {0, 1, 1, 0}, {0, 0, 1, 3}}, message, reduce, 1, {1, 2}, {}, {}};
      in.edge = {kInfinity, 4, -kInfinity, kInfinity};
      if (message == Message::edge) in.x.clear();
      SCOPED_TRACE(name_of(in));
      const auto want = oracle::message_aggregate(in);
      const Forward got = forward(in);
      expect_exact(got.y, want.y.value, "y");
      if (is_extremum(reduce)) expect_ids(got.arg, want.arg, "arg");
    }
  }
}

TEST_P(MessageAggregateTest, ExtremesWithoutArg) {
  Rng rng;
  const auto in = problem(rng, random_graph(rng, 30, 20, 90), Message::multiply, oracle::Reduce::min, {7, false, true});
  const Inputs given = inputs(in, Place::misaligned);
  const auto y = TestTensor::output(context(), dtype(), y_shape(in), Place::misaligned);
  run(context(), message_aggregate_forward,
      MessageAggregate{upload(in.edges), EdgeMessage::multiply, Reduce::min, given.x, given.edge},
      MessageAggregateResult{y});
  expect_exact(y, oracle::message_aggregate(in).y.value, "y");
}

/// Rows stored in 16 bits; epsilon in float32.
class MessageAggregateHalfTest : public MessageAggregateTest {};

WARPGNN_INSTANTIATE_HALF_TESTS(MessageAggregateHalfTest);

TEST_P(MessageAggregateHalfTest, MatchesOracle) {
  Rng rng(dtype());
  Ids degrees(20, 3);
  degrees[4] = kChunkEdges + 90;
  std::size_t turn = 0;
  for (const TestGraph& graph : {random_graph(rng, 30, 30, 110), graph_with_degrees(rng, 20, degrees)}) {
    for (const std::size_t features : {1u, 5u, 8u, 36u}) {
      for (const Place place : kPlaces) {
        ++turn;
        for (std::size_t m = 0; m < 4; ++m) {
          const Message message = kMessages[m];
          const auto reduce = kReduces[(m + turn) % 4];
          const bool epsilon = graph.square() && message != Message::edge;
          const auto in = problem(rng, graph, message, reduce, {features, epsilon, false});
          SCOPED_TRACE(graph.name + " width " + std::to_string(features) + " " + warpgnn::test::name_of(place) + " " +
                       name_of(in));
          check(in, upstream(rng, in), place, false);
        }
      }
    }
  }
}

TEST_P(MessageAggregateHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const TestGraph graph = graph_with_degrees(rng, 40, {3, 2 * kChunkEdges, 0, 17});
  const auto in = problem(rng, graph, Message::relu_add, oracle::Reduce::sum, {12, false, false});
  const Reals dy = upstream(rng, in);
  expect_same_bits(forward(in).y, forward(in).y, "y");
  const Backward gradients = backward(in, dy), again = backward(in, dy);
  expect_same_bits(again.dx, gradients.dx, "dx");
  expect_same_bits(again.dedge, gradients.dedge, "dedge");
}

TEST_P(MessageAggregateHalfTest, RefusesEpsilonInSixteenBits) {
  const Graph graph = upload({2, 2, {0}, {1}});
  const auto x = TestTensor::input(context(), dtype(), {2, 1}, {1, 2});
  const auto edge = TestTensor::input(context(), dtype(), {1, 1}, {3});
  const auto epsilon = TestTensor::input(context(), dtype(), {1}, {0.5});
  const auto y = TestTensor::output(context(), dtype(), {2, 1});
  const MessageAggregateForward op{{.graph = graph, .x = x, .edge = edge, .epsilon = epsilon}, {.y = y}};
  expect_error(ErrorCode::invalid_argument, {"epsilon:", "expected float32", warpgnn::name_of(dtype())},
               [&] { call(context(), message_aggregate_forward, op); });
}

// Node 0 has in-edges from 0 and twice from 1, node 1 none, node 2 a self-loop.
oracle::MessageAggregate small(Message message, oracle::Reduce reduce) {
  return {{3, 3, {0, 1, 1, 2}, {0, 0, 0, 2}}, message, reduce, 1, {1, -2, 3}, {4, 1, 5, -3}, {}};
}

TEST(OracleMessageAggregate, Forward) {
  using ::testing::ElementsAre;
  constexpr auto kSum = oracle::Reduce::sum;
  EXPECT_THAT(oracle::message_aggregate(small(Message::add, kSum)).y.value, ElementsAre(5 - 1 + 3, 0, 0));
  EXPECT_THAT(oracle::message_aggregate(small(Message::multiply, kSum)).y.value, ElementsAre(4 - 2 - 10, 0, -9));
  EXPECT_THAT(oracle::message_aggregate(small(Message::relu_add, kSum)).y.value, ElementsAre(5 + 0 + 3, 0, 0));
  EXPECT_THAT(oracle::message_aggregate(small(Message::edge, oracle::Reduce::mean)).y.value,
              ElementsAre(::testing::DoubleEq(10.0 / 3), 0, -3));
  const auto max = oracle::message_aggregate(small(Message::multiply, oracle::Reduce::max));
  EXPECT_THAT(max.y.value, ElementsAre(4, 0, -9));
  EXPECT_THAT(max.arg, ElementsAre(0, -1, 3));
  auto in = small(Message::relu_add, kSum);
  in.epsilon = 1;
  EXPECT_THAT(oracle::message_aggregate(in).y.value, ElementsAre(8 + 2, -4, 6));
}

TEST(OracleMessageAggregate, Backward) {
  using ::testing::ElementsAre;
  const Reals dy{2, 7, 5};
  const auto product = oracle::message_aggregate_backward(small(Message::multiply, oracle::Reduce::sum), dy);
  EXPECT_THAT(product.dx.value, ElementsAre(8, 2 + 10, -15));
  EXPECT_THAT(product.dedge.value, ElementsAre(2, -4, -4, 15));
  const auto relu = oracle::message_aggregate_backward(small(Message::relu_add, oracle::Reduce::sum), dy);
  EXPECT_THAT(relu.dx.value, ElementsAre(2, 2, 0));  // 3 - 3 = 0 is on the flat side
  EXPECT_THAT(relu.dedge.value, ElementsAre(2, 0, 2, 0));
  const auto max = oracle::message_aggregate_backward(small(Message::add, oracle::Reduce::max), dy);
  EXPECT_THAT(max.dedge.value, ElementsAre(2, 0, 0, 5));
}

}  // namespace
}  // namespace warpgnn::test
