// SPDX-License-Identifier: MIT
#include "warpgnn/ops/lstm.hpp"

#include <limits>

#include "tests/oracle/recurrent.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/refusals.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kFactor = 16;

class LstmCellTest : public OpTest {
 protected:
  struct Problem {
    std::int64_t rows, width;
    Reals gates, c_previous, dh, dc;

    std::size_t features() const { return static_cast<std::size_t>(width); }
  };
  struct Forward {
    TestTensor c, h;
  };
  struct Backward {
    TestTensor dgates, dc_previous;
  };

  static Problem problem(Rng& rng, std::int64_t rows, std::int64_t width) {
    const auto count = static_cast<std::size_t>(rows * width);
    return {rows, width, rng.reals(4 * count, -3, 3), rng.reals(count, -2, 2), rng.reals(count), rng.reals(count)};
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }

  Forward forward(const Problem& in, Place place = Place::contiguous) const {
    const auto gates = input({in.rows, 4 * in.width}, in.gates, place),
               c_previous = input({in.rows, in.width}, in.c_previous, place);
    Forward out{output({in.rows, in.width}, place), output({in.rows, in.width}, place)};
    run(context(), lstm_cell_forward, LstmCell{gates, c_previous}, LstmCellResult{out.c, out.h});
    return out;
  }

  Backward backward(const Problem& in, Place place = Place::contiguous) const {
    const auto gates = input({in.rows, 4 * in.width}, in.gates, place),
               c_previous = input({in.rows, in.width}, in.c_previous, place),
               c = input({in.rows, in.width}, oracle::lstm_cell(in.gates, in.c_previous, in.features()).c.value, place),
               dh = input({in.rows, in.width}, in.dh, place), dc = input({in.rows, in.width}, in.dc, place);
    Backward out{output({in.rows, 4 * in.width}, place), output({in.rows, in.width}, place)};
    run(context(), lstm_cell_backward, LstmCell{gates, c_previous}, LstmCellResult{c},
        LstmCellGradients{dh, dc, out.dgates, out.dc_previous});
    return out;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(LstmCellTest);

class LstmCellDifferencesTest : public LstmCellTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(LstmCellDifferencesTest);

TEST_P(LstmCellTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::int64_t rows : {0, 1, 3, 70}) {
    for (const std::int64_t width : {1, 2, 3, 4, 7, 31, 32, 33, 127, 128, 256}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(width) + " " + name_of(place));
        const auto in = problem(rng, rows, width);
        const auto want = oracle::lstm_cell(in.gates, in.c_previous, in.features());
        const Forward got = forward(in, place);
        expect_close(got.c, want.c, kFactor, "c");
        expect_close(got.h, want.h, kFactor, "h");
        const auto gradients = oracle::lstm_cell_backward(in.gates, in.c_previous, in.dh, in.dc, in.features());
        const Backward found = backward(in, place);
        expect_close(found.dgates, gradients.dgates, kFactor, "dgates");
        expect_close(found.dc_previous, gradients.dc_previous, kFactor, "dc_previous");
      }
    }
  }
}

TEST_P(LstmCellDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const auto in = problem(rng, 4, 3);
  const Backward gradients = backward(in);
  const auto loss = [&](Reals Problem::*argument) {
    return [&, argument](const Reals& value) {
      Problem shifted = in;
      shifted.*argument = value;
      const Forward got = forward(shifted);
      return dot(in.dh, got.h.reals()) + dot(in.dc, got.c.reals());
    };
  };
  expect_gradient(loss(&Problem::gates), in.gates, gradients.dgates.reals(), "dgates");
  expect_gradient(loss(&Problem::c_previous), in.c_previous, gradients.dc_previous.reals(), "dc_previous");
}

/// The first step has no state, the last no gradient of it.
TEST_P(LstmCellTest, WhatIsLeftOutIsZero) {
  Rng rng;
  auto in = problem(rng, 6, 5);
  in.c_previous.assign(in.c_previous.size(), 0);
  in.dc.assign(in.dc.size(), 0);
  const Forward full = forward(in);
  const Backward full_gradients = backward(in);
  const auto gates = input({6, 20}, in.gates), dh = input({6, 5}, in.dh),
             saved = input({6, 5}, oracle::lstm_cell(in.gates, in.c_previous, 5).c.value);
  const auto c = output({6, 5}), h = output({6, 5}), dgates = output({6, 20});
  run(context(), lstm_cell_forward, LstmCell{.gates = gates}, LstmCellResult{.c = c, .h = h});
  expect_exact(c, full.c.reals(), "c");
  expect_exact(h, full.h.reals(), "h");
  run(context(), lstm_cell_backward, LstmCell{.gates = gates}, LstmCellResult{.c = saved},
      LstmCellGradients{.dh = dh, .dgates = dgates});
  expect_exact(dgates, full_gradients.dgates.reals(), "dgates");
}

/// What is left out is zero, and zero times NaN is not.
TEST_P(LstmCellTest, ANanInAForgetGateShowsWithoutAState) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto gates = input({1, 4}, {1, kNan, 1, 1}), dh = input({1, 1}, {1}), saved = input({1, 1}, {0.5});
  const auto c = output({1, 1}), h = output({1, 1}), dgates = output({1, 4});
  run(context(), lstm_cell_forward, LstmCell{.gates = gates}, LstmCellResult{.c = c, .h = h});
  EXPECT_TRUE(std::isnan(c.reals()[0]) && std::isnan(h.reals()[0]));
  run(context(), lstm_cell_backward, LstmCell{.gates = gates}, LstmCellResult{.c = saved},
      LstmCellGradients{.dh = dh, .dgates = dgates});
  EXPECT_TRUE(std::isnan(dgates.reals()[1]));
  EXPECT_FALSE(std::isnan(dgates.reals()[0]));
}

TEST_P(LstmCellTest, InPlaceIsTheSame) {
  Rng rng;
  const auto in = problem(rng, 6, 8);
  const Backward apart = backward(in);
  const auto c_previous = input({6, 8}, in.c_previous), dh = input({6, 8}, in.dh),
             c = input({6, 8}, oracle::lstm_cell(in.gates, in.c_previous, 8).c.value);
  const auto gates = TestTensor::inout(context(), dtype(), {6, 32}, in.gates),
             dc = TestTensor::inout(context(), dtype(), {6, 8}, in.dc);
  run(context(), lstm_cell_backward, LstmCell{gates, c_previous}, LstmCellResult{c},
      LstmCellGradients{dh, dc, gates, dc});
  expect_same_bits(gates, apart.dgates, "dgates");
  expect_same_bits(dc, apart.dc_previous, "dc_previous");
}

TEST_P(LstmCellTest, SaturatedGates) {
  const Problem in{2, 1, {1000, -1000, 1000, 1000, -1000, 1000, -1000, -1000}, {3, 3}, {1, 1}, {1, 1}};
  const Forward got = forward(in);
  expect_exact(got.c, {1, 3}, "c");
  expect_relative(got.h, {std::tanh(1.0), 0}, 4, "h");
  const Reals dgates = backward(in).dgates.reals();
  EXPECT_EQ(dgates, Reals(8, 0.0));
}

TEST_P(LstmCellTest, RefusesWrongArguments) {
  Rng rng;
  const auto in = problem(rng, 5, 4);
  const auto gates = input({5, 16}, in.gates), c_previous = input({5, 4}, in.c_previous), dh = input({5, 4}, in.dh),
             dc = input({5, 4}, in.dc), saved = input({5, 4}, in.c_previous);
  {
    using Op = LstmCellForward;
    const auto c = output({5, 4}), h = output({5, 4});
    const Refusals<Op> refuse(context(), lstm_cell_forward, {{gates, c_previous}, {c, h}}, {&c, &h});
    refuse.argument("gates", &Op::gates, Presence::required, Blame::any);
    refuse.argument("c_previous", &Op::c_previous, Presence::optional);
    refuse.argument("c", &Op::c);
    refuse.argument("h", &Op::h);
    refuse.overlap("c", &Op::c, &Op::c_previous);
    refuse.overlap("c", &Op::c, &Op::h);
    refuse.mistake({"gates:", "four gates", "15"}, [](Op& op) { op.gates.shape[1] = 15; });
    refuse.mistake({"gates:", "four gates", "0"}, [](Op& op) { op.gates.shape[1] = 0; });
    refuse.accepted();
  }
  using Op = LstmCellBackward;
  const auto dgates = output({5, 16}), dc_previous = output({5, 4});
  const Refusals<Op> refuse(context(), lstm_cell_backward,
                            {{gates, c_previous}, {saved}, {dh, dc, dgates, dc_previous}}, {&dgates, &dc_previous});
  refuse.argument("gates", &Op::gates, Presence::required, Blame::any);
  refuse.argument("c_previous", &Op::c_previous, Presence::optional);
  refuse.argument("c", &Op::c);
  refuse.argument("dh", &Op::dh);
  refuse.argument("dc", &Op::dc, Presence::optional);
  refuse.argument("dgates", &Op::dgates, Presence::optional);
  refuse.argument("dc_previous", &Op::dc_previous, Presence::optional);
  refuse.overlap("dgates", &Op::dgates, &Op::c);
  refuse.overlap("dc_previous", &Op::dc_previous, &Op::c_previous);
  refuse.accepted();
}

}  // namespace
}  // namespace warpgnn::test
