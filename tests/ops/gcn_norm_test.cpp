// SPDX-License-Identifier: MIT
#include "warpgnn/ops/gcn_norm.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/gcn_norm.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kFactor = 16;

class GcnNormTest : public OpTest {
 protected:
  struct Forward {
    TestTensor norm, inv_sqrt_degree;
  };

  TestTensor per_edge(const oracle::Edges& edges, const Reals& values, Place place) const {
    if (values.empty() && edges.count() > 0) return {};
    return TestTensor::input(context(), dtype(), {static_cast<std::int64_t>(edges.count())}, values, place);
  }

  /// An empty `weight` stands for none.
  Forward forward(const TestGraph& graph, const Reals& weight, Place place = Place::contiguous) const {
    const TestTensor weights = per_edge(graph.edges, weight, place);
    Forward out{TestTensor::output(context(), dtype(), {static_cast<std::int64_t>(graph.edges.count())}, place),
                TestTensor::output(context(), dtype(), {graph.edges.num_sources}, place)};
    run(context(), gcn_norm_forward, GcnNorm{graph.upload(context()), weights},
        GcnNormResult{out.norm, out.inv_sqrt_degree});
    return out;
  }

  TestTensor backward(const TestGraph& graph, const Reals& weight, const Reals& dnorm,
                      Place place = Place::contiguous) const {
    const TestTensor weights = per_edge(graph.edges, weight, place);
    const TestTensor upstream = per_edge(graph.edges, dnorm, place);
    const TestTensor inv_sqrt_degree =
        TestTensor::input(context(), dtype(), {graph.edges.num_sources},
                          oracle::gcn_norm(graph.edges, weight).inv_sqrt_degree.value, place);
    auto dweight = TestTensor::output(context(), dtype(), {static_cast<std::int64_t>(graph.edges.count())}, place);
    run(context(), gcn_norm_backward, GcnNorm{graph.upload(context()), weights},
        GcnNormResult{.inv_sqrt_degree = inv_sqrt_degree}, GcnNormGradients{upstream, dweight});
    return dweight;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(GcnNormTest);

class GcnNormDifferencesTest : public GcnNormTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(GcnNormDifferencesTest);

TEST_P(GcnNormTest, MatchesOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (!graph.square()) continue;
    for (const bool weighted : {false, true}) {
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(graph.name + " " + name_of(place) + (weighted ? " weighted" : ""));
      const Reals weight = weighted ? rng.reals(graph.edges.count(), 0.25, 2) : Reals{};
      const auto want = oracle::gcn_norm(graph.edges, weight);
      const Forward got = forward(graph, weight, place);
      expect_close(got.norm, want.norm, kFactor, "norm");
      expect_close(got.inv_sqrt_degree, want.inv_sqrt_degree, kFactor, "inv_sqrt_degree");
      const Reals dnorm = rng.reals(graph.edges.count());
      expect_close(backward(graph, weight, dnorm, place), oracle::gcn_norm_backward(graph.edges, weight, dnorm),
                   kFactor, "dweight");
    }
  }
}

TEST_P(GcnNormTest, InverseRootsAloneAreTheSame) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (!graph.square()) continue;
    for (const bool weighted : {false, true}) {
      SCOPED_TRACE(graph.name + (weighted ? " weighted" : ""));
      const Reals weight = weighted ? rng.reals(graph.edges.count(), -0.25, 2) : Reals{};
      const TestTensor weights = per_edge(graph.edges, weight, Place::contiguous);
      const auto alone = TestTensor::output(context(), dtype(), {graph.edges.num_sources});
      run(context(), gcn_norm_forward, GcnNorm{graph.upload(context()), weights},
          GcnNormResult{.inv_sqrt_degree = alone});
      expect_same_bits(alone, forward(graph, weight).inv_sqrt_degree, "inv_sqrt_degree");
    }
  }
}

TEST_P(GcnNormTest, ExactForDegreesThatArePowersOfFour) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 6, {1, 4, 16, 64, 0, 4 * kChunkEdges / 2});
  const Forward got = forward(graph, {});
  expect_exact(got.inv_sqrt_degree, {1, 0.5, 0.25, 0.125, 0, 0.03125}, "inv_sqrt_degree");
  expect_exact(got.norm, oracle::gcn_norm(graph.edges, {}).norm.value, "norm");
}

TEST_P(GcnNormTest, DegreesThatAreNotPositiveGiveZero) {
  const TestGraph graph{"", {4, 4, {0, 1, 0, 1, 2, 2}, {0, 0, 1, 1, 2, 1}}};
  const Reals weight{1, -1, -2, 1, 4, 0.5};  // in-degrees 0, -0.5, 4 and none
  const Forward got = forward(graph, weight);
  expect_exact(got.inv_sqrt_degree, {0, 0, 0.5, 0}, "inv_sqrt_degree");
  expect_exact(got.norm, {0, 0, 0, 0, 1, 0}, "norm");
  expect_exact(backward(graph, weight, {1, 2, 3, 4, 5, 6}), {0, 0, 0, 0, 0, 0}, "dweight");
}

TEST_P(GcnNormTest, HubOfAHundredThousandEdges) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 3, {100000, 5, 3});
  const Reals weight = rng.reals(graph.edges.count(), 0.5, 1.5);
  const double factor = hub_factor(dtype());
  const auto want = oracle::gcn_norm(graph.edges, weight);
  const Forward got = forward(graph, weight);
  expect_close(got.inv_sqrt_degree, want.inv_sqrt_degree, factor, "inv_sqrt_degree");
  expect_close(got.norm, want.norm, 2 * factor, "norm");
  const Reals dnorm = rng.reals(graph.edges.count(), 0.5, 1.5);
  expect_close(backward(graph, weight, dnorm), oracle::gcn_norm_backward(graph.edges, weight, dnorm), 2 * factor,
               "dweight");
}

TEST_P(GcnNormDifferencesTest, GradientAgreesWithDifferences) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 8, 8, 24);
  const Reals weight = rng.reals(24, 0.5, 2), dnorm = rng.reals(24);
  const auto loss = [&](const Reals& w) { return dot(dnorm, forward(graph, w).norm.reals()); };
  expect_gradient(loss, weight, backward(graph, weight, dnorm).reals(), "dweight");
}

TEST_P(GcnNormTest, RerunsAreBitIdentical) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (!graph.square()) continue;
    SCOPED_TRACE(graph.name);
    const Reals weight = rng.reals(graph.edges.count(), 0.25, 2), dnorm = rng.reals(graph.edges.count());
    const Forward first = forward(graph, weight), second = forward(graph, weight);
    expect_same_bits(second.norm, first.norm, "norm");
    expect_same_bits(second.inv_sqrt_degree, first.inv_sqrt_degree, "inv_sqrt_degree");
    expect_same_bits(backward(graph, weight, dnorm), backward(graph, weight, dnorm), "dweight");
  }
}

}  // namespace
}  // namespace warpgnn::test
