// Linear layers, activations, dropout, gathering and adding. Batch normalisation: batch_norm_test.cpp; the loss and
// the optimiser: loss_test.cpp.

#include "warpgnn/dense.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "oracle/dense.hpp"
#include "oracle/random.hpp"
#include "support/backends.hpp"
#include "support/compare.hpp"
#include "support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

constexpr double kFactor = 16;

class LinearTest : public OpTest {
 protected:
  struct Problem {
    std::int64_t rows, inputs, outputs;
    Reals x, weight, bias, dy;  // an empty bias: none
  };
  struct Backward {
    TestTensor dx, dweight, dbias;
  };

  static Problem problem(Rng& rng, std::int64_t rows, std::int64_t inputs, std::int64_t outputs, bool integers) {
    const auto values = [&](std::int64_t count) {
      const auto size = static_cast<std::size_t>(count);
      return integers ? rng.integers(size, -4, 4) : rng.reals(size);
    };
    return {rows,
            inputs,
            outputs,
            values(rows * inputs),
            values(outputs * inputs),
            values(outputs),
            values(rows * outputs)};
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
  /// Vectors of parameters must be contiguous.
  static Place vector_place(Place place) { return place == Place::strided ? Place::contiguous : place; }

  TestTensor forward(const Problem& in, Place place) const {
    const auto x = input({in.rows, in.inputs}, in.x, place);
    const auto weight = input({in.outputs, in.inputs}, in.weight, place);
    const auto bias = in.bias.empty() ? TestTensor() : input({in.outputs}, in.bias, vector_place(place));
    auto y = output({in.rows, in.outputs}, place);
    run(context(), linear_forward, LinearForward{x, weight, bias, y});
    return y;
  }

  Backward backward(const Problem& in, Place place) const {
    const auto x = input({in.rows, in.inputs}, in.x, place);
    const auto weight = input({in.outputs, in.inputs}, in.weight, place);
    const auto dy = input({in.rows, in.outputs}, in.dy, place);
    Backward out{output({in.rows, in.inputs}, place), output({in.outputs, in.inputs}, place),
                 output({in.outputs}, vector_place(place))};
    run(context(), linear_backward, LinearBackward{x, weight, dy, out.dx, out.dweight, out.dbias});
    return out;
  }

  void check(const Problem& in, Place place, bool exact, double factor = kFactor) const {
    const auto rows = static_cast<std::size_t>(in.rows), inputs = static_cast<std::size_t>(in.inputs),
               outputs = static_cast<std::size_t>(in.outputs);
    const auto compare = [&](const TestTensor& got, const oracle::Sums& want, const char* what) {
      exact ? expect_exact(got, want.value, what) : expect_close(got, want, factor, what);
    };
    compare(forward(in, place), oracle::linear(in.x, in.weight, in.bias, rows, inputs, outputs), "y");
    const auto want = oracle::linear_backward(in.x, in.weight, in.dy, rows, inputs, outputs);
    const Backward got = backward(in, place);
    compare(got.dx, want.dx, "dx");
    compare(got.dweight, want.dweight, "dweight");
    compare(got.dbias, want.dbias, "dbias");
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(LinearTest);

class LinearDifferencesTest : public LinearTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(LinearDifferencesTest);

TEST_P(LinearTest, EverySizeAndLayout) {
  Rng rng;
  const std::int64_t sizes[][3] = {{1, 1, 1},    {2, 3, 5},   {7, 1, 4},    {7, 4, 1},     {33, 31, 7},
                                   {64, 64, 64}, {5, 128, 3}, {3, 33, 127}, {50, 127, 32}, {17, 256, 8}};
  for (const auto& [rows, inputs, outputs] : sizes) {
    for (const Place place : kPlaces) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(inputs) + " -> " + std::to_string(outputs) + " " +
                   name_of(place));
      check(problem(rng, rows, inputs, outputs, true), place, true);
      auto in = problem(rng, rows, inputs, outputs, false);
      check(in, place, false);
      in.bias.clear();
      check(in, place, false);
    }
  }
}

TEST_P(LinearTest, EmptySizes) {
  Rng rng;
  check(problem(rng, 0, 3, 4, true), Place::contiguous, true);  // weight gradients are zero
  check(problem(rng, 5, 0, 4, true), Place::contiguous, true);  // y is the bias
  check(problem(rng, 5, 3, 0, true), Place::contiguous, true);  // dx is zero
}

/// On the CPU a product is cut by its sizes: here in rows, in columns of the weight, and in sums.
TEST_P(LinearTest, CutIntoTasks) {
  if (context().is_cuda()) return;
  Rng rng;
  for (const auto& [rows, inputs, outputs] : {std::array{70, 520, 1100}, std::array{1100, 300, 70}}) {
    SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(inputs) + " -> " + std::to_string(outputs));
    check(problem(rng, rows, inputs, outputs, true), Place::contiguous, true);
  }
}

TEST_P(LinearTest, ManyRows) {
  Rng rng;
  auto in = problem(rng, 50000, 2, 3, false);
  in.x = rng.reals(in.x.size(), 0.5, 1.5);
  in.dy = rng.reals(in.dy.size(), 0.5, 1.5);
  const auto want = oracle::linear_backward(in.x, in.weight, in.dy, 50000, 2, 3);
  const Backward got = backward(in, Place::contiguous);
  const double factor = hub_factor(dtype());
  expect_close(got.dbias, want.dbias, factor, "dbias");
  // The order of this sum is the library's that multiplies: allow it the growth of a long plain sum.
  expect_close(got.dweight, want.dweight, 50 * factor, "dweight");
}

TEST_P(LinearDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const auto in = problem(rng, 4, 3, 5, false);
  const Backward gradients = backward(in, Place::contiguous);
  const auto loss = [&](Reals Problem::*argument) {
    return [&, argument](const Reals& value) {
      Problem shifted = in;
      shifted.*argument = value;
      return dot(in.dy, forward(shifted, Place::contiguous).reals());
    };
  };
  expect_gradient(loss(&Problem::x), in.x, gradients.dx.reals(), "dx");
  expect_gradient(loss(&Problem::weight), in.weight, gradients.dweight.reals(), "dweight");
  expect_gradient(loss(&Problem::bias), in.bias, gradients.dbias.reals(), "dbias");
}

TEST_P(LinearTest, EachGradientAloneAndReruns) {
  Rng rng;
  const auto in = problem(rng, 700, 9, 6, false);
  const Backward all = backward(in, Place::contiguous);
  const auto x = input({700, 9}, in.x, Place::contiguous), weight = input({6, 9}, in.weight, Place::contiguous);
  const auto dy = input({700, 6}, in.dy, Place::contiguous);
  const auto dx = output({700, 9}, Place::contiguous), dweight = output({6, 9}, Place::contiguous),
             dbias = output({6}, Place::contiguous);
  run(context(), linear_backward, LinearBackward{{}, weight, dy, dx});
  run(context(), linear_backward, LinearBackward{x, {}, dy, {}, dweight});
  run(context(), linear_backward, LinearBackward{{}, {}, dy, {}, {}, dbias});
  expect_same_bits(dx, all.dx, "dx");
  expect_same_bits(dweight, all.dweight, "dweight");
  expect_same_bits(dbias, all.dbias, "dbias");
  expect_same_bits(forward(in, Place::contiguous), forward(in, Place::contiguous), "y");
}

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
constexpr ActivationKind kActivations[] = {{Activation::relu, oracle::Activation::relu},
                                           {Activation::leaky_relu, oracle::Activation::leaky_relu},
                                           {Activation::elu, oracle::Activation::elu},
                                           {Activation::tanh, oracle::Activation::tanh},
                                           {Activation::sigmoid, oracle::Activation::sigmoid}};

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
        run(context(), activation_forward, ActivationForward{kind.library, 0.3, x, y});
        run(context(), activation_backward, ActivationBackward{kind.library, 0.3, y, upstream, dx});
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
    run(context(), activation_forward, ActivationForward{kind.library, 0.3, x, y});
    run(context(), activation_backward, ActivationBackward{kind.library, 0.3, y, upstream, dx});
    const auto both = TestTensor::inout(context(), dtype(), {33, 3}, values);
    run(context(), activation_forward, ActivationForward{kind.library, 0.3, both, both});
    expect_same_bits(both, y, "y");
    const auto gradient = TestTensor::inout(context(), dtype(), {33, 3}, dy);
    run(context(), activation_backward, ActivationBackward{kind.library, 0.3, both, gradient, gradient});
    expect_same_bits(gradient, dx, "dx");
  }
}

TEST_P(ElementwiseTest, ActivationsAtTheKinkAndFarOut) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto x = input({5}, {0, -kInfinity, kInfinity, 1000, -1000});
  const auto ones = input({5}, {1, 1, 1, 1, 1});
  const auto forward = [&](Activation kind, const Reals& want) {
    const auto y = output({5});
    run(context(), activation_forward, ActivationForward{kind, 0.25, x, y});
    expect_exact(y, want, "y");
    const auto dx = output({5});
    run(context(), activation_backward, ActivationBackward{kind, 0.25, y, ones, dx});
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
    run(context(), activation_forward, ActivationForward{kind, slope, x, y});
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
  run(context(), activation_forward, ActivationForward{Activation::relu, 0, x, y});
  for (const double each : y.reals()) EXPECT_FALSE(std::signbit(each));
}

TEST_P(ElementwiseTest, SigmoidKeepsTheDigitsOfItsTails) {
  const double far = dtype() == Dtype::float32 ? 87 : 708;  // exp(far) is finite, and exp(-far) normal
  const Reals values{-far, far, -1e4, 1e4, -20, 20};
  const auto x = input({6}, values);
  const auto y = output({6});
  run(context(), activation_forward, ActivationForward{Activation::sigmoid, 0, x, y});
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
    run(context(), activation_forward, ActivationForward{kind.library, 0.3, x, y});
    EXPECT_TRUE(std::isnan(y.reals()[0]));
    EXPECT_FALSE(std::isnan(y.reals()[1]));
  }
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
