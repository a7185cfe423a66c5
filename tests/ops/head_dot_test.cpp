// SPDX-License-Identifier: MIT
#include "warpgnn/ops/head_dot.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/gat_attention.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

class HeadDotTest : public OpTest {
 protected:
  struct Problem {
    std::int64_t nodes, heads, channels;
    Reals x, vector, dscore, dx;             // dx: what is there before
    Reals second_vector{}, dsecond_score{};  // empty: none
  };
  struct Forward {
    TestTensor score, second_score;
  };
  struct Backward {
    TestTensor dx, dvector, dsecond_vector;
  };
  struct Inputs {
    TestTensor x, vector, second_vector;

    HeadDot op() const { return {x, vector, second_vector}; }
  };

  enum class Vectors : std::uint8_t { one, two };

  static Problem problem(Rng& rng, std::int64_t nodes, std::int64_t heads, std::int64_t channels, bool integers,
                         Vectors vectors = Vectors::two) {
    const auto values = [&](std::int64_t count) {
      const auto size = static_cast<std::size_t>(count);
      return integers ? rng.integers(size, -4, 4) : rng.reals(size);
    };
    Problem in{nodes,
               heads,
               channels,
               values(nodes * heads * channels),
               values(heads * channels),
               values(nodes * heads),
               values(nodes * heads * channels)};
    if (vectors == Vectors::two) {
      in.second_vector = values(heads * channels);
      in.dsecond_score = values(nodes * heads);
    }
    return in;
  }

  TestTensor input(const Shape& shape, const Reals& values, Place place) const {
    return TestTensor::input(context(), accumulator(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place) const {
    return TestTensor::output(context(), accumulator(), shape, place);
  }

  Inputs inputs(const Problem& in, Place place) const {
    const Shape vector{in.heads, in.channels};
    return {TestTensor::input(context(), dtype(), {in.nodes, in.heads, in.channels}, in.x, place),
            input(vector, in.vector, place),
            in.second_vector.empty() ? TestTensor() : input(vector, in.second_vector, place)};
  }

  Forward forward(const Problem& in, Place place) const {
    const Shape scores{in.nodes, in.heads};
    const Inputs given = inputs(in, place);
    Forward out{output(scores, place), in.second_vector.empty() ? TestTensor() : output(scores, place)};
    run(context(), head_dot_forward, given.op(), HeadDotResult{out.score, out.second_score});
    return out;
  }

  Backward backward(const Problem& in, Place place) const {
    const bool second = !in.second_vector.empty();
    const Shape scores{in.nodes, in.heads}, vector{in.heads, in.channels};
    const Inputs given = inputs(in, place);
    const TestTensor dscore = input(scores, in.dscore, place),
                     dsecond_score = second ? input(scores, in.dsecond_score, place) : TestTensor();
    Backward out{TestTensor::inout(context(), dtype(), {in.nodes, in.heads, in.channels}, in.dx, place),
                 output(vector, place), second ? output(vector, place) : TestTensor()};
    run(context(), head_dot_backward, given.op(),
        HeadDotGradients{dscore, out.dx, out.dvector, dsecond_score, out.dsecond_vector});
    return out;
  }

  void check(const Problem& in, Place place, bool exact, double factor = 16) const {
    const auto heads = static_cast<std::size_t>(in.heads), channels = static_cast<std::size_t>(in.channels);
    const auto compare = [&](const TestTensor& got, const oracle::Sums& want, const char* what) {
      exact ? expect_exact(got, want.value, what) : expect_close(got, want, factor, what);
    };
    const Forward scores = forward(in, place);
    compare(scores.score, oracle::head_dot(in.x, in.vector, heads, channels), "score");
    auto want = oracle::head_dot_backward(in.x, in.vector, in.dscore, heads, channels);
    for (std::size_t k = 0; k < in.dx.size(); ++k) want.dx.add(k, in.dx[k]);
    const Backward got = backward(in, place);
    compare(got.dvector, want.dvector, "dvector");
    if (!in.second_vector.empty()) {
      compare(scores.second_score, oracle::head_dot(in.x, in.second_vector, heads, channels), "second_score");
      const auto second = oracle::head_dot_backward(in.x, in.second_vector, in.dsecond_score, heads, channels);
      compare(got.dsecond_vector, second.dvector, "dsecond_vector");
      for (std::size_t k = 0; k < in.dx.size(); ++k) want.dx.add(k, second.dx.value[k], second.dx.magnitude[k]);
    }
    compare(got.dx, want.dx, "dx");
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(HeadDotTest);

class HeadDotDifferencesTest : public HeadDotTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(HeadDotDifferencesTest);

TEST_P(HeadDotTest, EverySizeAndLayout) {
  Rng rng;
  const std::pair<int, int> sizes[] = {{1, 1},  {1, 3},  {1, 31}, {1, 64},  {1, 256}, {2, 7},
                                       {3, 33}, {4, 32}, {5, 1},  {8, 127}, {8, 128}, {8, 8}};
  for (const auto& [heads, channels] : sizes) {
    for (const std::int64_t nodes : {0, 1, 2, 37}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(nodes) + " x " + std::to_string(heads) + " x " + std::to_string(channels) + " " +
                     name_of(place));
        check(problem(rng, nodes, heads, channels, true), place, true);
        check(problem(rng, nodes, heads, channels, false, Vectors::one), place, false);
      }
    }
  }
}

TEST_P(HeadDotTest, ManyNodes) {
  Rng rng;
  auto in = problem(rng, 50000, 2, 3, false);
  for (Reals* const values : {&in.x, &in.dscore, &in.dsecond_score}) *values = rng.reals(values->size(), 0.5, 1.5);
  check(in, Place::contiguous, false, hub_factor(dtype()));
}

TEST_P(HeadDotDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  auto in = problem(rng, 5, 2, 3, false);
  in.dx.assign(in.dx.size(), 0.0);
  const Backward gradients = backward(in, Place::contiguous);
  const auto loss = [&](Reals Problem::*argument) {
    return [&, argument](const Reals& value) {
      Problem shifted = in;
      shifted.*argument = value;
      const Forward scores = forward(shifted, Place::contiguous);
      return dot(in.dscore, scores.score.reals()) + dot(in.dsecond_score, scores.second_score.reals());
    };
  };
  expect_gradient(loss(&Problem::x), in.x, gradients.dx.reals(), "dx");
  expect_gradient(loss(&Problem::vector), in.vector, gradients.dvector.reals(), "dvector");
  expect_gradient(loss(&Problem::second_vector), in.second_vector, gradients.dsecond_vector.reals(), "dsecond_vector");
}

TEST_P(HeadDotTest, RerunsAreBitIdentical) {
  Rng rng;
  const auto in = problem(rng, 3000, 3, 5, false);
  const Forward scores = forward(in, Place::contiguous), again = forward(in, Place::contiguous);
  expect_same_bits(again.score, scores.score, "score");
  expect_same_bits(again.second_score, scores.second_score, "second_score");
  const Backward first = backward(in, Place::contiguous), second = backward(in, Place::contiguous);
  expect_same_bits(second.dx, first.dx, "dx");
  expect_same_bits(second.dvector, first.dvector, "dvector");
  expect_same_bits(second.dsecond_vector, first.dsecond_vector, "dsecond_vector");
}

/// Rows stored in 16 bits; everything else in float32.
class HeadDotHalfTest : public HeadDotTest {};

WARPGNN_INSTANTIATE_HALF_TESTS(HeadDotHalfTest);

TEST_P(HeadDotHalfTest, EverySizeAndLayout) {
  Rng rng(dtype());
  const std::pair<int, int> sizes[] = {{1, 1}, {2, 5}, {1, 8}, {3, 36}, {2, 130}};
  for (const auto& [heads, channels] : sizes) {
    for (const std::int64_t nodes : {0, 37}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(nodes) + " x " + std::to_string(heads) + " x " + std::to_string(channels) + " " +
                     name_of(place));
        check(problem(rng, nodes, heads, channels, true, Vectors::one), place, true);
        check(problem(rng, nodes, heads, channels, false), place, false);
      }
    }
  }
}

TEST_P(HeadDotHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const auto in = problem(rng, 3000, 3, 5, false);
  const Backward first = backward(in, Place::contiguous), second = backward(in, Place::contiguous);
  expect_same_bits(second.dx, first.dx, "dx");
  expect_same_bits(second.dvector, first.dvector, "dvector");
}

TEST_P(HeadDotHalfTest, OtherArgumentsInHalfAreRefused) {
  const auto x = TestTensor::output(context(), dtype(), {4, 2, 3}),
             half_vector = TestTensor::output(context(), dtype(), {2, 3});
  const auto vector = TestTensor::output(context(), accumulator(), {2, 3});
  const auto score = TestTensor::output(context(), accumulator(), {4, 2}),
             half_score = TestTensor::output(context(), dtype(), {4, 2});
  const auto refuse = [&](const char* argument, const HeadDotForward& op) {
    expect_error(ErrorCode::invalid_argument, {argument, "expected float32", std::string("got ") + name_of(dtype())},
                 [&] { call(context(), head_dot_forward, op); });
  };
  refuse("vector:", {{x, half_vector}, {score}});
  refuse("score:", {{x, vector}, {half_score}});
}

}  // namespace
}  // namespace warpgnn::test
