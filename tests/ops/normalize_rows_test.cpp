// SPDX-License-Identifier: MIT
#include "warpgnn/ops/normalize_rows.hpp"

#include <cmath>
#include <limits>

#include "tests/oracle/layer_norm.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/refusals.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

class NormalizeRowsTest : public OpTest {
 protected:
  struct Forward {
    TestTensor y, norm;
  };

  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }

  Forward forward(const Reals& values, std::int64_t rows, std::int64_t width, Place place = Place::contiguous) const {
    const auto x = input({rows, width}, values, place);
    Forward out{output({rows, width}, place), output({rows}, place)};
    run(context(), normalize_rows_forward, NormalizeRows{x}, NormalizeRowsResult{out.y, out.norm});
    return out;
  }

  /// From what the library's forward saved.
  TestTensor backward(const Reals& x, const Reals& upstream, std::int64_t rows, std::int64_t width,
                      Place place = Place::contiguous) const {
    const Forward saved = forward(x, rows, width);
    const auto y = input({rows, width}, saved.y.reals(), place), norm = input({rows}, saved.norm.reals(), place),
               dy = input({rows, width}, upstream, place);
    auto dx = output({rows, width}, place);
    run(context(), normalize_rows_backward, NormalizeRows{}, NormalizeRowsResult{y, norm},
        NormalizeRowsGradients{dy, dx});
    return dx;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(NormalizeRowsTest);

class NormalizeRowsDifferencesTest : public NormalizeRowsTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(NormalizeRowsDifferencesTest);

TEST_P(NormalizeRowsTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::int64_t rows : {0, 1, 3, 40}) {
    for (const std::int64_t width : {2, 3, 4, 7, 31, 32, 33, 127, 128, 512, 516, 1030}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(width) + " " + name_of(place));
        const auto count = static_cast<std::size_t>(rows * width), features = static_cast<std::size_t>(width);
        const Reals x = rng.reals(count), dy = rng.reals(count);
        expect_close(forward(x, rows, width, place).y, oracle::normalize_rows(x, features), kSumFactor, "y");
        expect_close(backward(x, dy, rows, width, place), oracle::normalize_rows_backward(x, dy, features), kSumFactor,
                     "dx");
      }
    }
  }
}

TEST_P(NormalizeRowsTest, ExactWhereTheLengthIsAPowerOfTwo) {
  const Forward got = forward({0, 4, 0, 0, 1, 1, 1, 1, -2, 2, 2, 2}, 3, 4);
  expect_exact(got.y, {0, 1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.5, 0.5}, "y");
  expect_exact(got.norm, {4, 2, 4}, "norm");
}

TEST_P(NormalizeRowsTest, ARowOfZerosStaysAndHasNoGradient) {
  const Reals x{0, 0, 0, 3, 0, 4};
  const Forward got = forward(x, 2, 3);
  expect_relative(got.y, {0, 0, 0, 0.6, 0, 0.8}, 2, "y");
  const Reals dx = backward(x, {1, 2, 3, 4, 5, 6}, 2, 3).reals();
  EXPECT_EQ(Reals(dx.begin(), dx.begin() + 3), Reals(3, 0.0));
  EXPECT_NE(dx[4], 0);
}

// Whatever power of two a row is multiplied with does not show: no square may be lost or infinite.
TEST_P(NormalizeRowsTest, LengthsOfTinyAndHugeRows) {
  Rng rng;
  const int far = dtype() == Dtype::float32 ? 100 : 900;
  for (const std::int64_t width : {1, 5, 64, 1030}) {
    const Reals x = rng.reals(static_cast<std::size_t>(3 * width));
    const Forward plain = forward(x, 3, width);
    for (const int exponent : {-far, -far / 2, far / 2, far}) {
      SCOPED_TRACE(std::to_string(width) + " elements times 2^" + std::to_string(exponent));
      Reals scaled = x, norm = plain.norm.reals();
      for (Reals* values : {&scaled, &norm}) {
        for (double& each : *values) each = std::ldexp(each, exponent);
      }
      const Forward got = forward(scaled, 3, width);
      expect_relative(got.y, plain.y.reals(), kSumFactor, "y");
      expect_relative(got.norm, norm, kSumFactor, "norm");
    }
  }
}

// Numbers that have lost digits still give a row of length 1, and a length beyond all numbers a row with its direction.
TEST_P(NormalizeRowsTest, TheEndsOfTheRange) {
  const double smallest = dtype() == Dtype::float32 ? 0x1p-149 : 0x1p-1074;
  const double largest = dtype() == Dtype::float32 ? 0x1p127 : 0x1p1023;
  const Forward got = forward({3 * smallest, 0, 0, 4 * smallest, largest, largest, -largest, largest}, 2, 4);
  expect_relative(got.y, {0.6, 0, 0, 0.8, 0.5, 0.5, -0.5, 0.5}, 4, "y");
  EXPECT_EQ(got.norm.reals()[1], std::numeric_limits<double>::infinity());
}

TEST_P(NormalizeRowsTest, BesideAnInfinityNothingCounts) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Reals y = forward({kInfinity, 1, -2, 3, 4, 0}, 2, 3).y.reals();
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[2], 0);
  EXPECT_EQ(y[5], 0);
}

// A single element has nothing but its sign, and no gradient: what rounding leaves, an optimiser would blow up.
TEST_P(NormalizeRowsTest, RowsOfOneElementAreSignsWithoutGradient) {
  Rng rng;
  const Reals x = rng.reals(500, -3, 3), dy = rng.reals(500);
  Reals signs;
  for (const double each : x) signs.push_back(each < 0 ? -1 : 1);
  expect_exact(forward(x, 500, 1).y, signs, "y");
  expect_exact(backward(x, dy, 500, 1), Reals(500, 0.0), "dx");
}

TEST_P(NormalizeRowsTest, NanStaysInItsRow) {
  Rng rng;
  Reals x = rng.reals(15), want = forward(x, 3, 5).y.reals();
  x[7] = std::numeric_limits<double>::quiet_NaN();
  std::fill(want.begin() + 5, want.begin() + 10, std::numeric_limits<double>::quiet_NaN());
  expect_exact(forward(x, 3, 5).y, want, "y");
}

TEST_P(NormalizeRowsDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const Reals x = rng.reals(28), dy = rng.reals(28);
  expect_gradient([&](const Reals& shifted) { return dot(dy, forward(shifted, 4, 7).y.reals()); }, x,
                  backward(x, dy, 4, 7).reals(), "dx");
}

TEST_P(NormalizeRowsTest, InPlaceIsTheSame) {
  Rng rng;
  for (const std::int64_t width : {5, 1030}) {
    const auto count = static_cast<std::size_t>(4 * width);
    const Reals values = rng.reals(count), upstream = rng.reals(count);
    const auto xy = TestTensor::inout(context(), dtype(), {4, width}, values);
    run(context(), normalize_rows_forward, NormalizeRows{.x = xy}, NormalizeRowsResult{.y = xy});
    const Forward saved = forward(values, 4, width);
    expect_same_bits(xy, saved.y, "y");
    const auto y = input({4, width}, saved.y.reals()), norm = input({4}, saved.norm.reals());
    const auto gradient = TestTensor::inout(context(), dtype(), {4, width}, upstream);
    run(context(), normalize_rows_backward, NormalizeRows{}, NormalizeRowsResult{y, norm},
        NormalizeRowsGradients{gradient, gradient});
    expect_same_bits(gradient, backward(values, upstream, 4, width), "dx");
  }
}

TEST_P(NormalizeRowsTest, RefusesWrongArguments) {
  Rng rng;
  const auto x = input({4, 6}, rng.reals(24)), norm_in = input({4}, rng.reals(4)), dy = input({4, 6}, rng.reals(24));
  {
    using Op = NormalizeRowsForward;
    const auto y = output({4, 6}), norm = output({4});
    const Refusals<Op> refuse(context(), normalize_rows_forward, {{x}, {y, norm}}, {&y, &norm});
    refuse.argument("x", &Op::x, Presence::required, Blame::any);
    refuse.argument("y", &Op::y);
    refuse.argument("norm", &Op::norm, Presence::optional);
    refuse.overlap("y", &Op::y, &Op::norm);
    refuse.mistake({"x:", "1 feature"}, [](Op& op) { op.x.shape[1] = 0; });
    refuse.accepted();
  }
  using Op = NormalizeRowsBackward;
  const auto dx = output({4, 6});
  const Refusals<Op> refuse(context(), normalize_rows_backward, {{}, {x, norm_in}, {dy, dx}}, {&dx});
  refuse.argument("y", &Op::y);
  refuse.argument("norm", &Op::norm);
  refuse.argument("dy", &Op::dy, Presence::required, Blame::any);
  refuse.argument("dx", &Op::dx);
  refuse.overlap("dx", &Op::dx, &Op::y);
  refuse.accepted();
}

}  // namespace
}  // namespace warpgnn::test
