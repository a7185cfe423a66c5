// SPDX-License-Identifier: MIT
// Features of edges for graphs whose loops have been replaced.

#include "warpgnn/nn/loop_features.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/nn/layer_fixture.hpp"
#include "tests/support/compare.hpp"

namespace warpgnn::test {
namespace {

using nn::LoopFeatures;
using nn::LoopFeaturesOptions;
using nn::LoopFill;
using nn::Session;
using oracle::Edges;
using oracle::Reals;

constexpr std::int64_t kColumns = 3;
constexpr auto kWidth = static_cast<std::size_t>(kColumns);
constexpr LoopFeaturesOptions kMean{}, kConstant{.fill = LoopFill::constant, .value = -1.5};

/// Duplicate edges and loops, nodes with loops alone and with nothing.
TestGraph looped_graph(Rng& rng) {
  TestGraph graph = batch_with_isolated_nodes(rng, 17);
  for (const std::int64_t n : {0, 2, 2, 16}) {
    graph.edges.source.push_back(n);
    graph.edges.destination.push_back(n);
  }
  return graph;
}

/// As the header has it, edge by edge.
Reals formula(const Edges& edges, const Reals& features, const LoopFeaturesOptions& options) {
  const std::size_t nodes = edges.destinations();
  Reals y, loops(nodes * kWidth, options.fill == LoopFill::constant ? options.value : 0), degree(nodes, 0);
  for (std::size_t e = 0; e < edges.count(); ++e) degree[edges.to(e)] += edges.from(e) != edges.to(e) ? 1 : 0;
  for (std::size_t e = 0; e < edges.count(); ++e) {
    if (edges.from(e) == edges.to(e)) continue;
    for (std::size_t k = 0; k < kWidth; ++k) {
      y.push_back(features[e * kWidth + k]);
      if (options.fill == LoopFill::mean) loops[edges.to(e) * kWidth + k] += y.back() / degree[edges.to(e)];
    }
  }
  y.insert(y.end(), loops.begin(), loops.end());
  return y;
}

class NnLoopFeaturesTest : public LayerTest {};
class NnLoopFeaturesGradientTest : public BackendTest {};
WARPGNN_INSTANTIATE_OP_TESTS(NnLoopFeaturesTest);
WARPGNN_INSTANTIATE_BACKEND_TESTS(NnLoopFeaturesGradientTest);

TEST_P(NnLoopFeaturesTest, FollowTheFormula) {
  Rng rng;
  Session session(context(), dtype(), 3);
  for (const LoopFeaturesOptions& options : {kMean, kConstant}) {
    LoopFeatures layer(session, options);
    for (const TestGraph& data : {looped_graph(rng), TestGraph{"no edge", {2, 2, {}, {}}},
                                  TestGraph{"a loop alone", {2, 2, {1}, {1}}}, TestGraph{"no node", {0, 0, {}, {}}}}) {
      SCOPED_TRACE(data.name);
      const auto edges = static_cast<std::int64_t>(data.edges.count());
      const LooplessGraph loopless = data.upload(context()).without_self_loops(context());
      const Reals values = rng.reals(data.edges.count() * kWidth);
      const SharedTensor y = layer.forward(loopless, tensor({edges, kColumns}, values));
      EXPECT_EQ(y.shape[0], loopless.graph.with_self_loops(context()).num_edges());
      expect_values(reals(y), formula(data.edges, values, options), dtype(), 20, "y");
      EXPECT_EQ(layer.backward(y).shape[0], edges);
    }
  }
}

/// And those of the loops that were left out are 0.
TEST_P(NnLoopFeaturesGradientTest, AgreeWithDifferences) {
  Rng rng;
  const TestGraph data = looped_graph(rng);
  const LooplessGraph loopless = data.upload(context()).without_self_loops(context());
  const auto edges = static_cast<std::int64_t>(data.edges.count());
  Session session(context(), Dtype::float64, 3);
  for (const LoopFeaturesOptions& options : {kMean, kConstant}) {
    LoopFeatures layer(session, options);
    const Reals at = rng.reals(data.edges.count() * kWidth);
    Tensor features = tensor_of(context(), Dtype::float64, {edges, kColumns}, at);
    const SharedTensor y = layer.forward(loopless, features);
    const Reals dy = rng.reals(static_cast<std::size_t>(y.count()));
    const Shape shape{y.shape[0], kColumns};
    const auto apart = TestTensor::input(context(), Dtype::float64, shape, dy, Place::strided);
    const Reals gradient = reals_of(context(), layer.backward(tensor_of(context(), Dtype::float64, shape, dy)));
    EXPECT_EQ(reals_of(context(), layer.backward(apart)), gradient);
    const auto loss = [&](const Reals& shifted) {
      assign(features, shifted);
      return dot(dy, reals_of(context(), layer.forward(loopless, features)));
    };
    expect_gradient(loss, at, gradient, "dx");
    for (std::size_t e = 0; e < data.edges.count(); ++e) {
      if (data.edges.from(e) != data.edges.to(e)) continue;
      EXPECT_EQ(gradient[e * kWidth], 0) << e;
    }
  }
}

TEST_P(NnLoopFeaturesTest, RefuseWrongArguments) {
  Session session(context(), dtype(), 3);
  expect_error(kInvalid, {"fill: ", "LoopFill", "7"},
               [&] { LoopFeatures(session, {.fill = static_cast<LoopFill>(7)}); });
  expect_error(kInvalid, {"value: ", "finite", "inf"}, [&] {
    LoopFeatures(session, {.fill = LoopFill::constant, .value = std::numeric_limits<double>::infinity()});
  });
  Rng rng;
  const TestGraph data{"", {3, 3, {0, 1, 2}, {1, 1, 0}}};
  const LooplessGraph loopless = data.upload(context()).without_self_loops(context());
  LoopFeatures layer(session);
  expect_error(kInvalid, {"edge_features: ", "[3, ", "[2, 4]"}, [&] {
    layer.forward(loopless, tensor({2, 4}, Reals(8, 1)));
  });
  expect_error(kInvalid, {"edge_features: ", "none"}, [&] { layer.forward(loopless, {}); });
  expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, tensor({3, 2}, Reals(6, 1))); });
  expect_error(kInvalid, {"LoopFeatures: ", "backward"}, [&] { layer.backward(tensor({5, 2}, Reals(10, 1))); });
  layer.forward(loopless, tensor({3, 2}, Reals(6, 1)));
  expect_error(kInvalid, {"dy: ", "[5, 2]", "[4, 2]"}, [&] { layer.backward(tensor({4, 2}, Reals(8, 1))); });
}

}  // namespace
}  // namespace warpgnn::test
