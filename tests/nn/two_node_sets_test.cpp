// SPDX-License-Identifier: MIT
// Layers over two node sets, beside the cases of layer_checks_test.cpp: what they have in common with those over one.

#include <gtest/gtest.h>

#include "tests/nn/layer_fixture.hpp"
#include "tests/support/compare.hpp"
#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/message_layers.hpp"

namespace warpgnn::test {
namespace {

using nn::NodeFeatures;
using oracle::Reals;

constexpr std::int64_t kIn = 3;

class NnTwoNodeSetsTest : public LayerTest {
 protected:
  void SetUp() override {
    LayerTest::SetUp();
    if (!IsSkipped()) session.emplace(context(), dtype(), 3);
  }

  Tensor random(std::int64_t rows, std::int64_t columns) {
    return tensor({rows, columns}, away_from_zero(rng.reals(static_cast<std::size_t>(rows * columns))));
  }

  /// Calls `check` with every layer and a function that calls its forward.
  template <class Check>
  void for_each_layer(const Check& check) {
    const auto with_edges = [](auto& layer, const Graph& graph, const auto& x, const Edges& edges) {
      return layer.forward(graph, x, edges.features);
    };
    const auto plain = [](auto& layer, const Graph& graph, const auto& x, const Edges&) {
      return layer.forward(graph, x);
    };
    const auto typed = [](auto& layer, const Graph& graph, const auto& x, const Edges& edges) {
      return layer.forward(graph, x, edges.relation, edges.weight);
    };
    const auto check_layer = [&](const char* name, auto layer, const auto& forward, bool normalises = false) {
      SCOPED_TRACE(name);
      nn::ParameterList list;
      layer.collect(list);
      randomize(list, rng);
      check(layer, list, forward, normalises);
    };
    check_layer("GATConv", nn::GATConv(*session, "l", kIn, {.heads = 2, .channels = 3, .edge_features = 2}),
                with_edges);
    check_layer("GATConv plain", nn::GATConv(*session, "l", kIn, {.heads = 1, .channels = 4}), plain);
    check_layer("GATv2Conv", nn::GATv2Conv(*session, "l", kIn, {.heads = 2, .channels = 3, .edge_features = 2}),
                with_edges);
    check_layer("GATConv residual",
                nn::GATConv(*session, "l", kIn, {.heads = 2, .channels = 3, .bias = false, .residual = true}), plain);
    check_layer("GATv2Conv shared",
                nn::GATv2Conv(*session, "l", kIn, {.heads = 2, .channels = 3, .share_weights = true, .residual = true}),
                plain);
    check_layer("AdditiveAttentionConv", nn::AdditiveAttentionConv(*session, "l", kIn, {.heads = 2, .channels = 2}),
                plain);
    check_layer("TransformerConv",
                nn::TransformerConv(*session, "l", kIn, {.heads = 2, .channels = 3, .edge_features = 2, .gate = true}),
                with_edges);
    check_layer("SAGEConv", nn::SAGEConv(*session, "l", kIn, 4), plain);
    check_layer("SAGEConv max", nn::SAGEConv(*session, "l", kIn, 4, {.reduce = {Reduce::max}}), plain);
    check_layer("SAGEConv projected, mean and min",
                nn::SAGEConv(*session, "l", kIn, 4, {.reduce = {Reduce::mean, Reduce::min}, .project = true}), plain);
    check_layer("SAGEConv without root weight", nn::SAGEConv(*session, "l", kIn, 4, {.root_weight = false}), plain);
    check_layer("GINConv", nn::GINConv(*session, "l", kIn, 4), plain, true);
    check_layer("GINEConv", nn::GINEConv(*session, "l", kIn, 4, 2), with_edges, true);
    check_layer("GINAggregation", nn::GINAggregation(*session, "l", kIn), plain);
    check_layer("GINEAggregation", nn::GINEAggregation(*session, "l", kIn, 2), with_edges);
    check_layer("RGCNConv", nn::RGCNConv(*session, "l", kIn, 4, {.relations = 2, .bases = 2}), typed);
    check_layer("RGCNConv blocks", nn::RGCNConv(*session, "l", kIn, 6, {.relations = 2, .blocks = 3}), typed);
  }

  struct Edges {
    Tensor features, relation, weight;
  };
  Edges edges_of(std::int64_t count) {
    oracle::Ids relation;
    for (std::int64_t e = 0; e < count; ++e) relation.push_back(e % 2);
    return {random(count, 2), labels_of(context(), relation),
            tensor({count}, rng.reals(static_cast<std::size_t>(count)))};
  }

  static std::map<std::string, Reals> gradients(const nn::ParameterList& list) {
    std::map<std::string, Reals> all;
    for (const nn::Parameter* each : list) {
      if (each->trainable) all[each->name] = reals_of(each->gradient);
    }
    return all;
  }

  Rng rng;
  std::optional<nn::Session> session;
};

WARPGNN_INSTANTIATE_OP_TESTS(NnTwoNodeSetsTest);

/// Over one set that is given twice a layer is what it is over that set, and its gradient of x is the sum of both.
/// Between them it forgets which it was.
TEST_P(NnTwoNodeSetsTest, OneSetGivenTwice) {
  const TestGraph data = batch_with_isolated_nodes(rng, 15);
  const Graph graph = data.upload(context());
  const Edges edges = edges_of(graph.num_edges());
  const Tensor x = random(15, kIn);
  for_each_layer([&](auto& layer, const nn::ParameterList& list, const auto& forward, bool normalises) {
    const ConstTensorView y = forward(layer, graph, x, edges);
    const Reals one = reals(y);
    const Tensor dy = random(y.shape[0], y.shape[1]);
    const Reals dx = reals(layer.backward(dy));
    const auto want = gradients(list);
    EXPECT_FALSE(layer.destination_gradient().defined());

    expect_values(reals(forward(layer, graph, NodeFeatures{x, x}, edges)), one, dtype(), 500, "y");
    Reals both = reals(layer.backward(dy));
    const Reals more = reals(layer.destination_gradient());
    for (std::size_t k = 0; k < both.size(); ++k) both[k] += more[k];
    expect_values(both, dx, dtype(), 1000, "dx");
    const auto got = gradients(list);
    for (const auto& [name, gradient] : want) {
      const bool flat = normalises && (name == "l.mlp.0.bias" || name == "l.mlp.3.bias");
      if (!flat) expect_values(got.at(name), gradient, dtype(), 1000, name);
    }

    EXPECT_EQ(reals(forward(layer, graph, x, edges)), one);
    EXPECT_EQ(reals(layer.backward(dy)), dx);
    EXPECT_EQ(gradients(list), want);
    EXPECT_FALSE(layer.destination_gradient().defined());
  });
}

/// Three sources and five destinations, two of which have no edge, and an edge that is there twice.
TEST_P(NnTwoNodeSetsTest, HaveSizesOfTheirOwn) {
  const Graph graph = TestGraph{"", {3, 5, {0, 0, 2, 1, 2}, {0, 0, 3, 3, 1}}}.upload(context());
  const Edges edges = edges_of(5);
  const Tensor source = random(3, kIn), destination = random(5, kIn);
  for_each_layer([&](auto& layer, const nn::ParameterList&, const auto& forward, bool) {
    const ConstTensorView y = forward(layer, graph, NodeFeatures{source, destination}, edges);
    EXPECT_EQ(y.shape[0], 5);
    const Tensor dy = random(5, y.shape[1]);
    const ConstTensorView dsource = layer.backward(dy);
    EXPECT_EQ(dsource.shape[0], 3);
    EXPECT_EQ(dsource.shape[1], kIn);
    EXPECT_EQ(layer.destination_gradient().shape[0], 5);
    EXPECT_EQ(layer.destination_gradient().shape[1], kIn);
    EXPECT_FALSE(layer.backward(dy, false).defined());
    EXPECT_FALSE(layer.destination_gradient().defined());
  });
}

TEST_P(NnTwoNodeSetsTest, AnEmptySetIsASet) {
  for (const auto& [sources, destinations] : {std::pair{3, 0}, std::pair{0, 5}, std::pair{3, 5}}) {
    const Graph graph = TestGraph{"", {sources, destinations, {}, {}}}.upload(context());
    const Edges edges = edges_of(0);
    const Tensor source = random(sources, kIn), destination = random(destinations, kIn);
    for_each_layer([&](auto& layer, const nn::ParameterList& list, const auto& forward, bool normalises) {
      if (normalises && graph.num_destinations() == 0) return;  // a mean over no rows
      const ConstTensorView y = forward(layer, graph, NodeFeatures{source, destination}, edges);
      EXPECT_EQ(y.shape[0], graph.num_destinations());
      const Tensor dy = random(y.shape[0], y.shape[1]);
      const Reals dsource = reals(layer.backward(dy));
      EXPECT_EQ(dsource, Reals(dsource.size(), 0));
      EXPECT_EQ(layer.destination_gradient().shape[0], graph.num_destinations());
      for (const auto& [name, gradient] : gradients(list)) {
        for (const double each : gradient) ASSERT_TRUE(std::isfinite(each)) << name;
      }
    });
  }
}

/// Rows that stand apart, of both sets.
TEST_P(NnTwoNodeSetsTest, RowsMayBeStrided) {
  const TestGraph data = bipartite_with_multi_edges(rng, 9);
  const Graph graph = data.upload(context());
  const Edges edges = edges_of(graph.num_edges());
  const Reals first = rng.reals(static_cast<std::size_t>(9 * kIn));
  const Reals second = rng.reals(static_cast<std::size_t>(graph.num_destinations() * kIn));
  const Shape shape{9, kIn}, second_shape{graph.num_destinations(), kIn};
  const Tensor source = tensor(shape, first), destination = tensor(second_shape, second);
  const auto apart = TestTensor::input(context(), dtype(), shape, first, Place::strided);
  const auto second_apart = TestTensor::input(context(), dtype(), second_shape, second, Place::strided);
  for_each_layer([&](auto& layer, const nn::ParameterList& list, const auto& forward, bool normalises) {
    const ConstTensorView y = forward(layer, graph, NodeFeatures{source, destination}, edges);
    const Reals want = reals(y);
    const Tensor dy = random(y.shape[0], y.shape[1]);
    const Reals dsource = reals(layer.backward(dy)), ddestination = reals(layer.destination_gradient());
    const auto parameters = gradients(list);
    expect_values(reals(forward(layer, graph, NodeFeatures{apart, second_apart}, edges)), want, dtype(), 500, "y");
    expect_values(reals(layer.backward(dy)), dsource, dtype(), 1000, "dx.source");
    expect_values(reals(layer.destination_gradient()), ddestination, dtype(), 1000, "dx.destination");
    for (const auto& [name, gradient] : gradients(list)) {
      const bool flat = normalises && (name == "l.mlp.0.bias" || name == "l.mlp.3.bias");
      if (!flat) expect_values(gradient, parameters.at(name), dtype(), 1000, name);
    }
  });
}

TEST_P(NnTwoNodeSetsTest, RefusesWrongFeatures) {
  const Graph graph = TestGraph{"", {3, 5, {0, 0, 2, 1, 2}, {0, 0, 3, 3, 1}}}.upload(context());
  const Edges edges = edges_of(5);
  const Tensor source = random(3, kIn), destination = random(5, kIn), wide = random(5, 7);
  for_each_layer([&](auto& layer, const nn::ParameterList&, const auto& forward, bool) {
    const auto refuses = [&](const std::vector<std::string>& words, const NodeFeatures& x) {
      expect_error(kInvalid, words, [&] { forward(layer, graph, x, edges); });
    };
    refuses({"x.source: ", "[3, 3]", "[5, 3]"}, {destination, source});
    refuses({"x.source: ", "[3, 3]", "none"}, {{}, destination});
    refuses({"x.destination: ", "[5, 3]", "[3, 3]"}, {source, source});
    refuses({"x.destination: ", "[5, 3]", "[5, 7]"}, {source, wide});
    refuses({"x.destination: ", "[5, 3]", "none"}, {source, {}});
    expect_error(kInvalid, {"graph", "3", "5"}, [&] { forward(layer, graph, source, edges); });
    const ConstTensorView y = forward(layer, graph, NodeFeatures{source, destination}, edges);
    const Tensor three = random(3, y.shape[1]);
    expect_error(kInvalid, {"dy", "5", "3"}, [&] { layer.backward(three); });
  });
}

/// Layers made for destinations of another width than the sources'.
TEST_P(NnTwoNodeSetsTest, WidthsOfTheirOwn) {
  const Graph graph = TestGraph{"", {5, 5, {0, 0, 2, 1, 2}, {0, 0, 3, 3, 1}}}.upload(context());
  const Edges edges = edges_of(5);
  const Tensor source = random(5, kIn), destination = random(5, 2);
  const auto check = [&](const char* name, auto make, const auto& forward) {
    SCOPED_TRACE(name);
    expect_error(kInvalid, {"in_destination", "-1"}, [&] { make(-1); });
    auto layer = make(2);
    expect_error(kInvalid, {"x: ", "two node sets", "in 3", "in_destination 2"}, [&] { forward(layer, source); });
    expect_error(kInvalid, {"x.destination: ", "[5, 2]", "[5, 3]"}, [&] {
      forward(layer, NodeFeatures{source, source});
    });
    expect_error(kInvalid, {"x.source: ", "[5, 3]", "[5, 2]"}, [&] {
      forward(layer, NodeFeatures{destination, destination});
    });
    const ConstTensorView y = forward(layer, NodeFeatures{source, destination});
    layer.backward(random(y.shape[0], y.shape[1]));
    EXPECT_EQ(layer.destination_gradient().shape[1], 2);
    auto same = make(kIn);
    forward(same, source);
  };
  const auto plain = [&](auto& layer, const auto& x) { return layer.forward(graph, x); };
  const auto typed = [&](auto& layer, const auto& x) { return layer.forward(graph, x, edges.relation); };
  check(
      "GATConv", [&](std::int64_t width) { return nn::GATConv(*session, "l", kIn, {.in_destination = width}); }, plain);
  check(
      "GATv2Conv", [&](std::int64_t width) { return nn::GATv2Conv(*session, "l", kIn, {.in_destination = width}); },
      plain);
  check(
      "AdditiveAttentionConv",
      [&](std::int64_t width) { return nn::AdditiveAttentionConv(*session, "l", kIn, {.in_destination = width}); },
      plain);
  check(
      "TransformerConv",
      [&](std::int64_t width) { return nn::TransformerConv(*session, "l", kIn, {.in_destination = width}); }, plain);
  check(
      "SAGEConv", [&](std::int64_t width) { return nn::SAGEConv(*session, "l", kIn, 4, {.in_destination = width}); },
      plain);
  check(
      "RGCNConv",
      [&](std::int64_t width) {
        return nn::RGCNConv(*session, "l", kIn, 4, {.relations = 2, .in_destination = width});
      },
      typed);
}

}  // namespace
}  // namespace warpgnn::test
