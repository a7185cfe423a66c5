// SPDX-License-Identifier: MIT
// Linear layers with an activation in the same op, and gradients that are added to others.

#include <gtest/gtest.h>

#include "tests/oracle/dense.hpp"
#include "tests/oracle/random.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/ops/linear.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

struct ActivationKind {
  Activation kind;
  oracle::Activation twin;
};
constexpr ActivationKind kActivations[] = {{Activation::relu, oracle::Activation::relu},
                                           {Activation::leaky_relu, oracle::Activation::leaky_relu},
                                           {Activation::elu, oracle::Activation::elu},
                                           {Activation::tanh, oracle::Activation::tanh},
                                           {Activation::sigmoid, oracle::Activation::sigmoid}};
constexpr double kSlope = 0.3;
constexpr std::int64_t kIn = 5;

/// The storage's rounding of an intermediate result, as an allowance in units of float32's epsilon.
double roundings(Dtype dtype, double count) {
  return count * storage_rounding(dtype) / epsilon_of(Dtype::float32);
}

class LinearActivationTest : public OpTest {
 protected:
  struct Inputs {
    TestTensor x, weight, bias, dy;
  };
  struct Outputs {
    TestTensor y, dx, dweight, dbias;
  };

  Inputs inputs(Rng& rng, std::int64_t rows, std::int64_t outputs, Place place = Place::contiguous) const {
    const auto in = [&](const Shape& shape, std::int64_t count, Place where) {
      return TestTensor::input(context(), dtype(), shape, rng.reals(static_cast<std::size_t>(count)), where);
    };
    const Place vector = place == Place::strided ? Place::contiguous : place;
    return {in({rows, kIn}, rows * kIn, place), in({outputs, kIn}, outputs * kIn, place),
            in({outputs}, outputs, vector), in({rows, outputs}, rows * outputs, place)};
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
  Outputs outputs_for(std::int64_t rows, std::int64_t outputs, Place place = Place::contiguous) const {
    return {output({rows, outputs}, place), output({rows, kIn}, place), output({outputs, kIn}), output({outputs})};
  }

  void forward(const Inputs& in, const Outputs& out, Activation kind, bool bias) const {
    run(context(), linear_forward,
        Linear{in.x, in.weight, bias ? ConstTensorView(in.bias) : ConstTensorView{}, kind, kSlope},
        LinearResult{out.y});
  }
  void backward(const Inputs& in, const Outputs& out, Activation kind) const {
    run(context(), linear_backward, Linear{in.x, in.weight, {}, kind, kSlope},
        LinearGradients{.dy = in.dy, .dx = out.dx, .dweight = out.dweight, .dbias = out.dbias, .y = out.y});
  }
};
WARPGNN_INSTANTIATE_OP_TESTS(LinearActivationTest);

class LinearActivationDifferencesTest : public LinearActivationTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(LinearActivationDifferencesTest);

/// One op computes, to the bit, what the two do one after the other.
TEST_P(LinearActivationTest, IsTheLayerAndThenTheActivation) {
  Rng rng;
  const std::int64_t sizes[][2] = {{1, 1}, {7, 3}, {33, 32}, {70, 6}, {1100, 4}, {1100, 2}, {0, 3}, {3, 0}};
  for (const auto& [rows, outputs] : sizes) {
    for (const Place place : kPlaces) {
      for (const ActivationKind& activation : kActivations) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(outputs) + " " + name_of(place) + ", activation " +
                     std::to_string(static_cast<int>(activation.kind)));
        const Inputs in = inputs(rng, rows, outputs, place);
        const Outputs one = outputs_for(rows, outputs, place), two = outputs_for(rows, outputs, place);
        const bool bias = rows != 7;
        forward(in, one, activation.kind, bias);
        forward(in, two, Activation::identity, bias);
        run(context(), activation_forward, Activate{activation.kind, kSlope, two.y}, ActivateResult{two.y});
        expect_same_bits(one.y, two.y, "y");

        backward(in, one, activation.kind);
        const auto dz = output({rows, outputs}, place);
        run(context(), activation_backward, Activate{.kind = activation.kind, .slope = kSlope}, ActivateResult{two.y},
            ActivateGradients{in.dy, dz});
        run(context(), linear_backward, Linear{in.x, in.weight}, LinearGradients{dz, two.dx, two.dweight, two.dbias});
        expect_same_bits(one.dx, two.dx, "dx");
        expect_same_bits(one.dweight, two.dweight, "dweight");
        expect_same_bits(one.dbias, two.dbias, "dbias");
      }
    }
  }
}

TEST_P(LinearActivationTest, EachGradientAlone) {
  Rng rng;
  const Inputs in = inputs(rng, 50, 4);
  const Outputs all = outputs_for(50, 4), alone = outputs_for(50, 4);
  forward(in, all, Activation::tanh, true);
  backward(in, all, Activation::tanh);
  const auto gradients = [&](const Linear& op, const LinearGradients& wanted) {
    run(context(), linear_backward, op, wanted);
  };
  gradients({.weight = in.weight, .activation = Activation::tanh}, {.dy = in.dy, .dx = alone.dx, .y = all.y});
  gradients({.x = in.x, .activation = Activation::tanh}, {.dy = in.dy, .dweight = alone.dweight, .y = all.y});
  gradients({.activation = Activation::tanh}, {.dy = in.dy, .dbias = alone.dbias, .y = all.y});
  expect_same_bits(alone.dx, all.dx, "dx");
  expect_same_bits(alone.dweight, all.dweight, "dweight");
  expect_same_bits(alone.dbias, all.dbias, "dbias");
}

TEST_P(LinearActivationTest, AddsToAGradientThatIsThere) {
  Rng rng;
  for (const std::int64_t outputs : {3, 1, 2, 0}) {
    for (const Place place : kPlaces) {
      const auto count = static_cast<std::size_t>(20 * outputs);
      const Reals weight = rng.integers(static_cast<std::size_t>(outputs * kIn), -4, 4),
                  dy = rng.integers(count, -4, 4), before = rng.integers(20 * kIn, -9, 9);
      const auto in = [&](const Shape& shape, const Reals& values) {
        return TestTensor::input(context(), dtype(), shape, values, place);
      };
      const auto weights = in({outputs, kIn}, weight), gradient = in({20, outputs}, dy);
      const auto dx = TestTensor::inout(context(), dtype(), {20, kIn}, before, place);
      run(context(), linear_backward, Linear{.weight = weights},
          LinearGradients{.dy = gradient, .dx = dx, .add_to_dx = true});
      Reals want =
          oracle::linear_backward(Reals(20 * kIn), weight, dy, 20, kIn, static_cast<std::size_t>(outputs)).dx.value;
      for (std::size_t k = 0; k < want.size(); ++k) want[k] += before[k];
      expect_exact(dx, want, "dx");
    }
  }
}

TEST_P(LinearActivationDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const Reals x = rng.reals(4 * kIn), weight = rng.reals(3 * kIn), bias = rng.reals(3), dy = rng.reals(4 * 3);
  const auto in = [&](const Shape& shape, const Reals& values) {
    return TestTensor::input(context(), dtype(), shape, values);
  };
  for (const ActivationKind& activation : kActivations) {
    SCOPED_TRACE(static_cast<int>(activation.kind));
    const auto result = [&](const Reals& x_, const Reals& weight_, const Reals& bias_) {
      auto y = TestTensor::output(context(), dtype(), {4, 3});
      run(context(), linear_forward,
          Linear{in({4, kIn}, x_), in({3, kIn}, weight_), in({3}, bias_), activation.kind, kSlope}, LinearResult{y});
      return y;
    };
    const auto y = result(x, weight, bias);
    const auto dx = TestTensor::output(context(), dtype(), {4, kIn});
    const auto dweight = TestTensor::output(context(), dtype(), {3, kIn}),
               dbias = TestTensor::output(context(), dtype(), {3});
    const auto x_rows = in({4, kIn}, x), weight_rows = in({3, kIn}, weight), dy_rows = in({4, 3}, dy);
    run(context(), linear_backward, Linear{x_rows, weight_rows, {}, activation.kind, kSlope},
        LinearGradients{.dy = dy_rows, .dx = dx, .dweight = dweight, .dbias = dbias, .y = y});
    expect_gradient([&](const Reals& v) { return dot(dy, result(v, weight, bias).reals()); }, x, dx.reals(), "dx");
    expect_gradient([&](const Reals& v) { return dot(dy, result(x, v, bias).reals()); }, weight, dweight.reals(),
                    "dweight");
    expect_gradient([&](const Reals& v) { return dot(dy, result(x, weight, v).reals()); }, bias, dbias.reals(),
                    "dbias");
  }
}

class LinearActivationHalfTest : public OpTest {};
WARPGNN_INSTANTIATE_HALF_TESTS(LinearActivationHalfTest);

TEST_P(LinearActivationHalfTest, MatchesOracle) {
  Rng rng(dtype());
  for (const std::int64_t outputs : {1, 2, 3, 8}) {
    const auto o = static_cast<std::size_t>(outputs);
    const Reals x = rng.reals(60 * kIn), weight = rng.reals(o * kIn), bias = rng.reals(o), dy = rng.reals(60 * o);
    const auto rows = [&](const Shape& shape, const Reals& values) {
      return TestTensor::input(context(), dtype(), shape, values);
    };
    const auto x_rows = rows({60, kIn}, x), weight_rows = rows({outputs, kIn}, weight),
               dy_rows = rows({60, outputs}, dy);
    const auto bias_vector = TestTensor::input(context(), Dtype::float32, {outputs}, bias);
    const auto y = TestTensor::output(context(), dtype(), {60, outputs}),
               dx = TestTensor::output(context(), dtype(), {60, kIn});
    const auto dweight = TestTensor::output(context(), Dtype::float32, {outputs, kIn}),
               dbias = TestTensor::output(context(), Dtype::float32, {outputs});
    run(context(), linear_forward, Linear{x_rows, weight_rows, bias_vector, Activation::elu, kSlope}, LinearResult{y});
    oracle::Sums want = oracle::linear(x, weight, bias, 60, kIn, o);
    for (double& each : want.value) each = oracle::activation(oracle::Activation::elu, kSlope, each);
    expect_close(y, want, 16 + roundings(dtype(), 1), "y");

    Reals dz = dy;
    const Reals result = y.reals();
    for (std::size_t k = 0; k < dz.size(); ++k) dz[k] *= result[k] > 0 ? 1 : result[k] + kSlope;
    run(context(), linear_backward, Linear{x_rows, weight_rows, {}, Activation::elu, kSlope},
        LinearGradients{.dy = dy_rows, .dx = dx, .dweight = dweight, .dbias = dbias, .y = y});
    const auto gradients = oracle::linear_backward(x, weight, dz, 60, kIn, o);
    expect_close(dx, gradients.dx, 16 + roundings(dtype(), 1), "dx");
    expect_close(dweight, gradients.dweight, 16 + roundings(dtype(), 1), "dweight");
    expect_close(dbias, gradients.dbias, 16 + roundings(dtype(), 1), "dbias");
  }
}

}  // namespace
}  // namespace warpgnn::test
