// SPDX-License-Identifier: MIT
#include "warpgnn/ops/linear.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/oracle/dense.hpp"
#include "tests/oracle/random.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/seeds.hpp"

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
    run(context(), linear_forward, Linear{x, weight, bias}, LinearResult{y});
    return y;
  }

  Backward backward(const Problem& in, Place place) const {
    const auto x = input({in.rows, in.inputs}, in.x, place);
    const auto weight = input({in.outputs, in.inputs}, in.weight, place);
    const auto dy = input({in.rows, in.outputs}, in.dy, place);
    Backward out{output({in.rows, in.inputs}, place), output({in.outputs, in.inputs}, place),
                 output({in.outputs}, vector_place(place))};
    run(context(), linear_backward, Linear{x, weight}, LinearGradients{dy, out.dx, out.dweight, out.dbias});
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
  run(context(), linear_backward, Linear{{}, weight}, LinearGradients{dy, dx});
  run(context(), linear_backward, Linear{x}, LinearGradients{dy, {}, dweight});
  run(context(), linear_backward, Linear{}, LinearGradients{dy, {}, {}, dbias});
  expect_same_bits(dx, all.dx, "dx");
  expect_same_bits(dweight, all.dweight, "dweight");
  expect_same_bits(dbias, all.dbias, "dbias");
  expect_same_bits(forward(in, Place::contiguous), forward(in, Place::contiguous), "y");
}

}  // namespace
}  // namespace warpgnn::test
