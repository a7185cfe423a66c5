// SPDX-License-Identifier: MIT
#include "warpgnn/ops/residual_gate.hpp"

#include <gtest/gtest.h>

#include "tests/oracle/residual_gate.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/refusals.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

class ResidualGateTest : public OpTest {
 protected:
  struct Forward {
    TestTensor y, gate;
  };
  struct Backward {
    TestTensor dx, dresidual, dweight;
  };

  static std::int64_t columns(const oracle::ResidualGate& in) { return static_cast<std::int64_t>(in.columns); }
  static Shape rows(const oracle::ResidualGate& in) {
    return {static_cast<std::int64_t>(in.x.size()) / columns(in), columns(in)};
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
  /// Weights, gates and their gradients are not rows of features.
  TestTensor parameter_input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), accumulator(), shape, values, place);
  }
  TestTensor parameter_output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), accumulator(), shape, place);
  }

  Forward forward(const oracle::ResidualGate& in, Place place = Place::contiguous) const {
    const auto x = input(rows(in), in.x, place), residual = input(rows(in), in.residual, place),
               weight = parameter_input({3, columns(in)}, in.weight, place);
    Forward out{output(rows(in), place), parameter_output({rows(in)[0]}, place)};
    run(context(), residual_gate_forward, ResidualGate{x, residual, weight}, ResidualGateResult{out.y, out.gate});
    return out;
  }
  Backward backward(const oracle::ResidualGate& in, const Reals& dy, Place place = Place::contiguous) const {
    const auto x = input(rows(in), in.x, place), residual = input(rows(in), in.residual, place),
               weight = parameter_input({3, columns(in)}, in.weight, place), upstream = input(rows(in), dy, place),
               gate = parameter_input({rows(in)[0]}, oracle::residual_gate(in).gate.value, place);
    Backward out{output(rows(in), place), output(rows(in), place), parameter_output({3, columns(in)}, place)};
    run(context(), residual_gate_backward, ResidualGate{x, residual, weight}, ResidualGateResult{.gate = gate},
        ResidualGateGradients{upstream, out.dx, out.dresidual, out.dweight});
    return out;
  }

  void check(const oracle::ResidualGate& in, const Reals& dy, Place place) const {
    const auto want = oracle::residual_gate(in);
    const Forward got = forward(in, place);
    expect_close(got.y, want.y, kSumFactor, "y");
    expect_close(got.gate, want.gate, kSumFactor, "gate");
    const auto gradients = oracle::residual_gate_backward(in, dy);
    const Backward found = backward(in, dy, place);
    expect_close(found.dx, gradients.dx, kSumFactor, "dx");
    expect_close(found.dresidual, gradients.dresidual, kSumFactor, "dresidual");
    expect_close(found.dweight, gradients.dweight, kSumFactor, "dweight");
    expect_same_bits(backward(in, dy, place).dweight, found.dweight, "dweight once more");
  }

  static oracle::ResidualGate random_gate(Rng& rng, std::size_t count, std::size_t width) {
    return {width, rng.reals(count * width), rng.reals(count * width), rng.reals(3 * width)};
  }
};
WARPGNN_INSTANTIATE_OP_TESTS(ResidualGateTest);

class ResidualGateDifferencesTest : public ResidualGateTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(ResidualGateDifferencesTest);

TEST_P(ResidualGateTest, MatchesOracle) {
  Rng rng;
  std::size_t turn = 0;
  for (const std::size_t count : {0u, 1u, 37u, 3000u}) {
    for (const std::size_t width : {1u, 3u, 16u, 31u, 128u, 300u}) {
      if (count * width > 200000) continue;
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(std::to_string(count) + " x " + std::to_string(width) + " " + name_of(place));
      const auto in = random_gate(rng, count, width);
      check(in, rng.reals(count * width), place);
    }
  }
}

TEST_P(ResidualGateDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const auto in = random_gate(rng, 5, 4);
  const Reals dy = rng.reals(20);
  const Backward gradients = backward(in, dy);
  const auto loss = [&](Reals oracle::ResidualGate::*argument) {
    return [&, argument](const Reals& value) {
      auto shifted = in;
      shifted.*argument = value;
      return dot(dy, forward(shifted).y.reals());
    };
  };
  expect_gradient(loss(&oracle::ResidualGate::x), in.x, gradients.dx.reals(), "dx");
  expect_gradient(loss(&oracle::ResidualGate::residual), in.residual, gradients.dresidual.reals(), "dresidual");
  expect_gradient(loss(&oracle::ResidualGate::weight), in.weight, gradients.dweight.reals(), "dweight");
}

TEST_P(ResidualGateTest, WideOpenAndShut) {
  for (const double weight : {1000.0, -1000.0}) {
    const oracle::ResidualGate in{2, {1, 2, 3, 4}, {5, 6, 7, 8}, {weight, weight, 0, 0, 0, 0}};
    expect_exact(forward(in).y, weight > 0 ? in.residual : in.x, "y");
    expect_exact(forward(in).gate, Reals(2, weight > 0 ? 1.0 : 0.0), "gate");
    expect_exact(backward(in, {1, 2, 3, 4}).dweight, Reals(6, 0.0), "dweight");
  }
}

TEST_P(ResidualGateTest, RefusesBadArguments) {
  const Shape matrix{9, 4}, parameters{3, 4}, vector{9};
  const auto some = [&](const Shape& shape) {
    return input(shape, Rng().reals(static_cast<std::size_t>(shape[0] * (shape.size() > 1 ? shape[1] : 1))));
  };
  const auto x = some(matrix), residual = some(matrix), weight = some(parameters), saved = some(vector),
             dy = some(matrix);
  {
    using Op = ResidualGateForward;
    const auto y = output(matrix), gate = output(vector);
    const Refusals<Op> refuse(context(), residual_gate_forward, {{x, residual, weight}, {y, gate}}, {&y, &gate});
    refuse.argument("x", &Op::x, Presence::required, Blame::any);
    refuse.argument("residual", &Op::residual);
    refuse.argument("weight", &Op::weight);
    refuse.argument("y", &Op::y);
    refuse.argument("gate", &Op::gate);
    refuse.overlap("y", &Op::y, &Op::x);
    refuse.overlap("gate", &Op::gate, &Op::residual);
    refuse.mistake({"x:", "1 column"}, [](Op& op) { op.x.shape[1] = 0; });
    refuse.accepted();
  }
  using Op = ResidualGateBackward;
  const auto dx = output(matrix), dresidual = output(matrix), dweight = output(parameters);
  const Refusals<Op> refuse(context(), residual_gate_backward,
                            {{x, residual, weight}, {.gate = saved}, {dy, dx, dresidual, dweight}},
                            {&dx, &dresidual, &dweight});
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse.argument("residual", &Op::residual);
  refuse.argument("weight", &Op::weight);
  refuse.argument("gate", &Op::gate);
  refuse.argument("dy", &Op::dy);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dresidual", &Op::dresidual, Presence::optional);
  refuse.argument("dweight", &Op::dweight, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::dy);
  refuse.overlap("dx", &Op::dx, &Op::dresidual);
  refuse.workspace();
  refuse.accepted();
}

/// Rows stored in 16 bits; weights and gates in float32.
class ResidualGateHalfTest : public ResidualGateTest {};
WARPGNN_INSTANTIATE_HALF_TESTS(ResidualGateHalfTest);

TEST_P(ResidualGateHalfTest, MatchesOracle) {
  Rng rng(dtype());
  for (const std::size_t width : {1u, 5u, 8u, 36u, 515u}) {
    for (const Place place : kPlaces) {
      SCOPED_TRACE(std::to_string(width) + " " + name_of(place));
      const auto in = random_gate(rng, 70, width);
      check(in, rng.reals(70 * width), place);
    }
  }
}

TEST_P(ResidualGateHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const auto in = random_gate(rng, 300, 12);
  const Reals dy = rng.reals(in.x.size());
  expect_same_bits(forward(in).y, forward(in).y, "y");
  const Backward gradients = backward(in, dy), again = backward(in, dy);
  expect_same_bits(again.dx, gradients.dx, "dx");
  expect_same_bits(again.dresidual, gradients.dresidual, "dresidual");
}

TEST_P(ResidualGateHalfTest, RefusesWeightsInSixteenBits) {
  Rng rng(dtype());
  const auto x = input({2, 3}, rng.reals(6)), residual = input({2, 3}, rng.reals(6)),
             weight = input({3, 3}, rng.reals(9));
  const auto y = output({2, 3}), gate = parameter_output({2});
  expect_error(ErrorCode::invalid_argument, {"weight:", "expected float32", warpgnn::name_of(dtype())}, [&] {
    residual_gate_forward(context(), {x, residual, weight}, {y, gate});
  });
}

}  // namespace
}  // namespace warpgnn::test
