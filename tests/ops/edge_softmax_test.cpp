// SPDX-License-Identifier: MIT
#include "warpgnn/ops/edge_softmax.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/gcn_norm.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kFactor = 32;  // in float64 the oracle's plain sum over a hub loses as much as the library
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class EdgeSoftmaxTest : public OpTest {
 protected:
  static Shape shape(const TestGraph& graph, std::size_t heads) {
    return {static_cast<std::int64_t>(graph.edges.count()), static_cast<std::int64_t>(heads)};
  }

  TestTensor forward(const TestGraph& graph, std::size_t heads, const Reals& score,
                     Place place = Place::contiguous) const {
    const auto input = TestTensor::input(context(), dtype(), shape(graph, heads), score, place);
    auto weight = TestTensor::output(context(), dtype(), shape(graph, heads), place);
    run(context(), edge_softmax_forward, EdgeSoftmax{graph.upload(context()), input}, EdgeSoftmaxResult{weight});
    return weight;
  }

  TestTensor backward(const TestGraph& graph, std::size_t heads, const Reals& weight, const Reals& dweight,
                      Place place = Place::contiguous) const {
    const auto saved = TestTensor::input(context(), dtype(), shape(graph, heads), weight, place);
    const auto upstream = TestTensor::input(context(), dtype(), shape(graph, heads), dweight, place);
    auto dscore = TestTensor::output(context(), dtype(), shape(graph, heads), place);
    run(context(), edge_softmax_backward, EdgeSoftmax{graph.upload(context())}, EdgeSoftmaxResult{saved},
        EdgeSoftmaxGradients{upstream, dscore});
    return dscore;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(EdgeSoftmaxTest);

class EdgeSoftmaxDifferencesTest : public EdgeSoftmaxTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(EdgeSoftmaxDifferencesTest);

TEST_P(EdgeSoftmaxTest, MatchesOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const std::size_t heads : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 33u}) {
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(graph.name + " " + name_of(place) + " heads " + std::to_string(heads));
      const std::size_t count = graph.edges.count() * heads;
      const Reals score = rng.reals(count, -3, 3), dweight = rng.reals(count);
      const Reals weight = oracle::edge_softmax(graph.edges, heads, score);
      expect_relative(forward(graph, heads, score, place), weight, kFactor, "weight");
      expect_close(backward(graph, heads, weight, dweight, place),
                   oracle::edge_softmax_backward(graph.edges, heads, weight, dweight), kFactor, "dscore");
    }
  }
}

TEST_P(EdgeSoftmaxTest, ExactForEqualScoresAndPowersOfTwo) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 9, {1, 2, 4, 64, 0, kChunkEdges, 4 * kChunkEdges});
  const Reals score(graph.edges.count() * 3, 2.5);
  const Reals weight = oracle::edge_softmax(graph.edges, 3, score);
  expect_exact(forward(graph, 3, score), weight, "weight");
  const Reals dweight = rng.integers(score.size(), -4, 4);
  expect_exact(backward(graph, 3, weight, dweight),
               oracle::edge_softmax_backward(graph.edges, 3, weight, dweight).value, "dscore");
}

TEST_P(EdgeSoftmaxTest, RowsSumToOne) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    SCOPED_TRACE(graph.name);
    const Reals weight = forward(graph, 3, rng.reals(graph.edges.count() * 3, -5, 5)).reals();
    Reals total(graph.edges.destinations() * 3, 0.0), degree(graph.edges.destinations(), 0.0);
    for (std::size_t e = 0; e < graph.edges.count(); ++e) {
      degree[graph.edges.to(e)] += 1;
      for (std::size_t h = 0; h < 3; ++h) total[graph.edges.to(e) * 3 + h] += weight[e * 3 + h];
    }
    for (std::size_t k = 0; k < total.size(); ++k) {
      EXPECT_NEAR(total[k], degree[k / 3] > 0 ? 1.0 : 0.0, kFactor * epsilon_of(dtype()) + 1e-13);
    }
  }
}

TEST_P(EdgeSoftmaxTest, InPlace) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 30, 20, 200);
  const Reals score = rng.reals(600), dweight = rng.reals(600);
  const auto weight = forward(graph, 3, score);
  const auto both = TestTensor::inout(context(), dtype(), {200, 3}, score);
  run(context(), edge_softmax_forward, EdgeSoftmax{graph.upload(context()), both}, EdgeSoftmaxResult{both});
  expect_same_bits(both, weight, "weight");
  const auto gradient = TestTensor::inout(context(), dtype(), {200, 3}, dweight);
  run(context(), edge_softmax_backward, EdgeSoftmax{graph.upload(context())}, EdgeSoftmaxResult{both},
      EdgeSoftmaxGradients{gradient, gradient});
  expect_same_bits(gradient, backward(graph, 3, both.reals(), dweight), "dscore");
}

// Scores of +-1e4 in steps of 2^-8 are exact in float32, and so is their distance to the row's maximum. An op that
// scales scores before it subtracts the maximum loses three digits here.
TEST_P(EdgeSoftmaxTest, LargeScoresLoseNothing) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 20, 20, 150);
  Reals score(150 * 2);
  for (std::size_t e = 0; e < 150; ++e) {
    const double base = graph.edges.to(e) % 2 == 0 ? 1e4 : -1e4;
    for (std::size_t h = 0; h < 2; ++h) score[e * 2 + h] = base + static_cast<double>(rng.below(512)) / 256;
  }
  expect_relative(forward(graph, 2, score), oracle::edge_softmax(graph.edges, 2, score), kFactor, "weight");
}

TEST_P(EdgeSoftmaxTest, DistantScoresWeighExactlyNothing) {
  const double far = dtype() == Dtype::float32 ? 105 : 800;
  const TestGraph graph{"", {1, 2, {0, 0, 0, 0, 0}, {0, 0, 0, 1, 1}}};
  const Reals score{-far, 0, -2 * far, 1e4, 1e4 - 10 * far};
  const auto weight = forward(graph, 1, score);
  expect_exact(weight, {0, 1, 0, 1, 0}, "weight");
  expect_exact(backward(graph, 1, weight.reals(), {1, 2, 3, 4, 5}), {0, 0, 0, 0, 0}, "dscore");
}

TEST_P(EdgeSoftmaxTest, MinusInfinityWeighsExactlyNothing) {
  const TestGraph graph{"", {1, 4, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 1, 1, 3}}};
  const Reals score{-kInfinity, 1, 1, -kInfinity, -kInfinity, 7};
  const auto weight = forward(graph, 1, score);
  expect_exact(weight, {0, 0.5, 0.5, 0, 0, 1}, "weight");
  expect_exact(backward(graph, 1, weight.reals(), {8, 1, 2, 3, 4, 5}), {0, -0.25, 0.25, 0, 0, 0}, "dscore");
}

TEST_P(EdgeSoftmaxTest, MinusInfinityInLongRows) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 5, {3 * kChunkEdges, kChunkEdges + 8, 2 * kChunkEdges});
  Reals score(graph.edges.count(), -kInfinity);
  std::vector<std::int64_t> seen(3, 0);
  for (std::size_t e = 0; e < score.size(); ++e) {
    const std::size_t i = graph.edges.to(e);  // row 0: all; row 1: only the last eight; row 2: none
    if (i == 0 || (i == 1 && ++seen[1] > kChunkEdges)) score[e] = rng.real(-1, 1);
  }
  expect_relative(forward(graph, 1, score), oracle::edge_softmax(graph.edges, 1, score), kFactor, "weight");
}

TEST_P(EdgeSoftmaxTest, NanAndInfinitySpoilTheirOwnRowAndHeadOnly) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 9, {4, 30, 700, 5});
  const Reals clean = rng.reals(graph.edges.count() * 3);
  const Reals before = forward(graph, 3, clean).reals();
  for (const double poison : {kNan, kInfinity}) {
    for (const std::size_t victim : {1u, 2u}) {
      SCOPED_TRACE(std::to_string(poison) + " in row " + std::to_string(victim));
      Reals score = clean, want = before;
      bool planted = false;
      for (std::size_t e = 0; e < graph.edges.count(); ++e) {
        if (graph.edges.to(e) != victim) continue;
        if (!planted) score[e * 3 + 1] = poison;
        planted = true;
        want[e * 3 + 1] = kNan;
      }
      expect_exact(forward(graph, 3, score), want, "weight");
    }
  }
}

TEST_P(EdgeSoftmaxTest, HubOfAHundredThousandEdges) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 10, {2, 100000});
  const Reals score = rng.reals(graph.edges.count(), -2, 2), dweight = rng.reals(graph.edges.count(), 0.5, 1.5);
  const double factor = hub_factor(dtype());
  const Reals weight = oracle::edge_softmax(graph.edges, 1, score);
  expect_relative(forward(graph, 1, score), weight, factor, "weight");
  expect_close(backward(graph, 1, weight, dweight), oracle::edge_softmax_backward(graph.edges, 1, weight, dweight),
               factor, "dscore");
}

TEST_P(EdgeSoftmaxDifferencesTest, GradientAgreesWithDifferences) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 6, 6, 20);
  const Reals score = rng.reals(60), dweight = rng.reals(60);
  const auto loss = [&](const Reals& s) { return dot(dweight, forward(graph, 3, s).reals()); };
  expect_gradient(loss, score, backward(graph, 3, forward(graph, 3, score).reals(), dweight).reals(), "dscore");
}

TEST_P(EdgeSoftmaxTest, RerunsAreBitIdentical) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    SCOPED_TRACE(graph.name);
    const Reals score = rng.reals(graph.edges.count() * 5), dweight = rng.reals(graph.edges.count() * 5);
    const auto weight = forward(graph, 5, score);
    expect_same_bits(forward(graph, 5, score), weight, "weight");
    expect_same_bits(backward(graph, 5, weight.reals(), dweight), backward(graph, 5, weight.reals(), dweight),
                     "dscore");
  }
}

}  // namespace
}  // namespace warpgnn::test
