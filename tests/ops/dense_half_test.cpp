// SPDX-License-Identifier: MIT
// Dense operations on rows stored in 16 bits.

#include <gtest/gtest.h>

#include <cmath>

#include "tests/oracle/dense.hpp"
#include "tests/oracle/random.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/ops/linear.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

/// The storage's rounding of an intermediate result, as an allowance in units of float32's epsilon.
double roundings(Dtype dtype, double count) {
  return count * storage_rounding(dtype) / epsilon_of(Dtype::float32);
}

class DenseHalfTest : public OpTest {
 protected:
  TestTensor rows(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor parameter(const Shape& shape, const Reals& values) const {
    return TestTensor::input(context(), Dtype::float32, shape, values);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
};

WARPGNN_INSTANTIATE_HALF_TESTS(DenseHalfTest);

TEST_P(DenseHalfTest, Linear) {
  Rng rng(dtype());
  // More rows than the CPU multiplies at a time, a weight whose columns it cuts, and sizes without rows, terms or
  // columns.
  const std::int64_t sizes[][3] = {{33, 31, 7}, {64, 64, 64}, {1100, 65, 33}, {70, 520, 1100},
                                   {0, 3, 4},   {5, 0, 4},    {5, 3, 0}};
  for (const auto& [count, in, out] : sizes) {
    if (context().is_cuda() && out == 1100) continue;  // cut on the CPU alone, and slow on the executor
    for (const Place place : kPlaces) {
      SCOPED_TRACE(std::to_string(count) + " x " + std::to_string(in) + " -> " + std::to_string(out) + " " +
                   name_of(place));
      const auto n = static_cast<std::size_t>(count), i = static_cast<std::size_t>(in),
                 o = static_cast<std::size_t>(out);
      const Reals x = rng.reals(n * i), weight = rng.reals(o * i), bias = rng.reals(o), dy = rng.reals(n * o);
      const auto x_rows = rows({count, in}, x, place), weight_rows = rows({out, in}, weight, place),
                 dy_rows = rows({count, out}, dy, place);
      const auto bias_vector = parameter({out}, bias);
      const auto y = output({count, out}, place);
      run(context(), linear_forward, Linear{x_rows, weight_rows, bias_vector}, LinearResult{y});
      // On a GPU the product lies in y, rounded, before the bias is added to it.
      expect_close(y, oracle::linear(x, weight, bias, n, i, o), 16 + roundings(dtype(), 1), "y");

      const auto want = oracle::linear_backward(x, weight, dy, n, i, o);
      const auto dx = output({count, in}, place);
      const auto dweight = TestTensor::output(context(), Dtype::float32, {out, in}, place);
      const auto dbias = TestTensor::output(context(), Dtype::float32, {out});
      run(context(), linear_backward, Linear{x_rows, weight_rows}, LinearGradients{dy_rows, dx, dweight, dbias});
      expect_close(dx, want.dx, 16, "dx");
      expect_close(dweight, want.dweight, kSumFactor, "dweight");
      expect_close(dbias, want.dbias, kSumFactor, "dbias");
    }
  }
}

TEST_P(DenseHalfTest, LinearGradientsAlone) {
  Rng rng(dtype());
  const Reals x = rng.reals(600 * 6), weight = rng.reals(4 * 6), dy = rng.reals(600 * 4);
  const auto want = oracle::linear_backward(x, weight, dy, 600, 6, 4);
  const auto dy_rows = rows({600, 4}, dy);
  const auto dx = output({600, 6});
  run(context(), linear_backward, Linear{.weight = rows({4, 6}, weight)}, LinearGradients{.dy = dy_rows, .dx = dx});
  expect_close(dx, want.dx, 16, "dx");
  const auto dweight = TestTensor::output(context(), Dtype::float32, {4, 6});
  const auto x_rows = rows({600, 6}, x);
  run(context(), linear_backward, Linear{.x = x_rows}, LinearGradients{.dy = dy_rows, .dweight = dweight});
  expect_close(dweight, want.dweight, kSumFactor, "dweight");
}

TEST_P(DenseHalfTest, Activations) {
  constexpr std::pair<Activation, oracle::Activation> kKinds[] = {
      {Activation::relu, oracle::Activation::relu},       {Activation::leaky_relu, oracle::Activation::leaky_relu},
      {Activation::elu, oracle::Activation::elu},         {Activation::tanh, oracle::Activation::tanh},
      {Activation::sigmoid, oracle::Activation::sigmoid}, {Activation::identity, oracle::Activation::identity}};
  Rng rng(dtype());
  for (const auto& [kind, formula] : kKinds) {
    for (const std::int64_t width : {1, 33, 300}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(static_cast<int>(kind)) + " width " + std::to_string(width) + " " + name_of(place));
        const auto count = static_cast<std::size_t>(9 * width);
        const Reals values = rng.reals(count, -4, 4), dy = rng.reals(count);
        const auto x = rows({9, width}, values, place), upstream = rows({9, width}, dy, place);
        const auto y = output({9, width}, place), dx = output({9, width}, place);
        run(context(), activation_forward, Activate{kind, 0.3, x}, ActivateResult{y});
        run(context(), activation_backward, Activate{kind, 0.3}, ActivateResult{y}, ActivateGradients{upstream, dx});
        Reals want(count), gradient(count);
        for (std::size_t k = 0; k < count; ++k) {
          want[k] = oracle::activation(formula, 0.3, values[k]);
          gradient[k] = dy[k] * oracle::activation_derivative(formula, 0.3, values[k]);
        }
        expect_relative(y, want, 8, "y");
        // The derivative is made of the stored y, whose rounding 1 - y^2 may double.
        expect_relative(dx, gradient, 8 + roundings(dtype(), 2), "dx", 1.0);
      }
    }
  }
}

TEST_P(DenseHalfTest, DropoutAndSums) {
  Rng rng(dtype());
  for (const std::int64_t width : {1, 7, 32, 130}) {
    for (const Place place : kPlaces) {
      const auto count = static_cast<std::size_t>(29 * width);
      const Reals values = rng.integers(count, -9, 9), added = rng.integers(count, -9, 9);
      const Reals offsets = rng.integers(static_cast<std::size_t>(width), -9, 9);
      const std::uint64_t seed = rng.next();
      const auto x = rows({29, width}, values, place);
      const auto dropped = output({29, width}, place);
      run(context(), dropout, Dropout{0.5, seed, x, dropped});
      expect_exact(dropped, oracle::dropout(values, width, 0.5, seed), "dropped");

      const auto target = TestTensor::inout(context(), dtype(), {29, width}, values, place);
      run(context(), add_scaled, AddScaled{-0.5, rows({29, width}, added, place), target});
      const auto y = output({29, width}, place);
      run(context(), add_bias, AddBias{x, parameter({width}, offsets), y});
      Reals sum = values, shifted = values;
      for (std::size_t k = 0; k < count; ++k) {
        sum[k] -= added[k] / 2;
        shifted[k] += offsets[k % static_cast<std::size_t>(width)];
      }
      expect_exact(target, sum, "target");
      expect_exact(y, shifted, "y");
    }
  }
}

/// Rows move bit by bit, whatever number they would be.
TEST_P(DenseHalfTest, GatherKeepsEveryBit) {
  for (const std::int64_t width : {1, 2, 3, 8, 31}) {
    std::vector<std::uint16_t> bits(static_cast<std::size_t>(2048 * 32));
    for (std::size_t k = 0; k < bits.size(); ++k) bits[k] = static_cast<std::uint16_t>(k);
    const std::int64_t count = static_cast<std::int64_t>(bits.size()) / width;
    Tensor x(context(), dtype(), {count, width});
    const Tensor y(context(), dtype(), {2, width});
    bits.resize(static_cast<std::size_t>(count * width));
    x.copy_from_host(bits.data(), bits.size() * 2);
    const std::int32_t last = static_cast<std::int32_t>(count) - 1;
    const Tensor index = Tensor::from<std::int32_t>(context(), std::vector<std::int32_t>{last, -1}, {2});
    gather_rows(context(), {x, index, y});
    std::vector<std::uint16_t> want(bits.end() - width, bits.end());
    want.resize(static_cast<std::size_t>(2 * width), 0);
    std::vector<std::uint16_t> got(want.size());
    y.copy_to_host(got.data(), got.size() * 2);
    EXPECT_EQ(got, want) << width;
  }
}

TEST_P(DenseHalfTest, Convert) {
  Rng rng;
  for (const std::int64_t width : {1, 3, 4, 36}) {
    for (const Place place : kPlaces) {
      const auto count = static_cast<std::size_t>(7 * width);
      const Reals values = rng.reals(count, -100, 100);
      Reals rounded = values;
      for (double& value : rounded) value = rounded_to(dtype(), value);
      const auto x = TestTensor::input(context(), Dtype::float32, {7, width}, values, place);
      const auto half = output({7, width}, place);
      run(context(), convert, Convert{x, half});
      expect_exact(half, rounded, "half");
      const auto back = TestTensor::output(context(), Dtype::float32, {7, width}, place);
      run(context(), convert, Convert{rows({7, width}, rounded, place), back});
      expect_exact(back, rounded, "back");
    }
  }
}

TEST_P(DenseHalfTest, RefusesOtherDtypes) {
  const auto x = rows({3, 4}, Reals(12, 1.0)), weight = rows({2, 4}, Reals(8, 1.0));
  const auto y = output({3, 2});
  const auto half_bias = rows({2}, Reals(2, 1.0));
  expect_error(ErrorCode::invalid_argument, {"bias:", "expected float32"},
               [&] { linear_forward(context(), {.x = x, .weight = weight, .bias = half_bias}, {.y = y}); });
  const auto wide = TestTensor::input(context(), Dtype::float32, {2, 4}, Reals(8, 1.0));
  expect_error(ErrorCode::invalid_argument, {"weight:", "got float32"},
               [&] { linear_forward(context(), {.x = x, .weight = wide}, {.y = y}); });
  const auto doubles = TestTensor::output(context(), Dtype::float64, {3, 4});
  expect_error(ErrorCode::invalid_argument, {"y:", "got float64"}, [&] { convert(context(), {.x = x, .y = doubles}); });
}

}  // namespace
}  // namespace warpgnn::test
