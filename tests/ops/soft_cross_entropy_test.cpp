// SPDX-License-Identifier: MIT
#include "warpgnn/ops/soft_cross_entropy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/oracle/dense.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/ops/loss.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class SoftCrossEntropyTest : public OpTest {
 protected:
  struct Got {
    TestTensor loss, total_weight, maximum, sum, row_weight, dlogits;
  };
  struct Problem {
    Shape shape;
    Reals logits, target;
  };

  Got run_both(const Problem& problem, Place place = Place::contiguous) const {
    const auto logits = TestTensor::input(context(), dtype(), problem.shape, problem.logits, place);
    const auto target = TestTensor::input(context(), dtype(), problem.shape, problem.target, place);
    const std::int64_t rows = problem.shape[0];
    const auto made = [&](const Shape& shape, Place where) {
      return TestTensor::output(context(), dtype(), shape, where);
    };
    Got got{made({1}, Place::contiguous), made({1}, Place::contiguous), made({rows}, place),
            made({rows}, place),          made({rows}, place),          made(problem.shape, place)};
    const SoftCrossEntropy op{.logits = logits, .target = target};
    const SoftCrossEntropyResult result{.loss = got.loss,
                                        .total_weight = got.total_weight,
                                        .maximum = got.maximum,
                                        .sum = got.sum,
                                        .row_weight = got.row_weight};
    run(context(), soft_cross_entropy_forward, op, result);
    run(context(), soft_cross_entropy_backward, op, result, SoftCrossEntropyGradients{got.dlogits});
    return got;
  }

  void check(const Problem& problem, Place place) const {
    const auto want =
        oracle::soft_cross_entropy(problem.logits, problem.target, static_cast<std::size_t>(problem.shape[1]));
    const Got got = run_both(problem, place);
    const bool is_long = problem.logits.size() > 1000;  // the oracle adds up in order
    const double factor = is_long ? hub_factor(dtype()) : 16;
    expect_relative(got.loss, {want.loss}, factor, "loss", 1.0);
    expect_relative(got.total_weight, {want.total_weight}, factor, "total_weight", 1.0);
    expect_exact(got.maximum, want.maximum, "maximum");
    expect_relative(got.sum, want.sum, kSumFactor, "sum");
    expect_relative(got.row_weight, want.row_weight, kSumFactor, "row_weight", 1.0);
    expect_relative(got.dlogits, want.dlogits, kSumFactor, "dlogits", 1.0 / std::max(1.0, want.total_weight));
  }

  /// Most targets are 0, and so is every row in five.
  Problem random(Rng& rng, std::int64_t rows, std::int64_t classes) const {
    const auto count = static_cast<std::size_t>(rows * classes);
    Problem problem{{rows, classes}, exact(rng.reals(count, -4, 4)), rng.reals(count, 0, 2)};
    for (std::size_t k = 0; k < count; ++k) {
      if (k % 3 != 0 || (k / static_cast<std::size_t>(classes)) % 5 == 4) problem.target[k] = 0;
    }
    return problem;
  }

 private:
  /// As the dtype holds them, for a maximum is one of them.
  Reals exact(Reals values) const {
    if (dtype() == Dtype::float32) {
      for (double& value : values) value = static_cast<double>(static_cast<float>(value));
    }
    return values;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(SoftCrossEntropyTest);

class SoftCrossEntropyDifferencesTest : public SoftCrossEntropyTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(SoftCrossEntropyDifferencesTest);

TEST_P(SoftCrossEntropyTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::int64_t rows : {1, 2, 33, 300}) {
    for (const std::int64_t classes : {1, 3, 12, 33, 700}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(classes) + " " + name_of(place));
        check(random(rng, rows, classes), place);
      }
    }
  }
}

TEST_P(SoftCrossEntropyTest, ManyRows) {
  Rng rng;
  check(random(rng, 20000, 2), Place::contiguous);
}

TEST_P(SoftCrossEntropyTest, OneTargetIsALabel) {
  Rng rng;
  Problem problem = random(rng, 7, 5);
  oracle::Ids label;
  problem.target.assign(35, 0);
  for (std::size_t row = 0; row < 7; ++row) {
    label.push_back(static_cast<std::int64_t>(row % 5));
    problem.target[row * 5 + row % 5] = 1;
  }
  const Got got = run_both(problem);
  expect_relative(got.loss, {oracle::cross_entropy(problem.logits, label, 5).loss}, 16, "loss");
  expect_relative(got.dlogits, oracle::cross_entropy_backward(problem.logits, label, 5), 16, "dlogits", 1.0 / 7);
}

TEST_P(SoftCrossEntropyTest, NothingThatCounts) {
  const Got none = run_both({{2, 2}, {1, kNan, 3, kInfinity}, {0, 0, 0, 0}});
  expect_exact(none.loss, {0}, "loss");
  expect_exact(none.total_weight, {0}, "total_weight");
  expect_exact(none.dlogits, {0, 0, 0, 0}, "dlogits");
  expect_exact(run_both({{0, 3}, {}, {}}).loss, {0}, "loss");
}

TEST_P(SoftCrossEntropyTest, AClassThatIsRuledOut) {
  const Got got = run_both({{1, 3}, {-kInfinity, 2, 2}, {0, 1, 0}});
  expect_relative(got.loss, {std::log(2.0)}, 8, "loss");
  expect_relative(got.dlogits, {0, -0.5, 0.5}, 8, "dlogits");
  EXPECT_EQ(run_both({{1, 2}, {-kInfinity, 2}, {1, 0}}).loss.reals()[0], kInfinity);
}

TEST_P(SoftCrossEntropyTest, LogitsThatAreFarOut) {
  const Got got = run_both({{2, 2}, {1e6, -1e6, 1e4 + 2, 1e4}, {0, 1, 1, 1}});
  const double tail = std::log1p(std::exp(-2.0));
  expect_relative(got.loss, {(2e6 + 2 * tail + 2) / 3}, 8, "loss");
  const double chance = 1 / (1 + std::exp(-2.0));
  expect_relative(got.dlogits, {1.0 / 3, -1.0 / 3, (2 * chance - 1) / 3, (1 - 2 * chance) / 3}, 16, "dlogits", 0.1);
}

TEST_P(SoftCrossEntropyTest, NanIsNotLost) {
  EXPECT_TRUE(std::isnan(run_both({{1, 2}, {kNan, 1}, {0, 1}}).loss.reals()[0]));
  EXPECT_TRUE(std::isnan(run_both({{1, 2}, {2, 1}, {kNan, 1}}).loss.reals()[0]));
}

TEST_P(SoftCrossEntropyTest, GradientInPlaceOfTheLogits) {
  Rng rng;
  const Problem problem = random(rng, 9, 40);
  const Got apart = run_both(problem);
  auto both = TestTensor::inout(context(), dtype(), problem.shape, problem.logits);
  const auto target = TestTensor::input(context(), dtype(), problem.shape, problem.target);
  run(context(), soft_cross_entropy_backward, SoftCrossEntropy{.logits = both, .target = target},
      SoftCrossEntropyResult{.total_weight = apart.total_weight,
                             .maximum = apart.maximum,
                             .sum = apart.sum,
                             .row_weight = apart.row_weight},
      SoftCrossEntropyGradients{both});
  expect_same_bits(both, apart.dlogits, "dlogits");
}

TEST_P(SoftCrossEntropyTest, RerunsAreBitIdentical) {
  Rng rng;
  const Problem problem = random(rng, 700, 30);
  const Got first = run_both(problem), second = run_both(problem);
  expect_same_bits(second.loss, first.loss, "loss");
  expect_same_bits(second.dlogits, first.dlogits, "dlogits");
}

TEST_P(SoftCrossEntropyDifferencesTest, GradientAgreesWithDifferences) {
  Rng rng;
  Problem problem = random(rng, 6, 5);
  const Reals gradient = run_both(problem).dlogits.reals();
  const auto loss = [&](const Reals& logits) {
    problem.logits = logits;
    return run_both(problem).loss.reals()[0];
  };
  expect_gradient(loss, Reals(problem.logits), gradient, "dlogits");
}

}  // namespace
}  // namespace warpgnn::test
