// SPDX-License-Identifier: MIT
#include "tests/oracle/layer_norm.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/refusals.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/ops/layer_norm.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kFactor = 32;
constexpr double kEpsilon = 1e-5;

class LayerNormTest : public OpTest {
 protected:
  struct Problem {
    std::int64_t rows, width;
    Reals x, gamma, beta, dy;
  };
  struct Forward {
    TestTensor y, mean, inv_std;
  };
  struct Backward {
    TestTensor dx, dgamma, dbeta;
  };

  static Problem problem(Rng& rng, std::int64_t rows, std::int64_t width) {
    const auto count = static_cast<std::size_t>(rows * width), features = static_cast<std::size_t>(width);
    return {rows, width, rng.reals(count), rng.reals(features), rng.reals(features), rng.reals(count)};
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }

  Forward forward(const Problem& in, Place place = Place::contiguous, double epsilon = kEpsilon) const {
    const auto x = input({in.rows, in.width}, in.x, place);
    // Vectors have to be contiguous, but not aligned.
    const Place vector = place == Place::strided ? Place::contiguous : place;
    const auto gamma = input({in.width}, in.gamma, vector), beta = input({in.width}, in.beta, vector);
    Forward out{output({in.rows, in.width}, place), output({in.rows}, place), output({in.rows}, place)};
    run(context(), layer_norm_forward, LayerNorm{epsilon, x, gamma, beta},
        LayerNormResult{out.y, out.mean, out.inv_std});
    return out;
  }

  Backward backward(const Problem& in, Place place = Place::contiguous) const {
    const auto saved = oracle::layer_norm(in.x, in.gamma, in.beta, kEpsilon);
    const auto x = input({in.rows, in.width}, in.x, place), dy = input({in.rows, in.width}, in.dy, place);
    const auto gamma = input({in.width}, in.gamma), mean = input({in.rows}, saved.mean, place),
               inv_std = input({in.rows}, saved.inv_std, place);
    Backward out{output({in.rows, in.width}, place), output({in.width}), output({in.width})};
    run(context(), layer_norm_backward, LayerNorm{.x = x, .gamma = gamma},
        LayerNormResult{.mean = mean, .inv_std = inv_std}, LayerNormGradients{dy, out.dx, out.dgamma, out.dbeta});
    return out;
  }

  void check(const Problem& in, Place place) const {
    const auto want = oracle::layer_norm(in.x, in.gamma, in.beta, kEpsilon);
    const Forward got = forward(in, place);
    expect_close(got.y, want.y, 2 * kFactor, "y");
    expect_relative(got.mean, want.mean, kFactor, "mean", 1.0);
    expect_relative(got.inv_std, want.inv_std, kFactor, "inv_std");
    const auto gradients = oracle::layer_norm_backward(in.x, in.gamma, in.dy, kEpsilon);
    const Backward found = backward(in, place);
    expect_close(found.dgamma, gradients.dgamma, 2 * kFactor, "dgamma");
    expect_close(found.dbeta, gradients.dbeta, kFactor, "dbeta");
    expect_close(found.dx, gradients.dx, 2 * kFactor, "dx");
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(LayerNormTest);

class LayerNormDifferencesTest : public LayerNormTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(LayerNormDifferencesTest);

TEST_P(LayerNormTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::int64_t rows : {1, 3, 40}) {
    for (const std::int64_t width : {3, 4, 7, 31, 32, 33, 64, 127, 128, 256, 384, 512, 516, 1030}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(width) + " " + name_of(place));
        check(problem(rng, rows, width), place);
      }
    }
  }
}

TEST_P(LayerNormTest, ManyRows) {
  Rng rng;
  check(problem(rng, 3000, 17), Place::contiguous);
}

TEST_P(LayerNormTest, NoRows) {
  Rng rng;
  const auto in = problem(rng, 0, 5);
  forward(in);
  const Backward found = backward(in);
  expect_exact(found.dgamma, Reals(5, 0.0), "dgamma");
  expect_exact(found.dbeta, Reals(5, 0.0), "dbeta");
}

/// A row of equal values has no variance: y is beta, and one feature alone is such a row.
TEST_P(LayerNormTest, EqualValuesGiveBeta) {
  Rng rng;
  for (const std::int64_t width : {1, 8}) {
    auto in = problem(rng, 5, width);
    for (std::size_t k = 0; k < in.x.size(); ++k) in.x[k] = static_cast<double>(k / static_cast<std::size_t>(width));
    Reals want;
    for (std::int64_t n = 0; n < 5; ++n) want.insert(want.end(), in.beta.begin(), in.beta.end());
    expect_exact(forward(in).y, want, "y");
  }
}

/// What is added to a row and what it is multiplied with does not show.
TEST_P(LayerNormTest, ShiftAndScaleOfARowDoNotShow) {
  Rng rng;
  auto in = problem(rng, 6, 40);
  const Forward before = forward(in, Place::contiguous, 0);
  oracle::Sums want(in.x.size());
  const Reals y = before.y.reals();
  for (std::size_t k = 0; k < y.size(); ++k) want.add(k, y[k], 100);
  for (double& x : in.x) x = 8 * x + 4;
  expect_close(forward(in, Place::contiguous, 0).y, want, kFactor, "y");
}

TEST_P(LayerNormTest, LargeOffsetsDoNotCancel) {
  Rng rng;
  auto in = problem(rng, 4, 64);
  for (double& x : in.x) x = 1000 + static_cast<double>(rng.below(256)) / 256;
  const auto want = oracle::layer_norm(in.x, in.gamma, in.beta, kEpsilon);
  const Forward got = forward(in);
  expect_close(got.y, want.y, kFactor, "y");
  // The rounding of the mean is squared in the variance, where it is nothing.
  expect_relative(got.inv_std, want.inv_std, 4 * kFactor, "inv_std");
}

/// Nor does it where squares of the row would be lost or infinite.
TEST_P(LayerNormTest, TinyAndHugeRows) {
  Rng rng;
  const int far = dtype() == Dtype::float32 ? 100 : 900;
  for (const std::int64_t width : {5, 64, 1030}) {
    const auto plain = problem(rng, 3, width);
    const Forward before = forward(plain, Place::contiguous, 0);
    const Reals y = before.y.reals();
    oracle::Sums want(y.size());
    for (std::size_t k = 0; k < y.size(); ++k) want.add(k, y[k], 4);
    for (const int exponent : {-far, -far / 2, far / 2, far}) {
      SCOPED_TRACE(std::to_string(width) + " elements times 2^" + std::to_string(exponent));
      auto in = plain;
      for (double& x : in.x) x = std::ldexp(x, exponent);
      const Forward got = forward(in, Place::contiguous, 0);
      expect_close(got.y, want, kFactor, "y");
      Reals inv_std = before.inv_std.reals();
      for (double& each : inv_std) each = std::ldexp(each, -exponent);
      expect_relative(got.inv_std, inv_std, kFactor, "inv_std");
    }
  }
}

/// Rows far below the root of epsilon are as good as equal values.
TEST_P(LayerNormTest, TinyRowsGiveBeta) {
  Rng rng;
  auto in = problem(rng, 3, 8);
  for (double& x : in.x) x = std::ldexp(x, dtype() == Dtype::float32 ? -100 : -900);
  Reals want;
  for (std::int64_t n = 0; n < 3; ++n) want.insert(want.end(), in.beta.begin(), in.beta.end());
  expect_exact(forward(in).y, want, "y");
}

TEST_P(LayerNormTest, NanStaysInItsRow) {
  Rng rng;
  auto in = problem(rng, 5, 9);
  const Reals clean = forward(in).y.reals();
  in.x[2 * 9 + 4] = std::numeric_limits<double>::quiet_NaN();
  Reals want = clean;
  std::fill(want.begin() + 18, want.begin() + 27, std::numeric_limits<double>::quiet_NaN());
  expect_exact(forward(in).y, want, "y");
}

TEST_P(LayerNormDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  for (const std::int64_t width : {3, 7, 130}) {
    const auto in = problem(rng, 3, width);
    const Backward gradients = backward(in);
    const auto loss = [&](Reals Problem::*argument) {
      return [&, argument](const Reals& value) {
        Problem shifted = in;
        shifted.*argument = value;
        return dot(in.dy, forward(shifted).y.reals());
      };
    };
    expect_gradient(loss(&Problem::x), in.x, gradients.dx.reals(), "dx");
    expect_gradient(loss(&Problem::gamma), in.gamma, gradients.dgamma.reals(), "dgamma");
    expect_gradient(loss(&Problem::beta), in.beta, gradients.dbeta.reals(), "dbeta");
  }
}

TEST_P(LayerNormTest, EachOutputAloneIsTheSame) {
  Rng rng;
  for (const std::int64_t width : {12, 1030}) {
    SCOPED_TRACE(width);
    const auto in = problem(rng, 30, width);
    const Forward all = forward(in);
    const auto saved = oracle::layer_norm(in.x, in.gamma, in.beta, kEpsilon);
    const auto x = input({30, width}, in.x), gamma = input({width}, in.gamma), beta = input({width}, in.beta),
               mean = input({30}, saved.mean), inv_std = input({30}, saved.inv_std), dy = input({30, width}, in.dy);
    const auto y = output({30, width}), dx = output({30, width}), dgamma = output({width}), dbeta = output({width});
    run(context(), layer_norm_forward, LayerNorm{.epsilon = kEpsilon, .x = x, .gamma = gamma, .beta = beta},
        LayerNormResult{.y = y});
    expect_same_bits(y, all.y, "y");
    const Backward both = backward(in);
    LayerNormBackward op{{.x = x, .gamma = gamma}, {.mean = mean, .inv_std = inv_std}, {.dy = dy, .dx = dx}};
    EXPECT_EQ(workspace_size(context(), op), 0u);
    run(context(), layer_norm_backward, op);
    expect_same_bits(dx, both.dx, "dx");
    op.dx = op.dbeta = {};
    op.gamma = {};
    op.dgamma = dgamma;
    run(context(), layer_norm_backward, op);
    expect_same_bits(dgamma, both.dgamma, "dgamma");
    op.dgamma = {};
    op.dbeta = dbeta;
    run(context(), layer_norm_backward, op);
    expect_same_bits(dbeta, both.dbeta, "dbeta");
  }
}

TEST_P(LayerNormTest, InPlaceIsTheSame) {
  Rng rng;
  for (const std::int64_t width : {12, 1030}) {
    const auto in = problem(rng, 5, width);
    const auto saved = oracle::layer_norm(in.x, in.gamma, in.beta, kEpsilon);
    const auto x = input({5, width}, in.x), gamma = input({width}, in.gamma), beta = input({width}, in.beta),
               mean = input({5}, saved.mean), inv_std = input({5}, saved.inv_std);
    const auto xy = TestTensor::inout(context(), dtype(), {5, width}, in.x),
               dxdy = TestTensor::inout(context(), dtype(), {5, width}, in.dy);
    const auto dgamma = output({width}), dbeta = output({width});
    run(context(), layer_norm_forward, LayerNorm{.epsilon = kEpsilon, .x = xy, .gamma = gamma, .beta = beta},
        LayerNormResult{.y = xy});
    expect_same_bits(xy, forward(in).y, "y");
    run(context(), layer_norm_backward, LayerNorm{.x = x, .gamma = gamma},
        LayerNormResult{.mean = mean, .inv_std = inv_std}, LayerNormGradients{dxdy, dxdy, dgamma, dbeta});
    const Backward apart = backward(in);
    expect_same_bits(dxdy, apart.dx, "dx");
    expect_same_bits(dgamma, apart.dgamma, "dgamma");
  }
}

TEST_P(LayerNormTest, RerunsAreBitIdentical) {
  Rng rng;
  const auto in = problem(rng, 900, 33);
  expect_same_bits(forward(in).y, forward(in).y, "y");
  const Backward first = backward(in), second = backward(in);
  expect_same_bits(second.dx, first.dx, "dx");
  expect_same_bits(second.dgamma, first.dgamma, "dgamma");
  expect_same_bits(second.dbeta, first.dbeta, "dbeta");
}

TEST_P(LayerNormTest, RefusesWrongArguments) {
  Rng rng;
  const auto x = input({4, 6}, rng.reals(24)), gamma = input({6}, rng.reals(6)), beta = input({6}, rng.reals(6)),
             mean = input({4}, rng.reals(4)), inv_std = input({4}, rng.reals(4)), dy = input({4, 6}, rng.reals(24));
  {
    using Op = LayerNormForward;
    const auto y = output({4, 6}), mean_out = output({4}), inv_std_out = output({4});
    const Refusals<Op> refuse(context(), layer_norm_forward, {{kEpsilon, x, gamma, beta}, {y, mean_out, inv_std_out}},
                              {&y, &mean_out, &inv_std_out});
    refuse.argument("x", &Op::x, Presence::required, Blame::any);
    refuse.argument("gamma", &Op::gamma);
    refuse.argument("beta", &Op::beta);
    refuse.argument("y", &Op::y);
    refuse.argument("mean", &Op::mean, Presence::optional);
    refuse.argument("inv_std", &Op::inv_std, Presence::optional);
    refuse.overlap("y", &Op::y, &Op::gamma);
    refuse.overlap("mean", &Op::mean, &Op::inv_std);
    refuse.mistake({"epsilon:", "-1"}, [](Op& op) { op.epsilon = -1; });
    refuse.mistake({"epsilon:"}, [](Op& op) { op.epsilon = std::numeric_limits<double>::quiet_NaN(); });
    refuse.mistake({"x:", "1 feature"}, [](Op& op) { op.x.shape[1] = 0; });
    refuse.accepted();
  }
  using Op = LayerNormBackward;
  const auto dx = output({4, 6}), dgamma = output({6}), dbeta = output({6});
  const Refusals<Op> refuse(context(), layer_norm_backward,
                            {{.x = x, .gamma = gamma}, {.mean = mean, .inv_std = inv_std}, {dy, dx, dgamma, dbeta}},
                            {&dx, &dgamma, &dbeta});
  refuse.argument("x", &Op::x);
  refuse.argument("gamma", &Op::gamma);
  refuse.argument("mean", &Op::mean);
  refuse.argument("inv_std", &Op::inv_std);
  refuse.argument("dy", &Op::dy, Presence::required, Blame::any);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dgamma", &Op::dgamma, Presence::optional);
  refuse.argument("dbeta", &Op::dbeta, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::x);
  refuse.overlap("dgamma", &Op::dgamma, &Op::dbeta);
  refuse.workspace();
  refuse.accepted();
}

}  // namespace
}  // namespace warpgnn::test
