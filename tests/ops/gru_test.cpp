// SPDX-License-Identifier: MIT
#include "warpgnn/ops/gru.hpp"

#include "tests/oracle/recurrent.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/refusals.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kFactor = 16;

class GruCellTest : public OpTest {
 protected:
  struct Problem {
    std::int64_t rows, width;
    Reals input, hidden, h_previous, dh;

    std::size_t features() const { return static_cast<std::size_t>(width); }
  };
  struct Backward {
    TestTensor dinput, dhidden, dh_previous;
  };

  static Problem problem(Rng& rng, std::int64_t rows, std::int64_t width) {
    const auto count = static_cast<std::size_t>(rows * width);
    return {rows,
            width,
            rng.reals(3 * count, -3, 3),
            rng.reals(3 * count, -3, 3),
            rng.reals(count, -2, 2),
            rng.reals(count)};
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }

  TestTensor forward(const Problem& in, Place place = Place::contiguous) const {
    const auto given = input({in.rows, 3 * in.width}, in.input, place),
               hidden = input({in.rows, 3 * in.width}, in.hidden, place),
               h_previous = input({in.rows, in.width}, in.h_previous, place);
    auto h = output({in.rows, in.width}, place);
    run(context(), gru_cell_forward, GruCell{given, hidden, h_previous}, GruCellResult{h});
    return h;
  }

  Backward backward(const Problem& in, Place place = Place::contiguous) const {
    const auto given = input({in.rows, 3 * in.width}, in.input, place),
               hidden = input({in.rows, 3 * in.width}, in.hidden, place),
               h_previous = input({in.rows, in.width}, in.h_previous, place),
               dh = input({in.rows, in.width}, in.dh, place);
    Backward out{output({in.rows, 3 * in.width}, place), output({in.rows, 3 * in.width}, place),
                 output({in.rows, in.width}, place)};
    run(context(), gru_cell_backward, GruCell{given, hidden, h_previous},
        GruCellGradients{dh, out.dinput, out.dhidden, out.dh_previous});
    return out;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(GruCellTest);

class GruCellDifferencesTest : public GruCellTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(GruCellDifferencesTest);

TEST_P(GruCellTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::int64_t rows : {0, 1, 3, 70}) {
    for (const std::int64_t width : {1, 2, 3, 4, 7, 31, 32, 33, 128, 256}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(width) + " " + name_of(place));
        const auto in = problem(rng, rows, width);
        expect_close(forward(in, place), oracle::gru_cell(in.input, in.hidden, in.h_previous, in.features()), kFactor,
                     "h");
        const auto want = oracle::gru_cell_backward(in.input, in.hidden, in.h_previous, in.dh, in.features());
        const Backward got = backward(in, place);
        expect_close(got.dinput, want.dinput, kFactor, "dinput");
        expect_close(got.dhidden, want.dhidden, kFactor, "dhidden");
        expect_close(got.dh_previous, want.dh_previous, kFactor, "dh_previous");
      }
    }
  }
}

TEST_P(GruCellDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const auto in = problem(rng, 4, 3);
  const Backward gradients = backward(in);
  const auto loss = [&](Reals Problem::*argument) {
    return [&, argument](const Reals& value) {
      Problem shifted = in;
      shifted.*argument = value;
      return dot(in.dh, forward(shifted).reals());
    };
  };
  expect_gradient(loss(&Problem::input), in.input, gradients.dinput.reals(), "dinput");
  expect_gradient(loss(&Problem::hidden), in.hidden, gradients.dhidden.reals(), "dhidden");
  expect_gradient(loss(&Problem::h_previous), in.h_previous, gradients.dh_previous.reals(), "dh_previous");
}

TEST_P(GruCellTest, InPlaceIsTheSame) {
  Rng rng;
  const auto in = problem(rng, 6, 8);
  const TestTensor apart = forward(in);
  const Backward gradients = backward(in);
  const auto inout = [&](const Shape& shape, const Reals& values) {
    return TestTensor::inout(context(), dtype(), shape, values);
  };
  const auto given = inout({6, 24}, in.input), hidden = inout({6, 24}, in.hidden), h = inout({6, 8}, in.h_previous),
             dh = inout({6, 8}, in.dh);
  const auto h_previous = input({6, 8}, in.h_previous);
  run(context(), gru_cell_forward, GruCell{given, hidden, h}, GruCellResult{h});
  expect_same_bits(h, apart, "h");
  run(context(), gru_cell_backward, GruCell{given, hidden, h_previous}, GruCellGradients{dh, given, hidden, dh});
  expect_same_bits(given, gradients.dinput, "dinput");
  expect_same_bits(hidden, gradients.dhidden, "dhidden");
  expect_same_bits(dh, gradients.dh_previous, "dh_previous");
}

/// An update gate that is shut keeps the state; one that is open takes the candidate, which sees the state through the
/// reset gate alone.
TEST_P(GruCellTest, SaturatedGates) {
  const Problem in{
      3, 1, {0, 1000, 5, -1000, -1000, 0.5, 1000, -1000, 0.5}, {0, 0, 1, 0, 0, 3, 0, 0, 3}, {-2, -2, -2}, {1, 1, 1}};
  const TestTensor h = forward(in);
  expect_relative(h, {-2, std::tanh(0.5), std::tanh(3.5)}, 4, "h");
  const Backward gradients = backward(in);
  expect_exact(gradients.dh_previous, {1, 0, 0}, "dh_previous");
  EXPECT_EQ(gradients.dhidden.reals()[5], 0);  // nothing passes a reset gate that is shut
}

TEST_P(GruCellTest, RefusesWrongArguments) {
  Rng rng;
  const auto in = problem(rng, 5, 4);
  const auto given = input({5, 12}, in.input), hidden = input({5, 12}, in.hidden),
             h_previous = input({5, 4}, in.h_previous), dh = input({5, 4}, in.dh);
  {
    using Op = GruCellForward;
    const auto h = output({5, 4});
    const Refusals<Op> refuse(context(), gru_cell_forward, {{given, hidden, h_previous}, {h}}, {&h});
    refuse.argument("input", &Op::input, Presence::required, Blame::any);
    refuse.argument("hidden", &Op::hidden);
    refuse.argument("h_previous", &Op::h_previous);
    refuse.argument("h", &Op::h);
    refuse.mistake({"input:", "three gates", "11"}, [](Op& op) { op.input.shape[1] = 11; });
    refuse.mistake({"input:", "three gates", "0"}, [](Op& op) { op.input.shape[1] = 0; });
    refuse.accepted();
  }
  using Op = GruCellBackward;
  const auto dinput = output({5, 12}), dhidden = output({5, 12}), dh_previous = output({5, 4});
  const Refusals<Op> refuse(context(), gru_cell_backward,
                            {{given, hidden, h_previous}, {dh, dinput, dhidden, dh_previous}},
                            {&dinput, &dhidden, &dh_previous});
  refuse.argument("input", &Op::input, Presence::required, Blame::any);
  refuse.argument("hidden", &Op::hidden);
  refuse.argument("h_previous", &Op::h_previous);
  refuse.argument("dh", &Op::dh);
  refuse.argument("dinput", &Op::dinput, Presence::optional);
  refuse.argument("dhidden", &Op::dhidden, Presence::optional);
  refuse.argument("dh_previous", &Op::dh_previous, Presence::optional);
  refuse.overlap("dinput", &Op::dinput, &Op::hidden);
  refuse.overlap("dh_previous", &Op::dh_previous, &Op::h_previous);
  refuse.accepted();
}

}  // namespace
}  // namespace warpgnn::test
