// SPDX-License-Identifier: MIT
#include "warpgnn/ops/segment_dot.hpp"

#include <limits>

#include "tests/oracle/recurrent.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/refusals.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

class SegmentDotTest : public OpTest {
 protected:
  struct Problem {
    Ids offset;
    std::size_t features;
    Reals x, query, dscore, dx;  // dx: what is in it before

    std::int64_t nodes() const { return offset.back(); }
    std::int64_t graphs() const { return static_cast<std::int64_t>(offset.size()) - 1; }
    std::int64_t width() const { return static_cast<std::int64_t>(features); }
  };
  struct Backward {
    TestTensor dx, dquery;
  };

  static Problem problem(Rng& rng, const Ids& sizes, std::size_t features, bool integers = false) {
    Problem in{{0}, features, {}, {}, {}, {}};
    for (const std::int64_t size : sizes) in.offset.push_back(in.offset.back() + size);
    const auto values = [&](std::size_t count) { return integers ? rng.integers(count, -3, 3) : rng.reals(count); };
    const auto nodes = static_cast<std::size_t>(in.nodes());
    in.x = values(nodes * features);
    in.query = values(sizes.size() * features);
    in.dscore = values(nodes);
    in.dx = values(nodes * features);
    return in;
  }

  Graph upload(const Problem& in) const {
    return TestGraph{"", {in.nodes(), in.nodes(), {}, {}}, in.offset}.upload(context());
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place = Place::contiguous) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place = Place::contiguous) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }

  TestTensor score_input(const Problem& in, Place place) const {
    return TestTensor::input(context(), accumulator(), {in.nodes()}, in.dscore, place);
  }

  TestTensor forward(const Problem& in, Place place = Place::contiguous) const {
    const auto x = input({in.nodes(), in.width()}, in.x, place),
               query = input({in.graphs(), in.width()}, in.query, place);
    auto score = TestTensor::output(context(), accumulator(), {in.nodes()}, place);
    run(context(), segment_dot_forward, SegmentDot{upload(in), x, query}, SegmentDotResult{score});
    return score;
  }

  Backward backward(const Problem& in, Place place = Place::contiguous) const {
    const auto x = input({in.nodes(), in.width()}, in.x, place),
               query = input({in.graphs(), in.width()}, in.query, place), dscore = score_input(in, place);
    Backward out{TestTensor::inout(context(), dtype(), {in.nodes(), in.width()}, in.dx, place),
                 output({in.graphs(), in.width()}, place)};
    run(context(), segment_dot_backward, SegmentDot{upload(in), x, query},
        SegmentDotGradients{dscore, out.dx, out.dquery});
    return out;
  }

  /// Gradients, with what dx held before added.
  static oracle::SegmentDotGradients gradients(const Problem& in) {
    auto want = oracle::segment_dot_backward(in.offset, in.x, in.query, in.dscore, in.features);
    for (std::size_t k = 0; k < in.dx.size(); ++k) want.dx.add(k, in.dx[k]);
    return want;
  }

  void check(const Problem& in, Place place) const {
    expect_close(forward(in, place), oracle::segment_dot(in.offset, in.x, in.query, in.features), kSumFactor, "score");
    const auto want = gradients(in);
    const Backward got = backward(in, place);
    expect_close(got.dx, want.dx, 2, "dx");
    expect_close(got.dquery, want.dquery, kSumFactor, "dquery");
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(SegmentDotTest);

class SegmentDotDifferencesTest : public SegmentDotTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(SegmentDotDifferencesTest);

TEST_P(SegmentDotTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::size_t features : {1u, 2u, 3u, 4u, 7u, 31u, 32u, 33u, 64u, 127u, 256u, 300u}) {
    for (const Place place : kPlaces) {
      SCOPED_TRACE(std::to_string(features) + " " + name_of(place));
      check(problem(rng, {0, 6, 0, 1, 40, 0}, features), place);
    }
  }
}

TEST_P(SegmentDotTest, LongGraphsAndNone) {
  Rng rng;
  for (const Ids& sizes : {Ids{3, 3 * kChunkEdges + 17, 0, kChunkEdges + 1}, Ids{0}, Ids{0, 0}, Ids{}, Ids(700, 2)}) {
    check(problem(rng, sizes, 5), Place::contiguous);
  }
}

TEST_P(SegmentDotTest, ExactForIntegers) {
  Rng rng;
  const auto in = problem(rng, {5, 0, 600, 1}, 6, true);
  expect_exact(forward(in), oracle::segment_dot(in.offset, in.x, in.query, 6).value, "score");
  const auto want = gradients(in);
  const Backward got = backward(in);
  expect_exact(got.dx, want.dx.value, "dx");
  expect_exact(got.dquery, want.dquery.value, "dquery");
}

TEST_P(SegmentDotDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  auto in = problem(rng, {4, 0, 6, 1}, 3);
  in.dx.assign(in.dx.size(), 0);
  const Backward got = backward(in);
  const auto loss = [&](Reals Problem::*argument) {
    return [&, argument](const Reals& value) {
      Problem shifted = in;
      shifted.*argument = value;
      return dot(in.dscore, forward(shifted).reals());
    };
  };
  expect_gradient(loss(&Problem::x), in.x, got.dx.reals(), "dx");
  expect_gradient(loss(&Problem::query), in.query, got.dquery.reals(), "dquery");
}

TEST_P(SegmentDotTest, EachGradientAloneIsTheSame) {
  Rng rng;
  const auto in = problem(rng, {9, 0, 20}, 7);
  const Backward both = backward(in);
  const auto x = input({29, 7}, in.x), query = input({3, 7}, in.query), dscore = input({29}, in.dscore);
  const auto dx = TestTensor::inout(context(), dtype(), {29, 7}, in.dx);
  const auto dquery = output({3, 7});
  run(context(), segment_dot_backward, SegmentDot{.graph = upload(in), .query = query},
      SegmentDotGradients{.dscore = dscore, .dx = dx});
  expect_same_bits(dx, both.dx, "dx");
  run(context(), segment_dot_backward, SegmentDot{.graph = upload(in), .x = x},
      SegmentDotGradients{.dscore = dscore, .dquery = dquery});
  expect_same_bits(dquery, both.dquery, "dquery");
}

TEST_P(SegmentDotTest, NanStaysWithItsNodeOrGraph) {
  Rng rng;
  auto in = problem(rng, {4, 5}, 3);
  Reals want = forward(in).reals();
  in.x[2 * 3 + 1] = std::numeric_limits<double>::quiet_NaN();
  want[2] = std::numeric_limits<double>::quiet_NaN();
  expect_exact(forward(in), want, "score");
  in.query[3] = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t n = 4; n < 9; ++n) want[n] = std::numeric_limits<double>::quiet_NaN();
  expect_exact(forward(in), want, "score");
}

TEST_P(SegmentDotTest, RefusesWrongArguments) {
  Rng rng;
  const auto in = problem(rng, {3 * kChunkEdges, 4}, 6);
  const Graph graph = upload(in);
  const std::int64_t nodes = in.nodes();
  const auto x = input({nodes, 6}, in.x), query = input({2, 6}, in.query), dscore = input({nodes}, in.dscore);
  {
    using Op = SegmentDotForward;
    const auto score = output({nodes});
    const Refusals<Op> refuse(context(), segment_dot_forward, {{graph, x, query}, {score}}, {&score});
    refuse.argument("x", &Op::x, Presence::required, Blame::any);
    refuse.argument("query", &Op::query);
    refuse.argument("score", &Op::score);
    refuse.overlap("score", &Op::score, &Op::x);
    refuse.mistake({"graph:"}, [](Op& op) { op.graph = {}; });
    refuse.mistake({"graph:"}, [&](Op& op) { op.graph = random_graph(rng, 8, nodes, 20).upload(context()); });
    refuse.accepted();
  }
  using Op = SegmentDotBackward;
  const auto dx = TestTensor::inout(context(), dtype(), {nodes, 6}, in.dx);
  const auto dquery = output({2, 6});
  const Refusals<Op> refuse(context(), segment_dot_backward, {{graph, x, query}, {dscore, dx, dquery}}, {&dx, &dquery});
  refuse.argument("x", &Op::x);
  refuse.argument("query", &Op::query);
  refuse.argument("dscore", &Op::dscore, Presence::required, Blame::any);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dquery", &Op::dquery, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::x);
  refuse.overlap("dquery", &Op::dquery, &Op::query);
  refuse.workspace();
  refuse.accepted();
}

/// Rows stored in 16 bits; scores in float32.
class SegmentDotHalfTest : public SegmentDotTest {};

WARPGNN_INSTANTIATE_HALF_TESTS(SegmentDotHalfTest);

TEST_P(SegmentDotHalfTest, MatchesOracle) {
  Rng rng(dtype());
  for (const std::size_t features : {1u, 5u, 8u, 36u, 200u}) {
    for (const Place place : kPlaces) {
      SCOPED_TRACE(std::to_string(features) + " " + name_of(place));
      check(problem(rng, {0, 6, kChunkEdges + 90, 1}, features), place);
    }
  }
}

TEST_P(SegmentDotHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const auto in = problem(rng, {3, 2 * kChunkEdges, 0}, 12);
  expect_same_bits(forward(in), forward(in), "score");
  const Backward gradients = backward(in), again = backward(in);
  expect_same_bits(again.dx, gradients.dx, "dx");
  expect_same_bits(again.dquery, gradients.dquery, "dquery");
}

TEST_P(SegmentDotHalfTest, RefusesMixedDtypes) {
  Rng rng(dtype());
  const auto in = problem(rng, {3, 4}, 2);
  const auto x = input({7, 2}, in.x), query = input({2, 2}, in.query), narrow = input({7}, in.dscore);
  const auto score = output({7}), dquery = output({2, 2});
  expect_error(ErrorCode::invalid_argument, {"score:", "expected float32", warpgnn::name_of(dtype())}, [&] {
    segment_dot_forward(context(), {upload(in), x, query}, {score});
  });
  SegmentDotBackward op{{.graph = upload(in), .x = x}, {.dscore = narrow, .dquery = dquery}};
  expect_error(ErrorCode::invalid_argument, {"dscore:", "expected float32", warpgnn::name_of(dtype())},
               [&] { call(context(), segment_dot_backward, op); });
  const auto wide = TestTensor::input(context(), Dtype::float64, {7}, in.dscore);
  op.dscore = wide;
  expect_error(ErrorCode::invalid_argument, {"x:", "expected float64", warpgnn::name_of(dtype())},
               [&] { call(context(), segment_dot_backward, op); });
}

}  // namespace
}  // namespace warpgnn::test
