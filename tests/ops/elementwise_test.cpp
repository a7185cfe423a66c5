// SPDX-License-Identifier: MIT
#include "warpgnn/ops/elementwise.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "tests/oracle/dense.hpp"
#include "tests/oracle/random.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

class ElementwiseTest : public OpTest {
 protected:
  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(ElementwiseTest);

struct ActivationKind {
  Activation library;
  oracle::Activation oracle;
};
constexpr ActivationKind kActivations[] = {
    {Activation::relu, oracle::Activation::relu},       {Activation::leaky_relu, oracle::Activation::leaky_relu},
    {Activation::elu, oracle::Activation::elu},         {Activation::tanh, oracle::Activation::tanh},
    {Activation::sigmoid, oracle::Activation::sigmoid}, {Activation::identity, oracle::Activation::identity}};

TEST_P(ElementwiseTest, Activations) {
  Rng rng;
  const Shape shapes[] = {{1}, {0}, {5000}, {37, 33}, {9, 1}, {3, 0}, {7, 3, 5}};
  for (const ActivationKind& kind : kActivations) {
    for (const Shape& shape : shapes) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(static_cast<int>(kind.library)) + " " + name_of(place));
        std::size_t count = 1;
        for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
        Reals values = away_from_zero(rng.reals(count, -4, 4));
        const Reals dy = rng.reals(count);
        const auto x = input(shape, values, place), upstream = input(shape, dy, place);
        const auto y = output(shape, place), dx = output(shape, place);
        run(context(), activation_forward, Activate{kind.library, 0.3, x}, ActivateResult{y});
        run(context(), activation_backward, Activate{kind.library, 0.3}, ActivateResult{y},
            ActivateGradients{upstream, dx});
        Reals want(count), gradient(count);
        for (std::size_t k = 0; k < count; ++k) {
          want[k] = oracle::activation(kind.oracle, 0.3, values[k]);
          gradient[k] = dy[k] * oracle::activation_derivative(kind.oracle, 0.3, values[k]);
        }
        expect_relative(y, want, 8, "y");
        // tanh' and sigmoid' from a rounded y lose what 1 - y^2 and 1 - y cancel: an absolute error of a few epsilon.
        expect_relative(dx, gradient, 8, "dx", 1.0);
      }
    }
  }
}

TEST_P(ElementwiseTest, ActivationsInPlace) {
  Rng rng;
  const Reals values = away_from_zero(rng.reals(99, -3, 3)), dy = rng.reals(99);
  for (const ActivationKind& kind : kActivations) {
    const auto x = input({33, 3}, values), upstream = input({33, 3}, dy);
    const auto y = output({33, 3}), dx = output({33, 3});
    run(context(), activation_forward, Activate{kind.library, 0.3, x}, ActivateResult{y});
    run(context(), activation_backward, Activate{kind.library, 0.3}, ActivateResult{y},
        ActivateGradients{upstream, dx});
    const auto both = TestTensor::inout(context(), dtype(), {33, 3}, values);
    run(context(), activation_forward, Activate{kind.library, 0.3, both}, ActivateResult{both});
    expect_same_bits(both, y, "y");
    const auto gradient = TestTensor::inout(context(), dtype(), {33, 3}, dy);
    run(context(), activation_backward, Activate{kind.library, 0.3}, ActivateResult{both},
        ActivateGradients{gradient, gradient});
    expect_same_bits(gradient, dx, "dx");
  }
}

TEST_P(ElementwiseTest, ActivationsAtTheKinkAndFarOut) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto x = input({5}, {0, -kInfinity, kInfinity, 1000, -1000});
  const auto ones = input({5}, {1, 1, 1, 1, 1});
  const auto forward = [&](Activation kind, const Reals& want) {
    const auto y = output({5});
    run(context(), activation_forward, Activate{kind, 0.25, x}, ActivateResult{y});
    expect_exact(y, want, "y");
    const auto dx = output({5});
    run(context(), activation_backward, Activate{kind, 0.25}, ActivateResult{y}, ActivateGradients{ones, dx});
    return dx.reals();
  };
  EXPECT_EQ(forward(Activation::relu, {0, 0, kInfinity, 1000, 0}), (Reals{0, 0, 1, 1, 0}));
  EXPECT_EQ(forward(Activation::leaky_relu, {0, -kInfinity, kInfinity, 1000, -250}), (Reals{0.25, 0.25, 1, 1, 0.25}));
  EXPECT_EQ(forward(Activation::elu, {0, -0.25, kInfinity, 1000, -0.25}), (Reals{0.25, 0, 1, 1, 0}));
  EXPECT_EQ(forward(Activation::tanh, {0, -1, 1, 1, -1}), (Reals{1, 0, 0, 0, 0}));
  EXPECT_EQ(forward(Activation::sigmoid, {0.5, 0, 1, 1, 0}), (Reals{0.25, 0, 0, 0, 0}));
}

// Slopes that no gradient is made of are allowed forward: products are those of IEEE 754 on every backend.
TEST_P(ElementwiseTest, ActivationsWithUnusualSlopes) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const Reals values{0, -kInfinity, kInfinity, -2, 2, -1e4, 1e4};
  const auto expect = [&](Activation kind, double slope, const Reals& want) {
    SCOPED_TRACE(slope);
    const auto x = input({7}, values);
    const auto y = output({7});
    run(context(), activation_forward, Activate{kind, slope, x}, ActivateResult{y});
    expect_exact(y, want, "y");
  };
  expect(Activation::leaky_relu, 0, {0, kNan, kInfinity, 0, 2, 0, 1e4});
  expect(Activation::leaky_relu, -0.5, {0, kInfinity, kInfinity, 1, 2, 5e3, 1e4});
  expect(Activation::leaky_relu, 2, {0, -kInfinity, kInfinity, -4, 2, -2e4, 1e4});
  expect(Activation::elu, 0, {0, 0, kInfinity, 0, 2, 0, 1e4});
}

TEST_P(ElementwiseTest, ReluOfMinusZeroIsPlusZero) {
  const auto x = input({2}, {-0.0, 0.0});
  const auto y = output({2});
  run(context(), activation_forward, Activate{Activation::relu, 0, x}, ActivateResult{y});
  for (const double each : y.reals()) EXPECT_FALSE(std::signbit(each));
}

TEST_P(ElementwiseTest, SigmoidKeepsTheDigitsOfItsTails) {
  const double far = dtype() == Dtype::float32 ? 87 : 708;  // exp(far) is finite, and exp(-far) normal
  const Reals values{-far, far, -1e4, 1e4, -20, 20};
  const auto x = input({6}, values);
  const auto y = output({6});
  run(context(), activation_forward, Activate{Activation::sigmoid, 0, x}, ActivateResult{y});
  Reals want;
  for (const double each : values) want.push_back(oracle::activation(oracle::Activation::sigmoid, 0, each));
  expect_relative(y, want, 8, "y");
}

TEST_P(ElementwiseTest, ActivationsPassNanOn) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const ActivationKind& kind : kActivations) {
    SCOPED_TRACE(static_cast<int>(kind.library));
    const auto x = input({2}, {kNan, 1});
    const auto y = output({2});
    run(context(), activation_forward, Activate{kind.library, 0.3, x}, ActivateResult{y});
    EXPECT_TRUE(std::isnan(y.reals()[0]));
    EXPECT_FALSE(std::isnan(y.reals()[1]));
  }
}

/// Not a product with 0, which would be NaN.
TEST_P(ElementwiseTest, ReluPassesNothingWhereItIsShut) {
  constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
  const auto y = TestTensor::input(context(), dtype(), {6}, {0, 0, 0, 2, 2, kNan});
  const auto dy = TestTensor::input(context(), dtype(), {6}, {kInf, -kInf, kNan, kInf, -3, -3});
  const auto dx = TestTensor::output(context(), dtype(), {6});
  run(context(), activation_backward, Activate{.kind = Activation::relu}, ActivateResult{.y = y},
      ActivateGradients{.dy = dy, .dx = dx});
  expect_exact(dx, {0, 0, 0, kInf, -3, -3}, "dx");
}

TEST_P(ElementwiseTest, Dropout) {
  Rng rng;
  for (const std::int64_t width : {1, 3, 4, 7, 32, 33, 128}) {
    for (const Place place : kPlaces) {
      const std::int64_t rows = 29;
      const Reals values = rng.reals(static_cast<std::size_t>(rows * width));
      const std::uint64_t seed = rng.next();
      const auto x = input({rows, width}, values, place);
      const auto y = output({rows, width}, place);
      run(context(), dropout, Dropout{0.5, seed, x, y});
      expect_exact(y, oracle::dropout(values, width, 0.5, seed), "y");
      const auto in_place = TestTensor::inout(context(), dtype(), {rows, width}, values, place);
      run(context(), dropout, Dropout{0.3, seed, in_place, in_place});
      expect_relative(in_place, oracle::dropout(values, width, 0.3, seed), 4, "y");
      const auto kept = output({rows, width}, place);
      run(context(), dropout, Dropout{0.0, seed, x, kept});
      expect_exact(kept, values, "y");
    }
  }
}

TEST_P(ElementwiseTest, DropoutKeepsItsShareAndDependsOnTheSeed) {
  const Reals ones(100000, 1.0);
  const auto x = input({1000, 100}, ones);
  const auto dropped = [&](std::uint64_t seed) {
    const auto y = output({1000, 100});
    run(context(), dropout, Dropout{0.75, seed, x, y});
    return y.reals();
  };
  const Reals first = dropped(1);
  const double kept = dot(first, ones) / 4;
  EXPECT_NEAR(kept, 25000, 5 * std::sqrt(100000 * 0.25 * 0.75));
  EXPECT_NE(first, dropped(2));
  EXPECT_EQ(first, dropped(1));
}

TEST_P(ElementwiseTest, DropoutCountsWithTheCounterOnTheDevice) {
  Rng rng;
  const Reals values = rng.reals(29 * 7);
  const auto x = input({29, 7}, values);
  const auto dropped = [&](const ConstTensorView& counter) {
    const auto y = output({29, 7});
    run(context(), dropout, Dropout{0.5, 11, x, y, counter});
    return y.reals();
  };
  for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-5}, std::int64_t{1} << 62}) {
    const auto counter = TestTensor::input_ids(context(), Dtype::int64, {1}, {count});
    const auto y = output({29, 7});
    run(context(), dropout, Dropout{0.5, 11, x, y, counter});
    expect_exact(y, oracle::dropout(values, 7, 0.5, oracle::counted_seed(11, count)), "y");
  }
  const auto counter = Tensor::from<std::int64_t>(context(), std::vector<std::int64_t>{41}, {1});
  const Reals before = dropped(counter);
  run(context(), advance_counter, AdvanceCounter{counter});
  EXPECT_EQ(counter.to_host<std::int64_t>(), std::vector<std::int64_t>{42});
  EXPECT_NE(dropped(counter), before);
  EXPECT_EQ(dropped(counter), oracle::dropout(values, 7, 0.5, oracle::counted_seed(11, 42)));
}

TEST_P(ElementwiseTest, AddScaled) {
  Rng rng;
  for (const Shape& shape : {Shape{0}, Shape{1}, Shape{1000}, Shape{31, 33}, Shape{5, 3, 7}}) {
    for (const Place place : kPlaces) {
      std::size_t count = 1;
      for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
      const Reals before = rng.integers(count, -9, 9), added = rng.integers(count, -9, 9);
      const auto source = input(shape, added, place);
      const auto target = TestTensor::inout(context(), dtype(), shape, before, place);
      run(context(), add_scaled, AddScaled{-0.5, source, target});
      Reals want = before;
      for (std::size_t k = 0; k < count; ++k) want[k] -= added[k] / 2;
      expect_exact(target, want, "target");
    }
  }
}

TEST_P(ElementwiseTest, AddBias) {
  Rng rng;
  for (const std::int64_t width : {1, 3, 31, 32, 33, 128}) {
    for (const std::int64_t rows : {0, 1, 37}) {
      for (const Place place : kPlaces) {
        const auto count = static_cast<std::size_t>(rows * width);
        const Reals values = rng.integers(count, -9, 9), added = rng.integers(static_cast<std::size_t>(width), -9, 9);
        const auto x = input({rows, width}, values, place);
        const auto bias = input({width}, added, place == Place::strided ? Place::contiguous : place);
        const auto y = output({rows, width}, place);
        run(context(), add_bias, AddBias{x, bias, y});
        Reals want = values;
        for (std::size_t k = 0; k < count; ++k) want[k] += added[k % static_cast<std::size_t>(width)];
        expect_exact(y, want, "y");
        const auto in_place = TestTensor::inout(context(), dtype(), {rows, width}, values, place);
        run(context(), add_bias, AddBias{in_place, bias, in_place});
        expect_exact(in_place, want, "y");
      }
    }
  }
}

class GatherTest : public BackendTest {};
WARPGNN_INSTANTIATE_BACKEND_TESTS(GatherTest);

TEST_P(GatherTest, EveryDtype) {
  Rng rng;
  for (const std::int64_t width : {1, 3, 4, 31, 64}) {
    for (const Place place : kPlaces) {
      const Ids index{4, 0, 0, 6, 2, -1, 7, 5, std::numeric_limits<std::int32_t>::max(), 1};
      const auto rows = TestTensor::input_ids(context(), Dtype::int32, {10}, index, place);
      const auto gathered = [&](const auto& values) {
        auto want = values;
        want.clear();
        for (const std::int64_t row : index) {
          for (std::int64_t f = 0; f < width; ++f) {
            want.push_back(row >= 0 && row < 7 ? values[static_cast<std::size_t>(row * width + f)] : 0);
          }
        }
        return want;
      };
      for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
        const Reals values = rng.reals(static_cast<std::size_t>(7 * width));
        const auto x = TestTensor::input(context(), dtype, {7, width}, values, place);
        const auto y = TestTensor::output(context(), dtype, {10, width}, place);
        run(context(), gather_rows, GatherRows{x, rows, y});
        expect_exact(y, gathered(values), "y");
      }
      for (const Dtype dtype : {Dtype::int32, Dtype::int64}) {
        Ids values(static_cast<std::size_t>(7 * width));
        for (std::int64_t& value : values) value = rng.below(1000) - 500;
        if (dtype == Dtype::int64) values[0] = std::int64_t{1} << 40;
        const auto x = TestTensor::input_ids(context(), dtype, {7, width}, values, place);
        const auto y = TestTensor::output(context(), dtype, {10, width}, place);
        run(context(), gather_rows, GatherRows{x, rows, y});
        expect_ids(y, gathered(values), "y");
      }
    }
  }
}

TEST_P(GatherTest, SeveralTables) {
  Rng rng;
  const Dtype dtypes[] = {Dtype::float32, Dtype::float64, Dtype::int32, Dtype::int64, Dtype::float16, Dtype::bfloat16};
  std::vector<TestTensor> x, index, one, all;
  for (int k = 0; k < 20; ++k) {  // more than one launch takes
    const std::int64_t width = 1 + rng.below(40), rows = rng.below(60);
    const Dtype dtype = dtypes[k % 6];
    const Place place = kPlaces[static_cast<std::size_t>(k) % std::size(kPlaces)];
    Ids values(static_cast<std::size_t>(7 * width)), chosen(static_cast<std::size_t>(rows));
    for (std::int64_t& value : values) value = rng.below(100);
    for (std::int64_t& row : chosen) row = rng.below(10) - 1;
    const bool integer = dtype == Dtype::int32 || dtype == Dtype::int64;
    x.push_back(integer ? TestTensor::input_ids(context(), dtype, {7, width}, values, place)
                        : TestTensor::input(context(), dtype, {7, width}, Reals(values.begin(), values.end()), place));
    index.push_back(TestTensor::input_ids(context(), Dtype::int32, {rows}, chosen, place));
    one.push_back(TestTensor::output(context(), dtype, {rows, width}, place));
    all.push_back(TestTensor::output(context(), dtype, {rows, width}, place));
  }
  std::vector<GatherRows> tables;
  for (std::size_t k = 0; k < x.size(); ++k) {
    run(context(), gather_rows, GatherRows{x[k], index[k], one[k]});
    tables.push_back({x[k], index[k], all[k]});
  }
  run(context(), gather_tables, GatherTables{tables});
  for (std::size_t k = 0; k < x.size(); ++k) expect_same_bits(all[k], one[k], "y");
  gather_tables(context(), {});
}

TEST_P(GatherTest, SeveralTablesAreCheckedTogether) {
  const auto x = TestTensor::input(context(), Dtype::float32, {3, 2}, Reals(6));
  const auto index = TestTensor::input_ids(context(), Dtype::int32, {2}, {0, 1});
  const auto y = TestTensor::output(context(), Dtype::float32, {2, 2});
  const auto wide = TestTensor::output(context(), Dtype::float32, {2, 3});
  const auto refused = [&](const std::vector<std::string>& words, const GatherRows& second) {
    const GatherRows tables[] = {{x, index, y}, second};
    expect_error(ErrorCode::invalid_argument, words, [&] { gather_tables(context(), {tables}); });
  };
  refused({"y:", "[2, 2]", "[2, 3]"}, {x, index, wide});
  refused({"index:", "none"}, {x, {}, y});
  refused({"y", "overlap"}, {x, index, y});
}

TEST_P(GatherTest, NothingToGather) {
  const auto x = TestTensor::input(context(), Dtype::float32, {0, 3}, {});
  const auto index = TestTensor::input_ids(context(), Dtype::int32, {2}, {0, 1});
  const auto y = TestTensor::output(context(), Dtype::float32, {2, 3});
  run(context(), gather_rows, GatherRows{x, index, y});
  expect_exact(y, Reals(6, 0.0), "y");
  const auto none = TestTensor::input_ids(context(), Dtype::int32, {0}, {});
  const auto empty = TestTensor::output(context(), Dtype::float32, {0, 3});
  run(context(), gather_rows, GatherRows{x, none, empty});
}

}  // namespace
}  // namespace warpgnn::test
