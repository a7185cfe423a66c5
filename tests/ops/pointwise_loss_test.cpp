// SPDX-License-Identifier: MIT
#include "warpgnn/ops/pointwise_loss.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/oracle/dense.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;
using Kind = PointwiseLossKind;

constexpr double kDelta = 0.75;
constexpr Kind kKinds[]{Kind::squared, Kind::absolute, Kind::huber, Kind::binary_cross_entropy};

std::function<oracle::Pointwise(double, double)> oracle_of(Kind kind) {
  switch (kind) {
    case Kind::squared: return oracle::squared_loss;
    case Kind::absolute: return oracle::absolute_loss;
    case Kind::binary_cross_entropy: return oracle::binary_cross_entropy;
    case Kind::huber: break;
  }
  return [](double x, double t) { return oracle::huber_loss(x, t, kDelta); };
}

class PointwiseLossTest : public OpTest {
 protected:
  struct Got {
    TestTensor loss, total_weight, dprediction;
  };
  struct Problem {
    Kind kind;
    Shape shape;
    Reals prediction, target, weight;
  };

  Got run_both(const Problem& problem, Place place = Place::contiguous) const {
    const auto made = [&](const Reals& values) {
      return TestTensor::input(context(), dtype(), problem.shape, values, place);
    };
    const auto prediction = made(problem.prediction), target = made(problem.target);
    const auto weight = problem.weight.empty() ? TestTensor() : made(problem.weight);
    Got got{TestTensor::output(context(), dtype(), {1}), TestTensor::output(context(), dtype(), {1}),
            TestTensor::output(context(), dtype(), problem.shape, place)};
    const PointwiseLoss op{
        .kind = problem.kind, .delta = kDelta, .prediction = prediction, .target = target, .weight = weight};
    const PointwiseLossResult result{.loss = got.loss, .total_weight = got.total_weight};
    run(context(), pointwise_loss_forward, op, result);
    run(context(), pointwise_loss_backward, op, result, PointwiseLossGradients{got.dprediction});
    return got;
  }

  void check(const Problem& problem, Place place) const {
    const auto want =
        oracle::pointwise_mean(problem.prediction, problem.target, problem.weight, oracle_of(problem.kind));
    const Got got = run_both(problem, place);
    const bool is_long = problem.prediction.size() > 1000;  // the oracle adds up in order
    expect_relative(got.loss, {want.loss}, is_long ? hub_factor(dtype()) : 16, "loss", 0.1);
    expect_relative(got.total_weight, {want.total_weight}, is_long ? hub_factor(dtype()) : 4, "total_weight");
    expect_relative(got.dprediction, want.dprediction, 16, "dprediction", 1.0 / std::max(1.0, want.total_weight));
  }

  Problem random(Rng& rng, Kind kind, std::int64_t rows, std::int64_t columns, bool weighted) const {
    const auto count = static_cast<std::size_t>(rows * columns);
    Problem problem{kind, {rows, columns}, rng.reals(count, -3, 3), rng.reals(count, 0, 1), {}};
    if (!weighted) return problem;
    problem.weight = rng.reals(count, 0.25, 2);
    for (std::size_t k = 0; k < count; k += 3) problem.weight[k] = 0;
    return problem;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(PointwiseLossTest);

class PointwiseLossDifferencesTest : public PointwiseLossTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(PointwiseLossDifferencesTest);

TEST_P(PointwiseLossTest, EverySizeAndLayout) {
  Rng rng;
  for (const Kind kind : kKinds) {
    for (const std::int64_t rows : {1, 2, 33, 1000}) {
      for (const std::int64_t columns : {1, 3, 12, 33}) {
        for (const Place place : kPlaces) {
          SCOPED_TRACE(std::to_string(static_cast<int>(kind)) + ": " + std::to_string(rows) + " x " +
                       std::to_string(columns) + " " + name_of(place));
          check(random(rng, kind, rows, columns, place != Place::contiguous), place);
        }
      }
    }
  }
}

TEST_P(PointwiseLossTest, WhatHasNoWeightIsNotThere) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const Kind kind : kKinds) {
    const Problem problem{kind, {2, 2}, {0.5, nan, 1, infinity}, {nan, 0, 0.25, 1}, {0, 0, 2, 0}};
    const Got got = run_both(problem);
    const auto want = oracle_of(kind)(1, 0.25);
    expect_relative(got.loss, {want.loss}, 8, "loss");
    expect_exact(got.total_weight, {2}, "total_weight");
    expect_relative(got.dprediction, {0, 0, want.derivative, 0}, 8, "dprediction");
    EXPECT_TRUE(std::isnan(run_both({kind, {1, 2}, {0.5, 1}, {nan, 1}, {}}).loss.reals()[0]));
  }
}

TEST_P(PointwiseLossTest, NothingThatCounts) {
  for (const Kind kind : kKinds) {
    const Got none = run_both({kind, {2, 1}, {1, 2}, {0, 0}, {0, 0}});
    expect_exact(none.loss, {0}, "loss");
    expect_exact(none.total_weight, {0}, "total_weight");
    expect_exact(none.dprediction, {0, 0}, "dprediction");
    expect_exact(run_both({kind, {0, 3}, {}, {}, {}}).loss, {0}, "loss");
    expect_exact(run_both({kind, {3, 0}, {}, {}, {}}).loss, {0}, "loss");
  }
}

TEST_P(PointwiseLossTest, LogitsThatAreFarOut) {
  const double far = dtype() == Dtype::float32 ? 110 : 800;
  for (const double target : {0.0, 1.0, 0.25}) {
    const Problem problem{Kind::binary_cross_entropy, {4, 1}, {far, -far, 1e6, -1e6}, Reals(4, target), {}};
    const Got got = run_both(problem);
    const auto loss_of = [&](double x) { return (x > 0 ? x : 0) - x * target; };
    expect_relative(got.loss, {(loss_of(far) + loss_of(-far) + loss_of(1e6) + loss_of(-1e6)) / 4}, 8, "loss");
    expect_relative(got.dprediction, {(1 - target) / 4, -target / 4, (1 - target) / 4, -target / 4}, 8, "dprediction");
  }
  // The tail keeps its digits: log(1 + exp(-30)).
  const Got tail = run_both({Kind::binary_cross_entropy, {1, 1}, {30}, {1}, {}});
  expect_relative(tail.loss, {std::log1p(std::exp(-30.0))}, 16, "loss", 0);
}

TEST_P(PointwiseLossTest, WhereDerivativesJump) {
  expect_exact(run_both({Kind::absolute, {4, 1}, {1, 1, 1, 1}, {1, 0, 2, 1}, {}}).dprediction, {0, 0.25, -0.25, 0},
               "dprediction");
  expect_exact(run_both({Kind::huber, {2, 1}, {kDelta, -2}, {0, 0}, {}}).dprediction, {kDelta / 2, -kDelta / 2},
               "dprediction");
}

TEST_P(PointwiseLossTest, ManyRows) {
  Rng rng;
  const Problem problem = random(rng, Kind::squared, 100000, 2, true);
  const auto want = oracle::pointwise_mean(problem.prediction, problem.target, problem.weight, oracle::squared_loss);
  expect_relative(run_both(problem).loss, {want.loss}, hub_factor(dtype()), "loss");
}

TEST_P(PointwiseLossTest, RerunsAreBitIdentical) {
  Rng rng;
  const Problem problem = random(rng, Kind::binary_cross_entropy, 7000, 3, true);
  const Got first = run_both(problem), second = run_both(problem);
  expect_same_bits(second.loss, first.loss, "loss");
  expect_same_bits(second.dprediction, first.dprediction, "dprediction");
}

TEST_P(PointwiseLossDifferencesTest, GradientAgreesWithDifferences) {
  Rng rng;
  for (const Kind kind : kKinds) {
    Problem problem = random(rng, kind, 5, 4, true);
    const Reals gradient = run_both(problem).dprediction.reals();
    const auto loss = [&](const Reals& prediction) {
      problem.prediction = prediction;
      return run_both(problem).loss.reals()[0];
    };
    expect_gradient(loss, Reals(problem.prediction), gradient, "dprediction");
  }
}

}  // namespace
}  // namespace warpgnn::test
