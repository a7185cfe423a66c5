// SPDX-License-Identifier: MIT
// Pools with several heads, gates with a temperature, and the gated sum that they make up.

#include <limits>

#include "tests/ops/pool_fixture.hpp"
#include "tests/oracle/dense.hpp"
#include "tests/support/refusals.hpp"
#include "warpgnn/ops/linear.hpp"

namespace warpgnn::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class PoolHeadsTest : public PoolFixture {};
WARPGNN_INSTANTIATE_OP_TESTS(PoolHeadsTest);

class PoolHeadsDifferencesTest : public PoolHeadsTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(PoolHeadsDifferencesTest);

struct HeadShape {
  std::size_t heads, channels;
};
constexpr HeadShape kHeadShapes[] = {{1, 5}, {2, 1},  {2, 3},  {3, 4},  {4, 32},
                                     {7, 7}, {5, 33}, {8, 16}, {33, 1}, {128, 1}};

constexpr PoolKind kGates[] = {{oracle::PoolReduce::sum, oracle::PoolGate::softmax},
                               {oracle::PoolReduce::mean, oracle::PoolGate::softmax},
                               {oracle::PoolReduce::sum, oracle::PoolGate::sigmoid},
                               {oracle::PoolReduce::mean, oracle::PoolGate::raw}};

oracle::Pool headed_problem(Rng& rng, const Ids& sizes, const PoolKind& kind, const HeadShape& shape) {
  auto in = pool_problem(rng, sizes, kind, shape.heads * shape.channels);
  in.heads = shape.heads;
  if (!in.score.empty()) in.score = rng.reals(static_cast<std::size_t>(in.offset.back()) * shape.heads, -3, 3);
  return in;
}

std::string name_of(const HeadShape& shape) {
  return std::to_string(shape.heads) + " x " + std::to_string(shape.channels);
}

TEST_P(PoolHeadsTest, MatchesOracle) {
  Rng rng;
  std::size_t turn = 0;
  for (const HeadShape& shape : kHeadShapes) {
    for (const PoolKind& kind : kGates) {
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(name_of(shape) + ", " + name_of(kind) + " " + warpgnn::test::name_of(place));
      auto in = headed_problem(rng, {0, 6, 0, 1, 40, 0}, kind, shape);
      if (softmax(in)) in.temperature = turn % 2 == 0 ? 0.25 : 3;
      check(in, pool_upstream(rng, in), place, false);
    }
  }
}

TEST_P(PoolHeadsTest, LongGraphs) {
  Rng rng;
  for (const PoolKind& kind : kGates) {
    for (const HeadShape& shape : {HeadShape{3, 4}, HeadShape{6, 1}}) {
      SCOPED_TRACE(name_of(shape) + ", " + name_of(kind));
      const auto in = headed_problem(rng, {3, 3 * kChunkEdges + 17, 0, kChunkEdges, kChunkEdges + 1}, kind, shape);
      check(in, pool_upstream(rng, in), Place::contiguous, false);
    }
  }
}

/// A pool without a gate sees no heads.
TEST_P(PoolHeadsTest, WithoutAGateHeadsAreFeatures) {
  Rng rng;
  for (const oracle::PoolReduce reduce : {oracle::PoolReduce::sum, oracle::PoolReduce::mean, oracle::PoolReduce::max}) {
    const auto in = headed_problem(rng, {4, 0, 600, 1}, {reduce, oracle::PoolGate::none}, {3, 5});
    check(in, pool_upstream(rng, in), Place::strided, false);
  }
}

TEST_P(PoolHeadsTest, OneHeadIsThePoolWithoutHeads) {
  Rng rng;
  for (const PoolKind& kind : kGates) {
    auto in = headed_problem(rng, {7, 0, 530}, kind, {1, 6});
    const Reals dy = pool_upstream(rng, in);
    const Forward flat = forward(in);
    const Backward flat_gradients = backward(in, dy);
    always_with_heads_ = true;
    expect_same_bits(forward(in).y, flat.y, "y");
    const Backward gradients = backward(in, dy);
    expect_same_bits(gradients.dx, flat_gradients.dx, "dx");
    expect_same_bits(gradients.dscore, flat_gradients.dscore, "dscore");
    always_with_heads_ = false;
  }
}

/// Equal scores in every head make every head the mean of its features.
TEST_P(PoolHeadsTest, ExactForEqualScoresAndPowersOfTwo) {
  Rng rng;
  auto in = headed_problem(rng, {0, 1, 2, 64, 4 * kChunkEdges, 0}, {oracle::PoolReduce::sum, oracle::PoolGate::softmax},
                           {3, 2});
  in.x = rng.integers(in.x.size(), -4, 4);
  in.score.assign(in.score.size(), 1.25);
  in.temperature = 0.5;
  expect_exact(forward(in).y, oracle::pool(in).y.value, "y");
}

TEST_P(PoolHeadsDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  for (const PoolKind& kind : kGates) {
    for (const HeadShape& shape : {HeadShape{2, 3}, HeadShape{5, 1}}) {
      SCOPED_TRACE(name_of(kind) + ", " + name_of(shape));
      auto in = headed_problem(rng, {4, 0, 6, 1}, kind, shape);
      if (softmax(in)) in.temperature = 0.7;
      const Reals dy = pool_upstream(rng, in);
      const Backward gradients = backward(in, dy);
      const auto loss = [&](Reals oracle::Pool::*argument) {
        return [&, argument](const Reals& value) {
          oracle::Pool shifted = in;
          shifted.*argument = value;
          return dot(dy, forward(shifted).y.reals());
        };
      };
      expect_gradient(loss(&oracle::Pool::x), in.x, gradients.dx.reals(), "dx");
      expect_gradient(loss(&oracle::Pool::score), in.score, gradients.dscore.reals(), "dscore");
    }
  }
}

/// Hot gates share evenly, cold ones take the largest score.
TEST_P(PoolHeadsTest, TemperatureGoesFromMeanToMaximum) {
  Rng rng;
  auto in = headed_problem(rng, {8, 0, 5}, {oracle::PoolReduce::sum, oracle::PoolGate::softmax}, {2, 3});
  in.score = rng.distinct(in.score.size());
  in.temperature = 1e30;
  const auto mean = [&] {
    oracle::Pool even = in;
    even.reduce = oracle::PoolReduce::mean;
    even.gate = oracle::PoolGate::none;
    return oracle::pool(even).y;
  };
  expect_close(forward(in).y, mean(), kSumFactor, "hot");
  in.temperature = 1e-5;
  const Reals weight = weights(in).reals();
  for (std::size_t h = 0; h < 2; ++h) {
    std::size_t best = 0;
    for (std::size_t n = 1; n < 8; ++n) best = in.score[n * 2 + h] > in.score[best * 2 + h] ? n : best;
    for (std::size_t n = 0; n < 8; ++n) EXPECT_EQ(weight[n * 2 + h] > 0.99, n == best) << n << " " << h;
  }
  expect_close(forward(in).y, oracle::pool(in).y, kSumFactor, "cold");
}

TEST_P(PoolHeadsTest, MinusInfinityAndNanStayInTheirHead) {
  Rng rng;
  const auto clean =
      headed_problem(rng, {6, 2 * kChunkEdges, 9}, {oracle::PoolReduce::sum, oracle::PoolGate::softmax}, {3, 2});
  const Reals before = forward(clean).y.reals();
  for (const double poison : {std::numeric_limits<double>::quiet_NaN(), kInfinity}) {
    for (const std::size_t victim : {0u, 1u, 2u}) {
      oracle::Pool in = clean;
      in.score[(in.begin(victim) + 4) * 3 + 1] = poison;
      Reals want = before;
      for (std::size_t c = 2; c < 4; ++c) want[victim * 6 + c] = std::numeric_limits<double>::quiet_NaN();
      expect_exact(forward(in).y, want, "y");
    }
  }
  oracle::Pool in = clean;
  in.temperature = 2;
  for (std::size_t n = 0; n < 6; ++n) in.score[n * 3 + 2] = -kInfinity;  // all of head 2 in graph 0
  in.score[10 * 3] = -kInfinity;                                         // one of head 0 in graph 1
  const Reals dy = pool_upstream(rng, in);
  check(in, dy, Place::contiguous, false);
  const Reals y = forward(in).y.reals(), dscore = backward(in, dy).dscore.reals();
  EXPECT_EQ(y[4], 0);
  EXPECT_EQ(y[5], 0);
  EXPECT_EQ(dscore[10 * 3], 0);
  for (std::size_t n = 0; n < 6; ++n) EXPECT_EQ(dscore[n * 3 + 2], 0);
}

/// sum over nodes of sigmoid(W1 x) * (W2 x), from ops that are there: every feature is a head of one channel.
TEST_P(PoolHeadsTest, GatedSum) {
  Rng rng;
  const std::size_t in_width = 6, width = 5, count = 12;
  const Reals x = rng.reals(count * in_width), gate_weight = rng.reals(width * in_width),
              value_weight = rng.reals(width * in_width);
  const Reals score = oracle::linear(x, gate_weight, {}, count, in_width, width).value,
              value = oracle::linear(x, value_weight, {}, count, in_width, width).value;
  const Ids offset = offsets_of({5, 0, 7});
  oracle::Sums want(3 * width);
  for (std::size_t g = 0; g < 3; ++g) {
    for (auto n = static_cast<std::size_t>(offset[g]); n < static_cast<std::size_t>(offset[g + 1]); ++n) {
      for (std::size_t f = 0; f < width; ++f) {
        want.add(g * width + f, value[n * width + f] / (1 + std::exp(-score[n * width + f])), in_width * 1.0);
      }
    }
  }
  const auto nodes = static_cast<std::int64_t>(count), features = static_cast<std::int64_t>(width),
             inputs = static_cast<std::int64_t>(in_width);
  const auto x_in = input({nodes, inputs}, x, Place::contiguous),
             w1 = input({features, inputs}, gate_weight, Place::contiguous),
             w2 = input({features, inputs}, value_weight, Place::contiguous);
  const auto gates = output({nodes, features}, Place::contiguous),
             values = output({nodes, features}, Place::contiguous), y = output({3, features}, Place::contiguous);
  const Graph graph = TestGraph{"", {nodes, nodes, {}, {}}, offset}.upload(context());
  run(context(), linear_forward, Linear{x_in, w1}, LinearResult{gates});
  run(context(), linear_forward, Linear{x_in, w2}, LinearResult{values});
  run(context(), pool_forward,
      Pool{
          .graph = graph, .gate = PoolGate::sigmoid, .x = reshape(values.view(), {nodes, features, 1}), .score = gates},
      PoolResult{.y = reshape(y.view(), {3, features, 1})});
  expect_close(y, want, kSumFactor, "y");
}

TEST_P(PoolHeadsTest, RefusesWrongArguments) {
  using Op = PoolForward;
  Rng rng;
  const auto in = headed_problem(rng, {3, 4}, {oracle::PoolReduce::sum, oracle::PoolGate::softmax}, {2, 3});
  const Graph graph = upload(in);
  const auto x = input({7, 2, 3}, in.x, Place::contiguous), scores = input({7, 2}, in.score, Place::contiguous);
  const auto y = output({2, 2, 3}, Place::contiguous), maximum = output({2, 2}, Place::contiguous),
             sum = output({2, 2}, Place::contiguous);
  const Refusals<Op> refuse(context(), pool_forward,
                            {{graph, PoolReduce::sum, PoolGate::softmax, 0.5, x, scores}, {y, maximum, sum}},
                            {&y, &maximum, &sum});
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse.argument("score", &Op::score);
  refuse.argument("y", &Op::y);
  refuse.argument("maximum", &Op::maximum);
  refuse.argument("sum", &Op::sum);
  const double bad_temperatures[] = {0, -1, kInfinity, std::numeric_limits<double>::quiet_NaN(), 1e-31};
  for (const double bad : bad_temperatures) refuse.mistake({"temperature:"}, [=](Op& op) { op.temperature = bad; });
  refuse.mistake({"temperature:", "0.5"}, [](Op& op) { op.gate = PoolGate::sigmoid; });
  refuse.accepted();
}

TEST_P(PoolHeadsTest, BackwardAndWeightsRefuseWrongArguments) {
  Rng rng;
  const auto in = headed_problem(rng, {3, 4}, {oracle::PoolReduce::sum, oracle::PoolGate::softmax}, {2, 3});
  const Graph graph = upload(in);
  const auto x = input({7, 2, 3}, in.x, Place::contiguous), scores = input({7, 2}, in.score, Place::contiguous),
             y = input({2, 2, 3}, rng.reals(12), Place::contiguous),
             maximum = input({2, 2}, rng.reals(4), Place::contiguous),
             sum = input({2, 2}, rng.reals(4), Place::contiguous),
             dy = input({2, 2, 3}, rng.reals(12), Place::contiguous);
  {
    using Op = PoolBackward;
    const auto dx = output({7, 2, 3}, Place::contiguous), dscore = output({7, 2}, Place::contiguous);
    const Refusals<Op> refuse(
        context(), pool_backward,
        {{graph, PoolReduce::sum, PoolGate::softmax, 2, x, scores}, {y, maximum, sum}, {dy, dx, dscore}},
        {&dx, &dscore});
    refuse.argument("x", &Op::x);
    refuse.argument("score", &Op::score);
    refuse.argument("y", &Op::y);
    refuse.argument("maximum", &Op::maximum);
    refuse.argument("sum", &Op::sum);
    refuse.argument("dy", &Op::dy, Presence::required, Blame::any);
    refuse.argument("dx", &Op::dx, Presence::optional);
    refuse.argument("dscore", &Op::dscore, Presence::optional);
    refuse.mistake({"temperature:"}, [](Op& op) { op.temperature = 0; });
    refuse.accepted();
  }
  using Op = PoolWeightsArgs;
  const auto weight = output({7, 2}, Place::contiguous);
  const Refusals<Op> refuse(context(), pool_weights,
                            {{.graph = graph, .gate = PoolGate::softmax, .temperature = 2, .score = scores},
                             {.maximum = maximum, .sum = sum},
                             {weight}},
                            {&weight});
  refuse.argument("score", &Op::score, Presence::required, Blame::any);
  refuse.argument("maximum", &Op::maximum);
  refuse.argument("sum", &Op::sum);
  refuse.argument("weight", &Op::weight);
  refuse.mistake({"temperature:"}, [](Op& op) { op.temperature = -2; });
  refuse.accepted();
}

/// Rows stored in 16 bits; scores and their statistics in float32.
class PoolHalfTest : public PoolFixture {};
WARPGNN_INSTANTIATE_HALF_TESTS(PoolHalfTest);

TEST_P(PoolHalfTest, MatchesOracle) {
  Rng rng(dtype());
  std::size_t turn = 0;
  for (const HeadShape& shape : {HeadShape{1, 1}, {1, 5}, {1, 8}, {1, 36}, {3, 4}, {2, 5}, {12, 1}, {7, 1}}) {
    for (const PoolKind& kind : kPoolKinds) {
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(name_of(shape) + ", " + name_of(kind) + " " + warpgnn::test::name_of(place));
      auto in = headed_problem(rng, {6, 0, kChunkEdges + 90, 1}, kind, shape);
      if (softmax(in)) in.temperature = turn % 2 == 0 ? 0.5 : 3;
      check(in, pool_upstream(rng, in), place, false);
    }
  }
}

TEST_P(PoolHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  for (const PoolKind& kind : kGates) {
    const auto in = headed_problem(rng, {3, 3 * kChunkEdges + 17, 0}, kind, {2, 4});
    const Reals dy = pool_upstream(rng, in);
    expect_same_bits(forward(in).y, forward(in).y, "y");
    const Backward first = backward(in, dy), second = backward(in, dy);
    expect_same_bits(second.dx, first.dx, "dx");
    expect_same_bits(second.dscore, first.dscore, "dscore");
  }
}

TEST_P(PoolHalfTest, RefusesScoresInSixteenBits) {
  Rng rng(dtype());
  const auto in = headed_problem(rng, {3, 4}, kGates[0], {2, 3});
  const auto x = input({7, 2, 3}, in.x, Place::contiguous), scores = input({7, 2}, in.score, Place::contiguous);
  const auto y = output({2, 2, 3}, Place::contiguous), maximum = score_output({2, 2}, Place::contiguous),
             sum = score_output({2, 2}, Place::contiguous);
  const PoolForward op{{upload(in), PoolReduce::sum, PoolGate::softmax, 1, x, scores}, {y, maximum, sum}};
  expect_error(ErrorCode::invalid_argument, {"score:", "expected float32", warpgnn::name_of(dtype())},
               [&] { call(context(), pool_forward, op); });
}

}  // namespace
}  // namespace warpgnn::test
