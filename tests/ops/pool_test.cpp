// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>

#include "tests/ops/pool_fixture.hpp"

namespace warpgnn::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class PoolTest : public PoolFixture {};
WARPGNN_INSTANTIATE_OP_TESTS(PoolTest);

class PoolDifferencesTest : public PoolTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(PoolDifferencesTest);

/// Empty graphs in front, in the middle and last, and graphs around the length of a chunk.
const Ids kSizes{0, 5, 1, 0, 3 * kChunkEdges + 17, 2, kChunkEdges, kChunkEdges + 1, 30, 0};

TEST_P(PoolTest, MatchesOracle) {
  Rng rng;
  std::size_t turn = 0;
  for (const Ids& sizes : {kSizes, Ids{7}, Ids{0}, Ids{0, 0, 0}, Ids{1, 1, 1}, Ids{}}) {
    for (const PoolKind& kind : kPoolKinds) {
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(std::to_string(sizes.size()) + " graphs, " + name_of(kind) + " " + warpgnn::test::name_of(place));
      const auto in = pool_problem(rng, sizes, kind, 5);
      check(in, pool_upstream(rng, in), place, false);
    }
  }
}

TEST_P(PoolTest, EveryWidthAndLayout) {
  Rng rng;
  for (const std::size_t features : {1u, 2u, 3u, 4u, 7u, 31u, 32u, 33u, 64u, 127u, 128u, 256u, 300u}) {
    for (const Place place : kPlaces) {
      for (const PoolKind& kind : kPoolKinds) {
        SCOPED_TRACE(std::to_string(features) + " " + name_of(kind) + " " + warpgnn::test::name_of(place));
        const auto in = pool_problem(rng, {6, 0, 40}, kind, features);
        check(in, pool_upstream(rng, in), place, false);
      }
    }
  }
}

TEST_P(PoolTest, ExactForIntegers) {
  Rng rng;
  for (const PoolKind& kind : kPoolKinds) {
    const bool rounds = kind.gate == oracle::PoolGate::softmax || kind.gate == oracle::PoolGate::sigmoid;
    if (rounds) continue;
    SCOPED_TRACE(name_of(kind));
    const bool mean = kind.reduce == oracle::PoolReduce::mean;
    const auto in = pool_problem(rng, mean ? Ids{0, 1, 2, 64, kChunkEdges, 4 * kChunkEdges} : kSizes, kind, 6, true);
    check(in, pool_upstream(rng, in, true), Place::strided, true);
  }
}

TEST_P(PoolTest, ExactForEqualScoresAndPowersOfTwo) {
  Rng rng;
  auto in = pool_problem(rng, {0, 1, 2, 64, kChunkEdges, 4 * kChunkEdges, 0},
                         {oracle::PoolReduce::sum, oracle::PoolGate::softmax}, 5, true);
  in.score.assign(in.score.size(), 1.25);
  expect_exact(forward(in).y, oracle::pool(in).y.value, "y");
}

TEST_P(PoolTest, GraphOfManyNodes) {
  Rng rng;
  const double factor = hub_factor(dtype());
  for (const PoolKind& kind : kPoolKinds) {
    SCOPED_TRACE(name_of(kind));
    auto in = pool_problem(rng, {3, hub_edges(context()) / 5, 2}, kind, 2);
    in.x = rng.reals(in.x.size(), 0.5, 1.5);
    check(in, rng.reals(6, 0.5, 1.5), Place::contiguous, false, 2 * factor);
    expect_close(forward(in).y, oracle::pool(in).y, factor, "y");
  }
}

TEST_P(PoolDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  for (const PoolKind& kind : kPoolKinds) {
    SCOPED_TRACE(name_of(kind));
    auto in = pool_problem(rng, {4, 0, 6, 1}, kind, 3);
    in.x = rng.distinct(in.x.size());
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
    if (gated(in)) expect_gradient(loss(&oracle::Pool::score), in.score, gradients.dscore.reals(), "dscore");
  }
}

TEST_P(PoolTest, EachGradientAloneIsTheSame) {
  Rng rng;
  const auto in = pool_problem(rng, {9, 0, 20}, {oracle::PoolReduce::mean, oracle::PoolGate::softmax}, 7);
  const Reals dy = pool_upstream(rng, in);
  const Backward both = backward(in, dy);
  const auto saved = oracle::pool(in);
  const auto x = input({29, 7}, in.x, Place::contiguous), scores = input({29}, in.score, Place::contiguous);
  const auto y = input({3, 7}, saved.y.value, Place::contiguous),
             maximum = input({3}, saved.softmax.maximum, Place::contiguous),
             sum = input({3}, saved.softmax.sum.value, Place::contiguous);
  const auto upstream_gradient = input({3, 7}, dy, Place::contiguous);
  const auto dx = output({29, 7}, Place::contiguous), dscore = output({29}, Place::contiguous);
  run(context(), pool_backward, Pool{upload(in), PoolReduce::mean, PoolGate::softmax, 1, {}, scores},
      PoolResult{{}, maximum, sum}, PoolGradients{upstream_gradient, dx});
  expect_same_bits(dx, both.dx, "dx");
  PoolBackward op{
      {upload(in), PoolReduce::mean, PoolGate::softmax, 1, x, scores}, {y, maximum, sum}, {upstream_gradient}};
  op.dscore = dscore;
  run(context(), pool_backward, op);
  expect_same_bits(dscore, both.dscore, "dscore");
}

TEST_P(PoolTest, MaxKeepsTheFirstOfEqualsNanAndInfinities) {
  const oracle::Pool in{offsets_of({3, 2, 3, 1, 0}),
                        oracle::PoolReduce::max,
                        oracle::PoolGate::none,
                        1,
                        {2, 5, 5, -kInfinity, -kInfinity, 1, kNan, kNan, kInfinity},
                        {}};
  const Forward got = forward(in);
  expect_exact(got.y, {5, -kInfinity, kNan, kInfinity, 0}, "y");
  expect_ids(got.arg, {1, 3, 6, 8, -1}, "arg");
  expect_exact(backward(in, {1, 2, 3, 4, 5}).dx, {0, 1, 0, 2, 0, 0, 3, 0, 4}, "dx");
}

TEST_P(PoolTest, MaxWithoutArg) {
  Rng rng;
  for (const std::size_t features : {1u, 7u, 33u}) {
    auto in = pool_problem(rng, kSizes, {oracle::PoolReduce::max, oracle::PoolGate::none}, features, true);
    in.x[in.x.size() / 2] = kNan;
    const auto x = input({nodes(in), width(in)}, in.x, Place::misaligned);
    const auto y = output({graphs(in), width(in)}, Place::misaligned);
    run(context(), pool_forward, Pool{upload(in), PoolReduce::max, PoolGate::none, 1, x}, PoolResult{y});
    expect_exact(y, oracle::pool(in).y.value, "y");
  }
}

TEST_P(PoolTest, ScoresOfMinusInfinity) {
  Rng rng;
  for (const oracle::PoolReduce reduce : {oracle::PoolReduce::sum, oracle::PoolReduce::mean}) {
    auto in = pool_problem(rng, {4, 3, 2 * kChunkEdges + 9, kChunkEdges + 1}, {reduce, oracle::PoolGate::softmax}, 3);
    for (std::size_t n = 0; n < 4; ++n) in.score[n] = -kInfinity;  // all of graph 0
    in.score[5] = -kInfinity;                                      // one of graph 1
    for (std::size_t n = 7; n < in.end(2) - 8; ++n) in.score[n] = -kInfinity;
    const Reals dy = pool_upstream(rng, in);
    check(in, dy, Place::contiguous, false);
    const Reals y = forward(in).y.reals(), weight = weights(in).reals(), dscore = backward(in, dy).dscore.reals();
    EXPECT_EQ(Reals(y.begin(), y.begin() + 3), Reals(3, 0.0));
    for (const std::size_t n : {0u, 3u, 5u, 7u}) {
      EXPECT_EQ(weight[n], 0.0);
      EXPECT_EQ(dscore[n], 0.0);
    }
  }
}

TEST_P(PoolTest, NanAndInfinitySpoilTheirOwnGraphOnly) {
  Rng rng;
  const auto clean =
      pool_problem(rng, {6, 2 * kChunkEdges, 0, 9}, {oracle::PoolReduce::sum, oracle::PoolGate::softmax}, 3);
  const Forward before = forward(clean);
  for (const double poison : {kNan, kInfinity}) {
    for (const std::size_t victim : {0u, 1u, 3u}) {
      oracle::Pool in = clean;
      in.score[in.begin(victim) + 4] = poison;
      Reals y = before.y.reals(), sum = before.sum.reals();
      sum[victim] = kNan;
      for (std::size_t f = 0; f < 3; ++f) y[victim * 3 + f] = kNan;
      const Forward got = forward(in);
      expect_exact(got.y, y, "y");
      expect_exact(got.sum, sum, "sum");
    }
  }
}

TEST_P(PoolTest, LargeAndDistantScores) {
  Rng rng;
  auto in = pool_problem(rng, {20, 30, 3}, {oracle::PoolReduce::sum, oracle::PoolGate::softmax}, 3);
  for (std::size_t n = 0; n < 50; ++n) {
    in.score[n] = (n < 20 ? 1e4 : -1e4) + static_cast<double>(rng.below(512)) / 256;
  }
  const double far = dtype() == Dtype::float32 ? 105 : 800;
  in.score[50] = 0;
  in.score[51] = far;
  in.score[52] = -far;
  const auto want = oracle::pool(in);
  const Forward got = forward(in);
  expect_close(got.y, want.y, kSumFactor, "y");
  expect_exact(got.maximum, want.softmax.maximum, "maximum");
  expect_close(got.sum, want.softmax.sum, kSumFactor, "sum");
  expect_relative(weights(in), want.weight, kSumFactor, "weight");
  const Reals dy = pool_upstream(rng, in);
  expect_close(backward(in, dy).dscore, oracle::pool_backward(in, dy).dscore, kSumFactor, "dscore");
  const Reals y = got.y.reals();
  EXPECT_EQ(Reals(y.begin() + 6, y.end()), Reals(in.x.begin() + 51 * 3, in.x.begin() + 52 * 3));
}

// What tells scores apart is their difference, however large they are and however cold the gate.
TEST_P(PoolTest, SoftmaxWeightsHangOnDifferencesAlone) {
  oracle::Pool in{{0, 4}, oracle::PoolReduce::sum, oracle::PoolGate::softmax, 1, {1, 2, 3, 4}, {}};
  const double largest = dtype() == Dtype::float32 ? 1e37 : 1e300;
  for (const double all : {1e7, 1e9, -1e9, largest, -largest}) {
    SCOPED_TRACE(all);
    in.score.assign(4, all);
    expect_exact(weights(in), {0.25, 0.25, 0.25, 0.25}, "weight");
    expect_exact(forward(in).y, {2.5}, "y");
    expect_exact(backward(in, {1}).dx, {0.25, 0.25, 0.25, 0.25}, "dx");
    expect_close(backward(in, {1}).dscore, oracle::pool_backward(in, {1}).dscore, kSumFactor, "dscore");
  }
  in.score = {0.3, 0.7, 0.1, 0.7};
  for (const double temperature : {1e-7, 1e-12, 1e-30}) {
    SCOPED_TRACE(temperature);
    in.temperature = temperature;
    expect_exact(weights(in), {0, 0.5, 0, 0.5}, "weight");
    expect_exact(forward(in).y, {3}, "y");
    expect_exact(backward(in, {1}).dx, {0, 0.5, 0, 0.5}, "dx");
  }
}

TEST_P(PoolTest, ExtremeSigmoidScores) {
  oracle::Pool in{{0, 4},
                  oracle::PoolReduce::sum,
                  oracle::PoolGate::sigmoid,
                  1,
                  {1, 2, 4, 8},
                  {1000, -1000, kInfinity, -kInfinity}};
  expect_exact(forward(in).y, {5}, "y");
  expect_exact(weights(in), {1, 0, 1, 0}, "weight");
  expect_exact(backward(in, {1}).dscore, {0, 0, 0, 0}, "dscore");
}

TEST_P(PoolTest, BatchIsItsGraphsOneByOne) {
  Rng rng;
  for (const PoolKind& kind : kPoolKinds) {
    const auto in = pool_problem(rng, {3, 0, 12, 1}, kind, 4);
    oracle::Sums want = oracle::pool(in).y;
    want.value.clear();
    for (std::size_t g = 0; g < in.graphs(); ++g) {
      const auto rows = [&](const Reals& all, std::int64_t stride) {
        return all.empty() ? Reals()
                           : Reals(all.begin() + in.offset[g] * stride, all.begin() + in.offset[g + 1] * stride);
      };
      const oracle::Pool own{
          {0, in.offset[g + 1] - in.offset[g]}, in.reduce, in.gate, 4, rows(in.x, 4), rows(in.score, 1)};
      const Reals y = forward(own).y.reals();
      want.value.insert(want.value.end(), y.begin(), y.end());
    }
    expect_close(forward(in).y, want, kSumFactor, "y");
  }
}

TEST_P(PoolTest, RerunsAreBitIdentical) {
  Rng rng;
  for (const PoolKind& kind : kPoolKinds) {
    SCOPED_TRACE(name_of(kind));
    const auto in = pool_problem(rng, kSizes, kind, 9);
    const Reals dy = pool_upstream(rng, in);
    expect_same_bits(forward(in).y, forward(in).y, "y");
    const Backward first = backward(in, dy), second = backward(in, dy);
    expect_same_bits(second.dx, first.dx, "dx");
    if (gated(in)) expect_same_bits(second.dscore, first.dscore, "dscore");
  }
}

}  // namespace
}  // namespace warpgnn::test
