// SPDX-License-Identifier: MIT
// Choosing the best nodes of each graph, and moving their rows along.

#include "tests/oracle/top_k.hpp"

#include <algorithm>
#include <limits>

#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/refusals.hpp"
#include "warpgnn/ops/top_k.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::int64_t size_of(const Ids& ids) {
  return static_cast<std::int64_t>(ids.size());
}

class TopKTest : public OpTest {
 protected:
  static Ids offsets_of(const Ids& sizes) {
    Ids offset{0};
    for (const std::int64_t size : sizes) offset.push_back(offset.back() + size);
    return offset;
  }
  static Ids kept_of(const Ids& sizes, double ratio, std::int64_t count) {
    Ids kept;
    for (const std::int64_t size : sizes) kept.push_back(count > 0 ? std::min(count, size) : top_k_count(size, ratio));
    return kept;
  }
  Graph graph_of(const Ids& sizes) const {
    const Ids offset = offsets_of(sizes);
    return TestGraph{"", {offset.back(), offset.back(), {}, {}}, offset}.upload(context());
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
  TestTensor ids(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), Dtype::int32, shape, place);
  }

  void check(const Ids& sizes, double ratio, const Reals& score, Place place = Place::contiguous,
             std::int64_t count = 0) const {
    SCOPED_TRACE(std::to_string(sizes.size()) + " graphs, ratio " + std::to_string(ratio) + ", count " +
                 std::to_string(count) + " " + name_of(place));
    const Ids want = oracle::top_k(offsets_of(sizes), kept_of(sizes, ratio, count), score);
    Ids positions(score.size(), -1);
    for (std::size_t k = 0; k < want.size(); ++k) {
      positions[static_cast<std::size_t>(want[k])] = static_cast<std::int64_t>(k);
    }
    const Graph graph = graph_of(sizes);
    ASSERT_EQ(top_k_count(graph, ratio, count), size_of(want));
    const auto nodes = static_cast<std::int64_t>(score.size());
    const auto scores = input({nodes}, score, place);
    const auto selected = ids({size_of(want)}, place), position = ids({nodes}, place),
               alone = ids({size_of(want)}, place);
    run(context(), segment_top_k, SegmentTopK{graph, ratio, count, scores}, SegmentTopKResult{selected, position});
    expect_ids(selected, want, "selected");
    expect_ids(position, positions, "position");
    run(context(), segment_top_k, SegmentTopK{graph, ratio, count, scores}, SegmentTopKResult{alone});
    expect_ids(alone, want, "selected alone");
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(TopKTest);

TEST(TopKCount, IsTheCeiling) {
  EXPECT_EQ(top_k_count(0, 0.5), 0);
  EXPECT_EQ(top_k_count(1, 0.001), 1);
  EXPECT_EQ(top_k_count(5, 0.5), 3);
  EXPECT_EQ(top_k_count(4, 0.5), 2);
  EXPECT_EQ(top_k_count(10, 0.31), 4);
  EXPECT_EQ(top_k_count(7, 1), 7);
  EXPECT_EQ(top_k_count(2147483647, 1), 2147483647);
  EXPECT_EQ(top_k_count(5, 0.5, 4), 4);
  EXPECT_EQ(top_k_count(5, 0.5, 5), 5);
  EXPECT_EQ(top_k_count(5, 0.5, 6), 5);
  EXPECT_EQ(top_k_count(0, 0.5, 6), 0);
  for (std::int64_t percent = 1; percent <= 100; ++percent) {  // 0.07 * 100 is above 7 in floating point
    EXPECT_EQ(top_k_count(100, static_cast<double>(percent) / 100), percent);
    EXPECT_EQ(top_k_count(1000000, static_cast<double>(percent) / 100), percent * 10000);
  }
}

TEST_P(TopKTest, MatchesOracle) {
  Rng rng;
  std::size_t turn = 0;
  for (const Ids& sizes : {Ids{0, 5, 1, 0, 700, 2, 256, 257, 30, 0}, Ids{7}, Ids{0}, Ids{0, 0}, Ids{}}) {
    for (const double ratio : {0.01, 0.3, 0.5, 0.8, 1.0}) {
      const auto count = static_cast<std::size_t>(offsets_of(sizes).back());
      check(sizes, ratio, rng.reals(count), kPlaces[turn++ % 3]);
    }
  }
  check(Ids(300, 3), 0.5, rng.reals(900));  // more graphs than a block has threads
  check(Ids(8, 3), 0.5, rng.reals(24));     // offsets that do not fit the workspace's padding by accident
}

/// A whole number of nodes of each graph, or all of a smaller one. The ratio is of no account.
TEST_P(TopKTest, ACountOfNodes) {
  Rng rng;
  std::size_t turn = 0;
  for (const std::int64_t count : {1, 2, 5, 256, 1000}) {
    for (const double ratio : {0.1, kNan}) {
      check({0, 5, 1, 0, 700, 2, 256, 257, 30, 0}, ratio, rng.reals(1251), kPlaces[turn++ % 3], count);
    }
    check({}, 0.5, {}, Place::contiguous, count);
  }
  check(Ids(300, 3), 0.5, rng.reals(900), Place::contiguous, 2);
}

/// Few different scores, both zeros among them: the first nodes are taken.
TEST_P(TopKTest, TiesGoToTheFirstNodes) {
  Rng rng;
  for (const double ratio : {0.1, 0.5, 0.9}) {
    Reals score = rng.integers(1500, -1, 1);
    for (std::size_t n = 0; n < score.size(); n += 3) score[n] = score[n] == 0 ? -0.0 : score[n];
    check({1000, 20, 480}, ratio, score);
    check({1000, 20, 480}, ratio, Reals(1500, 2.5));
  }
}

/// Blocks of the larger size, and scores that differ in the last digits only.
TEST_P(TopKTest, LargeGraphs) {
  Rng rng;
  Reals score = rng.reals(20000, 1, 1.001);
  check({12000, 3, 7997}, 0.25, score);
  for (double& each : score) each = -each;
  check({20000}, 0.75, score);
  check({20000}, 0.5, rng.integers(20000, -3, 3));
}

TEST_P(TopKTest, InfinitiesAndNan) {
  const Reals score{-kInfinity, 1, kNan, kInfinity, -1, kNan, 0, -kInfinity, -kInfinity, -kInfinity, 3};
  for (const double ratio : {0.1, 0.3, 0.5, 0.7, 1.0}) check({7, 3, 1}, ratio, score);
}

TEST_P(TopKTest, RefusesWrongArguments) {
  using Op = SegmentTopKArgs;
  Rng rng;
  const Graph graph = graph_of({5, 4});
  const auto score = input({9}, rng.reals(9));
  const auto selected = ids({5}), position = ids({9});
  const Refusals<Op> refuse(context(), segment_top_k, {{graph, 0.5, 0, score}, {selected, position}},
                            {&selected, &position});
  // float32 and float64 are both right: nothing else is real.
  refuse.mistake({"score:", "none"}, [](Op& op) { op.score = {}; });
  refuse.mistake({"score:", "int64"}, [](Op& op) { op.score.dtype = Dtype::int64; });
  refuse.mistake({"score:", "[9]", "[8]"}, [](Op& op) { op.score.shape[0] = 8; });
  refuse.mistake({"score:", "null"}, [](Op& op) { op.score.data = nullptr; });
  refuse.argument("selected", &Op::selected);
  refuse.argument("position", &Op::position, Presence::optional);
  refuse.overlap("selected", &Op::selected, &Op::position);
  for (const double bad : {0.0, -0.5, 1.5, kNan}) {
    refuse.mistake({"ratio:", "(0, 1]"}, [=](Op& op) { op.ratio = bad; });
  }
  refuse.mistake({"selected:", "[9]", "[5]"}, [](Op& op) { op.ratio = 1; });
  refuse.mistake({"count:", "0 or more", "-1"}, [](Op& op) { op.count = -1; });
  refuse.mistake({"selected:", "[2]", "[5]"}, [](Op& op) { op.count = 1; });
  refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
  refuse.mistake({"graph:"}, [&](Op& op) { op.graph = random_graph(rng, 8, 9, 20).upload(context()); });
  refuse.workspace();
  refuse.accepted();
}

class ScaledGatherTest : public TopKTest {
 protected:
  struct Problem {
    std::int64_t nodes, width;
    Reals x, scale;
    Ids index;
    Reals dy;
  };
  struct Backward {
    TestTensor dx, dscale;
  };

  static Problem problem(Rng& rng, std::int64_t nodes, std::int64_t width, bool integers = false) {
    const auto count = static_cast<std::size_t>(nodes), features = static_cast<std::size_t>(width);
    Problem in{nodes, width, {}, {}, {}, {}};
    for (std::int64_t n = 0; n < nodes; ++n) {
      if (rng.below(3) > 0) in.index.push_back(n);
    }
    const auto values = [&](std::size_t size) { return integers ? rng.integers(size, -4, 4) : rng.reals(size); };
    in.x = values(count * features);
    in.scale = values(count);
    in.dy = values(in.index.size() * features);
    return in;
  }

  TestTensor scales(const Problem& in, Place place) const {
    return TestTensor::input(context(), accumulator(), {in.nodes}, in.scale, place);
  }

  TestTensor forward(const Problem& in, Place place = Place::contiguous) const {
    const auto x = input({in.nodes, in.width}, in.x, place), scale = scales(in, place);
    const auto index = TestTensor::input_ids(context(), Dtype::int32, {size_of(in.index)}, in.index, place);
    auto y = output({size_of(in.index), in.width}, place);
    run(context(), scaled_gather_forward, ScaledGather{x, scale, index}, ScaledGatherResult{y});
    return y;
  }

  TestTensor positions(const Problem& in, Place place) const {
    Ids position(static_cast<std::size_t>(in.nodes), -1);
    for (std::size_t k = 0; k < in.index.size(); ++k) {
      position[static_cast<std::size_t>(in.index[k])] = static_cast<std::int64_t>(k);
    }
    return TestTensor::input_ids(context(), Dtype::int32, {in.nodes}, position, place);
  }

  Backward backward(const Problem& in, Place place = Place::contiguous) const {
    const auto x = input({in.nodes, in.width}, in.x, place), scale = scales(in, place),
               dy = input({size_of(in.index), in.width}, in.dy, place);
    const auto position = positions(in, place);
    Backward out{output({in.nodes, in.width}, place), TestTensor::output(context(), accumulator(), {in.nodes}, place)};
    run(context(), scaled_gather_backward, ScaledGather{.x = x, .scale = scale, .position = position},
        ScaledGatherGradients{dy, out.dx, out.dscale});
    return out;
  }

  void check(const Problem& in, Place place) const {
    const auto features = static_cast<std::size_t>(in.width);
    expect_close(forward(in, place), oracle::scaled_gather(in.x, in.scale, in.index, features), 1, "y");
    const auto want = oracle::scaled_gather_backward(in.x, in.scale, in.index, in.dy, features);
    const Backward got = backward(in, place);
    expect_close(got.dx, want.dx, 1, "dx");
    expect_close(got.dscale, want.dscale, kSumFactor, "dscale");
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(ScaledGatherTest);

class ScaledGatherDifferencesTest : public ScaledGatherTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(ScaledGatherDifferencesTest);

TEST_P(ScaledGatherTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::int64_t nodes : {0, 1, 40}) {
    for (const std::int64_t width : {1, 3, 4, 7, 31, 33, 64, 127, 256}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(nodes) + " x " + std::to_string(width) + " " + name_of(place));
        check(problem(rng, nodes, width), place);
      }
    }
  }
}

TEST_P(ScaledGatherTest, ExactForIntegers) {
  Rng rng;
  const auto in = problem(rng, 50, 9, true);
  expect_exact(forward(in), oracle::scaled_gather(in.x, in.scale, in.index, 9).value, "y");
  const auto want = oracle::scaled_gather_backward(in.x, in.scale, in.index, in.dy, 9);
  const Backward got = backward(in);
  expect_exact(got.dx, want.dx.value, "dx");
  expect_exact(got.dscale, want.dscale.value, "dscale");
}

TEST_P(ScaledGatherTest, IndicesOutOfRangeGiveZeros) {
  Rng rng;
  auto in = problem(rng, 6, 5);
  in.index = {3, -1, 6, 3, 0, 2147483647, -2147483647};
  expect_close(forward(in), oracle::scaled_gather(in.x, in.scale, in.index, 5), 1, "y");
  const Reals y = forward(in).reals();
  for (const std::size_t k : {1u, 2u, 5u, 6u}) {
    for (std::size_t f = 0; f < 5; ++f) EXPECT_EQ(y[k * 5 + f], 0) << k;
  }
  for (std::size_t f = 0; f < 5; ++f) EXPECT_EQ(y[f], y[3 * 5 + f]);
}

TEST_P(ScaledGatherDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const auto in = problem(rng, 9, 4);
  const Backward gradients = backward(in);
  const auto loss = [&](Reals Problem::*argument) {
    return [&, argument](const Reals& value) {
      Problem shifted = in;
      shifted.*argument = value;
      return dot(in.dy, forward(shifted).reals());
    };
  };
  expect_gradient(loss(&Problem::x), in.x, gradients.dx.reals(), "dx");
  expect_gradient(loss(&Problem::scale), in.scale, gradients.dscale.reals(), "dscale");
}

TEST_P(ScaledGatherTest, EachGradientAloneIsTheSame) {
  Rng rng;
  const auto in = problem(rng, 20, 7);
  const Backward both = backward(in);
  const auto x = input({20, 7}, in.x), scale = input({20}, in.scale), dy = input({size_of(in.index), 7}, in.dy);
  const auto position = positions(in, Place::contiguous);
  const auto dx = output({20, 7}), dscale = output({20});
  run(context(), scaled_gather_backward, ScaledGather{.scale = scale, .position = position},
      ScaledGatherGradients{.dy = dy, .dx = dx});
  expect_same_bits(dx, both.dx, "dx");
  run(context(), scaled_gather_backward, ScaledGather{.x = x, .position = position},
      ScaledGatherGradients{.dy = dy, .dscale = dscale});
  expect_same_bits(dscale, both.dscale, "dscale");
}

TEST_P(ScaledGatherTest, RefusesWrongArguments) {
  Rng rng;
  const auto x = input({6, 4}, rng.reals(24)), scale = input({6}, rng.reals(6)), dy = input({3, 4}, rng.reals(12));
  {
    using Op = ScaledGatherForward;
    const auto index = TestTensor::input_ids(context(), Dtype::int32, {3}, {5, 0, 2});
    const auto y = output({3, 4});
    const Refusals<Op> refuse(context(), scaled_gather_forward, {{x, scale, index}, {y}}, {&y});
    refuse.argument("x", &Op::x, Presence::required, Blame::any);
    refuse.argument("scale", &Op::scale);
    refuse.argument("index", &Op::index, Presence::required, Blame::any);
    refuse.argument("y", &Op::y);
    refuse.overlap("y", &Op::y, &Op::x);
    refuse.accepted();
  }
  using Op = ScaledGatherBackward;
  const auto position = TestTensor::input_ids(context(), Dtype::int32, {6}, {1, -1, 2, -1, -1, 0});
  const auto dx = output({6, 4}), dscale = output({6});
  const Refusals<Op> refuse(context(), scaled_gather_backward,
                            {{.x = x, .scale = scale, .position = position}, {dy, dx, dscale}}, {&dx, &dscale});
  refuse.argument("x", &Op::x);
  refuse.argument("scale", &Op::scale, Presence::required, Blame::any);
  refuse.argument("position", &Op::position, Presence::required, Blame::any);
  // Any number of rows is right.
  refuse.mistake({"dy:", "none"}, [](Op& op) { op.dy = {}; });
  refuse.mistake({"dy:", "int64"}, [](Op& op) { op.dy.dtype = Dtype::int64; });
  refuse.mistake({"dy:", "2 dimensions"}, [](Op& op) { op.dy.ndim = 1; });
  refuse.mistake({"dy:", "contiguous"}, [](Op& op) { op.dy.stride[1] = 2; });
  refuse.mistake({"dy:", "null"}, [](Op& op) { op.dy.data = nullptr; });
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dscale", &Op::dscale, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::x);
  refuse.overlap("dscale", &Op::dscale, &Op::scale);
  refuse.accepted();
}

/// Rows stored in 16 bits; scales in float32.
class ScaledGatherHalfTest : public ScaledGatherTest {};

WARPGNN_INSTANTIATE_HALF_TESTS(ScaledGatherHalfTest);

TEST_P(ScaledGatherHalfTest, MatchesOracle) {
  Rng rng(dtype());
  for (const std::int64_t width : {1, 5, 8, 36, 260}) {
    for (const Place place : kPlaces) {
      SCOPED_TRACE(std::to_string(width) + " " + name_of(place));
      check(problem(rng, 40, width), place);
    }
  }
}

TEST_P(ScaledGatherHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const auto in = problem(rng, 40, 12);
  expect_same_bits(forward(in), forward(in), "y");
  const Backward gradients = backward(in), again = backward(in);
  expect_same_bits(again.dx, gradients.dx, "dx");
  expect_same_bits(again.dscale, gradients.dscale, "dscale");
}

TEST_P(ScaledGatherHalfTest, RefusesScalesInSixteenBits) {
  const auto x = input({2, 1}, {1, 2}), scale = input({2}, {1, 2});
  const auto index = TestTensor::input_ids(context(), Dtype::int32, {1}, {0});
  const auto y = output({1, 1});
  expect_error(ErrorCode::invalid_argument, {"scale:", "expected float32", warpgnn::name_of(dtype())}, [&] {
    scaled_gather_forward(context(), {x, scale, index}, {y});
  });
}

}  // namespace
}  // namespace warpgnn::test
