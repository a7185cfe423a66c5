// SPDX-License-Identifier: MIT
#include "warpgnn/ops/batch_norm.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/dense.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kFactor = 32;
constexpr double kEpsilon = 1e-5, kMomentum = 0.125;

class BatchNormTest : public OpTest {
 protected:
  struct Problem {
    std::int64_t rows, width;
    Reals x, gamma, beta, running_mean, running_var, dy;
  };
  struct Forward {
    TestTensor y, running_mean, running_var, saved_mean, saved_inv_std;
  };
  struct Backward {
    TestTensor dx, dgamma, dbeta;
  };

  static Problem problem(Rng& rng, std::int64_t rows, std::int64_t width) {
    const auto count = static_cast<std::size_t>(rows * width), features = static_cast<std::size_t>(width);
    return {rows,
            width,
            rng.reals(count),
            rng.reals(features),
            rng.reals(features),
            rng.reals(features),
            rng.reals(features, 0.5, 2),
            rng.reals(count)};
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
  TestTensor inout(const Shape& shape, const Reals& values) const {
    return TestTensor::inout(context(), dtype(), shape, values);
  }

  Forward forward(const Problem& in, bool training, Place place = Place::contiguous) const {
    const auto x = input({in.rows, in.width}, in.x, place);
    const auto gamma = input({in.width}, in.gamma), beta = input({in.width}, in.beta);
    Forward out{output({in.rows, in.width}, place), inout({in.width}, in.running_mean),
                inout({in.width}, in.running_var), training ? output({in.width}) : TestTensor(),
                training ? output({in.width}) : TestTensor()};
    run(context(), batch_norm_forward, BatchNorm{training, kEpsilon, kMomentum, x, gamma, beta},
        BatchNormResult{out.y, out.running_mean, out.running_var, out.saved_mean, out.saved_inv_std});
    return out;
  }

  Backward backward(const Problem& in, Place place = Place::contiguous) const {
    const auto saved =
        oracle::batch_norm_training(in.x, in.gamma, in.beta, in.running_mean, in.running_var, kEpsilon, kMomentum);
    const auto x = input({in.rows, in.width}, in.x, place), dy = input({in.rows, in.width}, in.dy, place);
    const auto gamma = input({in.width}, in.gamma), mean = input({in.width}, saved.mean),
               inv_std = input({in.width}, saved.inv_std);
    Backward out{output({in.rows, in.width}, place), output({in.width}), output({in.width})};
    run(context(), batch_norm_backward, BatchNorm{.x = x, .gamma = gamma},
        BatchNormResult{.saved_mean = mean, .saved_inv_std = inv_std},
        BatchNormGradients{dy, out.dx, out.dgamma, out.dbeta});
    return out;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(BatchNormTest);

class BatchNormDifferencesTest : public BatchNormTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(BatchNormDifferencesTest);

TEST_P(BatchNormTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::int64_t rows : {2, 3, 40, 700}) {
    for (const std::int64_t width : {1, 3, 7, 31, 32, 33, 64, 127, 128, 256}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(width) + " " + name_of(place));
        const auto in = problem(rng, rows, width);
        const auto want =
            oracle::batch_norm_training(in.x, in.gamma, in.beta, in.running_mean, in.running_var, kEpsilon, kMomentum);
        const Forward got = forward(in, true, place);
        // Two rows that nearly meet make inv_std large and its own rounding with it.
        const double factor = rows == 2 ? 4 * kFactor : kFactor;
        expect_close(got.y, want.y, factor, "y");
        expect_relative(got.saved_mean, want.mean, kFactor, "saved_mean", 1.0);
        expect_relative(got.running_mean, want.running_mean, kFactor, "running_mean", 1.0);
        expect_relative(got.running_var, want.running_var, kFactor, "running_var");
        if (rows > 2) expect_relative(got.saved_inv_std, want.inv_std, kFactor, "saved_inv_std");
        if (rows == 2) continue;
        const auto gradients = oracle::batch_norm_backward(in.x, in.gamma, in.dy, kEpsilon);
        const Backward found = backward(in, place);
        expect_close(found.dgamma, gradients.dgamma, 2 * kFactor, "dgamma");
        expect_close(found.dbeta, gradients.dbeta, kFactor, "dbeta");
        expect_close(found.dx, gradients.dx, 2 * kFactor, "dx");
      }
    }
  }
}

TEST_P(BatchNormTest, Evaluation) {
  Rng rng;
  for (const std::int64_t rows : {0, 1, 50}) {
    for (const Place place : kPlaces) {
      const auto in = problem(rng, rows, 13);
      const Forward got = forward(in, false, place);
      expect_close(got.y,
                   oracle::batch_norm_evaluation(in.x, in.gamma, in.beta, in.running_mean, in.running_var, kEpsilon),
                   kFactor, "y");
      expect_exact(got.running_mean, in.running_mean, "running_mean");
      expect_exact(got.running_var, in.running_var, "running_var");
    }
  }
}

TEST_P(BatchNormTest, ASingleRowHasNoVariance) {
  Rng rng;
  const auto in = problem(rng, 1, 5);
  const Forward got = forward(in, true);
  expect_exact(got.y, in.beta, "y");
  expect_exact(got.saved_mean, in.x, "saved_mean");
  expect_exact(got.running_var, in.running_var, "running_var");
  expect_relative(got.saved_inv_std, Reals(5, 1 / std::sqrt(kEpsilon)), 4, "saved_inv_std");
}

// A column that stands far from zero: squares of the values must not be subtracted from each other.
TEST_P(BatchNormTest, VarianceOfDistantValues) {
  Rng rng;
  auto in = problem(rng, 1000, 3);
  for (double& value : in.x) value = 4096 + std::round(value * 64) / 64;  // exact in float32
  const auto want =
      oracle::batch_norm_training(in.x, in.gamma, in.beta, in.running_mean, in.running_var, kEpsilon, kMomentum);
  const Forward got = forward(in, true);
  expect_relative(got.saved_mean, want.mean, dtype() == Dtype::float32 ? 4 : 1000, "saved_mean");
  // The mean is known to within half of 2^-11 in float32, which adds at most its square to the variance.
  const double allowed = 1e-5 / epsilon_of(Dtype::float32);
  expect_relative(got.saved_inv_std, want.inv_std, dtype() == Dtype::float32 ? allowed : 1e4, "saved_inv_std");
}

// A variance may be beyond all numbers where its root is not.
TEST_P(BatchNormTest, HugeColumns) {
  Rng rng;
  const int near = 30, far = dtype() == Dtype::float32 ? 100 : 700;  // beside either epsilon is nothing
  const auto scaled = [](Problem in, int exponent) {
    for (double& x : in.x) x = std::ldexp(x, exponent);
    return in;
  };
  const auto plain = problem(rng, 70, 3);
  const Forward want = forward(scaled(plain, near), true), got = forward(scaled(plain, far), true);
  expect_relative(got.y, want.y.reals(), kFactor, "y", 1.0);
  Reals inv_std = want.saved_inv_std.reals();
  for (double& each : inv_std) each = std::ldexp(each, near - far);
  expect_relative(got.saved_inv_std, inv_std, kFactor, "saved_inv_std");
}

TEST_P(BatchNormTest, ManyRows) {
  Rng rng;
  auto in = problem(rng, 50000, 2);
  in.dy = rng.reals(in.dy.size(), 0.5, 1.5);
  const double factor = hub_factor(dtype());
  const auto want = oracle::batch_norm_backward(in.x, in.gamma, in.dy, kEpsilon);
  const Backward got = backward(in);
  expect_close(got.dbeta, want.dbeta, factor, "dbeta");
  expect_close(got.dgamma, want.dgamma, 2 * factor, "dgamma");
  expect_close(got.dx, want.dx, 4 * factor, "dx");
}

TEST_P(BatchNormDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const auto in = problem(rng, 7, 3);
  const Backward gradients = backward(in);
  const auto loss = [&](Reals Problem::*argument) {
    return [&, argument](const Reals& value) {
      Problem shifted = in;
      shifted.*argument = value;
      return dot(in.dy, forward(shifted, true).y.reals());
    };
  };
  expect_gradient(loss(&Problem::x), in.x, gradients.dx.reals(), "dx");
  expect_gradient(loss(&Problem::gamma), in.gamma, gradients.dgamma.reals(), "dgamma");
  expect_gradient(loss(&Problem::beta), in.beta, gradients.dbeta.reals(), "dbeta");
}

TEST_P(BatchNormTest, RerunsAreBitIdentical) {
  Rng rng;
  const auto in = problem(rng, 3000, 17);
  const Forward first = forward(in, true), second = forward(in, true);
  expect_same_bits(second.y, first.y, "y");
  expect_same_bits(second.running_var, first.running_var, "running_var");
  const Backward gradients = backward(in), again = backward(in);
  expect_same_bits(again.dx, gradients.dx, "dx");
  expect_same_bits(again.dgamma, gradients.dgamma, "dgamma");
  expect_same_bits(again.dbeta, gradients.dbeta, "dbeta");
}

}  // namespace
}  // namespace warpgnn::test
