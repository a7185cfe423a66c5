// SPDX-License-Identifier: MIT
// The graph layers of warpgnn/nn.

#include "warpgnn/nn/graph_layers.hpp"

#include <gtest/gtest.h>

#include "tests/nn/layer_cases.hpp"
#include "tests/nn/layer_fixture.hpp"
#include "tests/oracle/gcn_norm.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/nn_formulas.hpp"
#include "warpgnn/ops/gcn_norm.hpp"

namespace warpgnn::test {
namespace {

using nn::GCNConv;
using nn::GINAggregation;
using nn::GINConv;
using nn::NodeScale;
using nn::Session;
using oracle::Reals;

SubjectCase gcn_case(std::int64_t in, std::int64_t out, const nn::GCNOptions& options) {
  return layer_case<GCNConv>(
      "GCNConv " + std::to_string(in) + " to " + std::to_string(out) + (options.bias ? "" : " without bias") +
          (options.activation == Activation::identity ? "" : ", elu"),
      {.width = in,
       .make = [=](Session& session) { return GCNConv(session, "gcn", in, out, options); },
       .forward = [](GCNConv& layer,
                     const Subject& in_) { return layer.forward(in_.graph(), in_.x(), in_.edge_weight()); },
       .formula =
           [=](const Subject& subject) {
             const Reals y = formula::gcn(subject.parameters(), "gcn", subject.edges(), reals_of(subject.edge_weight()),
                                          reals_of(subject.x()), static_cast<std::size_t>(in));
             const bool plain = options.activation == Activation::identity;
             return plain ? y : formula::activation(oracle::Activation::elu, y, options.slope);
           },
       .weight_has_gradient = options.edge_weight_gradient});
}

/// r of a subject's graph; the layer keeps a view of it until its backward.
Tensor roots_of(const Subject& subject) {
  return tensor_of(subject.context(), subject.session().dtype(), {subject.graph().num_nodes()},
                   oracle::gcn_norm(subject.edges(), {}).inv_sqrt_degree.value);
}

/// r_j w_e r_i.
Reals scaled_weights(const Subject& subject, bool weighted) {
  const Reals weight = reals_of(subject.edge_weight());
  Reals norm = oracle::gcn_norm(subject.edges(), {}).norm.value;
  for (std::size_t e = 0; weighted && e < norm.size(); ++e) norm[e] *= weight[e];
  return norm;
}

SubjectCase scaled_gcn_case(std::int64_t in, std::int64_t out, bool weighted) {
  const auto roots = std::make_shared<Tensor>();
  return layer_case<GCNConv>(
      "GCNConv " + std::to_string(in) + " to " + std::to_string(out) + ", scaled nodes" + (weighted ? ", weights" : ""),
      {.width = in,
       .make = [=](Session& session) { return GCNConv(session, "gcn", in, out, {.edge_weight_gradient = weighted}); },
       .forward =
           [=](GCNConv& layer, const Subject& subject) {
             *roots = roots_of(subject);
             const NodeScale scale(*roots, weighted ? ConstTensorView(subject.edge_weight()) : ConstTensorView{});
             return layer.forward(subject.graph(), subject.x(), scale);
           },
       .formula =
           [=](const Subject& subject) {
             return formula::gcn(subject.parameters(), "gcn", subject.edges(), scaled_weights(subject, weighted),
                                 reals_of(subject.x()), static_cast<std::size_t>(in));
           },
       .weight_has_gradient = weighted});
}

Reals gin_sums(const Subject& subject, std::int64_t in) {
  return formula::gin_sums(subject.parameters(), "gin", subject.edges(), reals_of(subject.x()),
                           subject.destination_values(), static_cast<std::size_t>(in));
}

template <class Layer>
SharedTensor gin_forward(Layer& layer, const Subject& subject) {
  return with_features(subject, [&](const auto& x) { return layer.forward(subject.graph(), x); });
}

std::string with_options(const std::string& name, bool two_sets, const nn::GINOptions& options) {
  return name + (two_sets ? ", two node sets" : "") + (options.train_epsilon ? "" : ", fixed epsilon");
}

SubjectCase gin_case(std::int64_t in, std::int64_t out, bool two_sets, const nn::GINOptions& options = {}) {
  return layer_case<GINConv>(
      with_options("GINConv " + std::to_string(in) + " to " + std::to_string(out), two_sets, options),
      {.width = in,
       .make = [=](Session& session) { return GINConv(session, "gin", in, out, options); },
       .forward = gin_forward<GINConv>,
       .formula =
           [=](const Subject& subject) {
             return formula::gin_network(subject.parameters(), "gin", gin_sums(subject, in),
                                         static_cast<std::size_t>(in));
           },
       .two_sets = two_sets},
      {"gin.mlp.0.bias", "gin.mlp.3.bias"});  // the batch normalisation after it takes them out again
}

SubjectCase gin_aggregation_case(std::int64_t in, bool two_sets, const nn::GINOptions& options = {}) {
  return layer_case<GINAggregation>(
      with_options("GINAggregation " + std::to_string(in), two_sets, options),
      {.width = in,
       .make = [=](Session& session) { return GINAggregation(session, "gin", in, options); },
       .forward = gin_forward<GINAggregation>,
       .formula = [=](const Subject& subject) { return gin_sums(subject, in); },
       .two_sets = two_sets});
}

}  // namespace

std::vector<SubjectCase> graph_layer_cases() {
  return {
      gcn_case(3, 6, {}),
      gcn_case(3, 6, {.bias = false}),
      gcn_case(6, 3, {}),
      gcn_case(6, 3, {.bias = false}),
      gcn_case(4, 4, {}),
      gcn_case(3, 6, {.activation = Activation::elu, .slope = 0.7}),
      gcn_case(6, 3, {.activation = Activation::elu, .slope = 0.7}),
      gcn_case(3, 5, {.edge_weight_gradient = true}),
      gcn_case(5, 3, {.edge_weight_gradient = true}),
      gcn_case(5, 2, {.bias = false, .edge_weight_gradient = true}),
      scaled_gcn_case(3, 6, false),
      scaled_gcn_case(6, 3, false),
      scaled_gcn_case(3, 6, true),
      scaled_gcn_case(6, 3, true),
      gin_case(3, 5, false),
      gin_case(5, 3, false),
      gin_case(3, 4, true),
      gin_case(3, 4, false, {.epsilon = 0.7, .train_epsilon = false}),
      gin_case(3, 4, true, {.epsilon = -0.3, .train_epsilon = false}),
      gin_aggregation_case(3, false),
      gin_aggregation_case(4, true),
      gin_aggregation_case(3, false, {.epsilon = 0.7, .train_epsilon = false}),
      gin_aggregation_case(4, true, {.epsilon = -0.3, .train_epsilon = false}),
  };
}

namespace {

class NnGraphLayersTest : public LayerTest {};

class NnGraphLayersGradientTest : public BackendTest {};

WARPGNN_INSTANTIATE_OP_TESTS(NnGraphLayersTest);
WARPGNN_INSTANTIATE_BACKEND_TESTS(NnGraphLayersGradientTest);

/// dw_e = <dy_i W, x_j>, whichever product comes first, also without weights and without dx.
TEST_P(NnGraphLayersTest, GcnGivesTheGradientOfItsEdgeWeights) {
  Rng rng;
  const TestGraph data = batch_with_isolated_nodes(rng, 15);
  const Graph graph = data.upload(context());
  const auto edges = static_cast<std::int64_t>(data.edges.count());
  for (const std::int64_t out : {2, 5}) {
    for (const bool weighted : {true, false}) {
      Session session(context(), dtype(), 3);
      GCNConv layer(session, "gcn", 3, out, {.edge_weight_gradient = true}), plain(session, "plain", 3, out);
      nn::ParameterList list;
      layer.collect(list);
      const Reals weight = reals_of(nn::find(list, "gcn.weight").value);
      const Reals x_values = rng.reals(45), dy_values = rng.reals(static_cast<std::size_t>(15 * out));
      const Tensor x = tensor({15, 3}, x_values), dy = tensor({15, out}, dy_values);
      const Tensor edge_weight = weighted ? tensor({edges}, rng.reals(data.edges.count())) : Tensor();
      layer.forward(graph, x, edge_weight);
      EXPECT_FALSE(layer.backward(dy, false).defined());
      Reals want(data.edges.count(), 0);
      const auto width = static_cast<std::size_t>(out);
      for (std::size_t e = 0; e < want.size(); ++e) {
        for (std::size_t o = 0; o < width; ++o) {
          for (std::size_t k = 0; k < 3; ++k) {
            want[e] +=
                dy_values[data.edges.to(e) * width + o] * weight[o * 3 + k] * x_values[data.edges.from(e) * 3 + k];
          }
        }
      }
      expect_values(reals(layer.edge_weight_gradient()), want, dtype(), 500, "dedge_weight");
      plain.forward(graph, x, edge_weight);
      plain.backward(dy);
      EXPECT_FALSE(plain.edge_weight_gradient().defined());
    }
  }
}

/// From the layer through gcn_norm to the weights that it normalised.
TEST_P(NnGraphLayersGradientTest, EdgeWeightsBehindANormalisation) {
  Rng rng;
  const Graph graph = batch_with_isolated_nodes(rng, 11).upload(context()).with_self_loops(context());
  const std::int64_t edges = graph.num_edges();
  const Reals at = rng.reals(static_cast<std::size_t>(edges), 0.5, 2);
  Tensor weight = tensor_of(context(), Dtype::float64, {edges}, at);
  const Tensor x = tensor_of(context(), Dtype::float64, {11, 3}, rng.reals(33));
  const GcnNorm norm{.graph = graph, .weight = weight};
  for (const std::int64_t out : {2, 4}) {
    Session session(context(), Dtype::float64, 3);
    GCNConv layer(session, "gcn", 3, out, {.edge_weight_gradient = true});
    Tensor normalised(context(), Dtype::float64, {edges}), degree(context(), Dtype::float64, {11});
    const GcnNormResult result{.norm = normalised, .inv_sqrt_degree = degree};
    const Reals dy = rng.reals(static_cast<std::size_t>(11 * out));
    const auto forward = [&] {
      gcn_norm_forward(context(), norm, result);
      return layer.forward(graph, x, normalised);
    };
    forward();
    layer.backward(tensor_of(context(), Dtype::float64, {11, out}, dy), false);
    Tensor dweight(context(), Dtype::float64, {edges});
    gcn_norm_backward(context(), norm, result, {.dnorm = layer.edge_weight_gradient(), .dweight = dweight},
                      session.scratch());
    const auto loss = [&](const Reals& shifted) {
      assign(weight, shifted);
      return dot(dy, reals_of(context(), forward()));
    };
    expect_gradient(loss, at, reals_of(dweight), "dweight");
    assign(weight, at);
  }
}

/// In either order of the two products, forward and backward.
TEST_P(NnGraphLayersTest, GcnsScaleOfNodesIsItsNormOfEdges) {
  Rng rng;
  const Graph graph = batch_with_isolated_nodes(rng, 15).upload(context()).with_self_loops(context());
  Tensor norm(context(), dtype(), {graph.num_edges()}), root(context(), dtype(), {15});
  gcn_norm_forward(context(), {.graph = graph}, {.norm = norm, .inv_sqrt_degree = root});
  const Tensor x = tensor({15, 3}, rng.reals(45));
  for (const std::int64_t out : {2, 5}) {
    Session session(context(), dtype(), 3), twin_session(context(), dtype(), 3);
    GCNConv layer(session, "gcn", 3, out), twin(twin_session, "gcn", 3, out);
    const Tensor dy = tensor({15, out}, rng.reals(static_cast<std::size_t>(15 * out)));
    const Reals y = reals(layer.forward(graph, x, NodeScale(root)));
    expect_values(y, reals(twin.forward(graph, x, norm)), dtype(), 100, "y");
    expect_values(reals(layer.backward(dy)), reals(twin.backward(dy)), dtype(), 100, "dx");
    layer.forward(graph, x);  // no scale is left of the forward before
    twin.forward(graph, x);
    EXPECT_EQ(reals(layer.backward(dy)), reals(twin.backward(dy)));
  }
}

TEST_P(NnGraphLayersTest, GinsEpsilonStartsWhereItIsAsked) {
  Session session(context(), dtype(), 3);
  for (const bool learnt : {true, false}) {
    GINConv layer(session, "gin", 3, 4, {.epsilon = 0.25, .train_epsilon = learnt});
    nn::ParameterList list;
    layer.collect(list);
    EXPECT_EQ(reals_of(nn::find(list, "gin.epsilon").value), Reals{0.25});
    EXPECT_EQ(nn::find(list, "gin.epsilon").trainable, learnt);
  }
}

TEST_P(NnGraphLayersTest, GinEvaluatesWithRunningStatistics) {
  Session session(context(), dtype(), 3);
  GINConv layer(session, "gin", 3, 4);
  Rng rng;
  const TestGraph data = batch_with_isolated_nodes(rng, 15);
  const Graph graph = data.upload(context());
  const Tensor x = tensor({15, 3}, rng.reals(45));
  const Reals trained = reals(layer.forward(graph, x));
  nn::ParameterList list;
  layer.collect(list);
  const Reals mean = reals_of(nn::find(list, "gin.norm.running_mean").value);
  session.set_training(false);
  EXPECT_NE(reals(layer.forward(graph, x)), trained);
  EXPECT_EQ(reals_of(nn::find(list, "gin.norm.running_mean").value), mean);
}

TEST_P(NnGraphLayersTest, ParametersCarryTheLayersName) {
  Session session(context(), dtype(), 3);
  EXPECT_EQ(names(GCNConv(session, "a", 2, 3)), (Names{"a.weight", "a.bias"}));
  EXPECT_EQ(names(GCNConv(session, "a", 2, 3, {.bias = false})), (Names{"a.weight"}));
  EXPECT_EQ(names(GINAggregation(session, "b", 2)), (Names{"b.epsilon"}));
  EXPECT_EQ(names(GINConv(session, "c", 2, 3)),
            (Names{"c.epsilon", "c.mlp.0.weight", "c.mlp.0.bias", "c.mlp.1.weight", "c.mlp.1.bias",
                   "c.mlp.1.running_mean", "c.mlp.1.running_var", "c.mlp.3.weight", "c.mlp.3.bias", "c.norm.weight",
                   "c.norm.bias", "c.norm.running_mean", "c.norm.running_var"}));
}

class NnGraphLayerErrorsTest : public LayerErrorsTest {};

WARPGNN_INSTANTIATE_OP_TESTS(NnGraphLayerErrorsTest);

TEST_P(NnGraphLayerErrorsTest, Gcn) {
  for (const std::int64_t out : {2, 5}) {
    GCNConv layer(*session, "gcn", 3, out);
    expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x, edge_weight); });
    expect_error(kInvalid, {"x", "[4, ", "[5, "}, [&] { layer.forward(graph, long_x, edge_weight); });
    expect_error(kInvalid, {"x:", "7]", "3]"}, [&] { layer.forward(graph, wide_x, edge_weight); });
    expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, {}, edge_weight); });
    const Tensor more_edges = tensor({4}, Reals(4, 1));
    expect_error(kInvalid, {"edge_weight:", "[3]", "[4]"}, [&] { layer.forward(graph, x, more_edges); });
    const Tensor scale = tensor({4}, Reals(4, 1));
    expect_error(kInvalid, {"scale:", "[4]", "none"}, [&] { layer.forward(graph, x, NodeScale({})); });
    expect_error(kInvalid, {"scale:", "[4]", "[3]"}, [&] { layer.forward(graph, x, NodeScale(edge_weight)); });
    expect_error(kInvalid, {"edge_weight:", "[3]", "[4]"},
                 [&] { layer.forward(graph, x, NodeScale(scale, more_edges)); });
    const Tensor other =
        tensor_of(context(), dtype() == Dtype::float32 ? Dtype::float64 : Dtype::float32, {4}, Reals(4, 1));
    expect_error(kInvalid, {"scale:", "float32", "float64"}, [&] { layer.forward(graph, x, NodeScale(other)); });
    expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x, NodeScale(scale)); });
    layer.forward(graph, x, edge_weight);
    expect_error(kInvalid, {"dy", "none"}, [&] { layer.backward({}); });
  }
}

TEST_P(NnGraphLayerErrorsTest, Gin) {
  GINConv layer(*session, "gin", 3, 4);
  expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x); });
  expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x); });
  expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x); });
  expect_error(kInvalid, {"x:", "7]", "3]"}, [&] { layer.forward(graph, wide_x); });
  layer.forward(graph, x);
  expect_error(kInvalid, {"dy", "[4, 4]", "[4, 7]"}, [&] { layer.backward(wide_x); });
}

TEST_P(NnGraphLayerErrorsTest, GinsAggregation) {
  expect_error(kInvalid, {"in", "0"}, [&] { GINAggregation(*session, "gin", 0); });
  GINAggregation layer(*session, "gin", 3);
  expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x); });
  expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x); });
  expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x); });
  layer.forward(graph, x);
  expect_error(kInvalid, {"dy", "[4, 3]", "[4, 7]"}, [&] { layer.backward(wide_x); });
  expect_error(kInvalid, {"dy", "[4, 3]", "[5, 3]"}, [&] { layer.backward(long_x); });
}

/// Its first layer has run when the normalisation refuses a graph without nodes.
TEST_P(NnGraphLayerErrorsTest, GinGoesOnAfterAFailureWithin) {
  GINConv layer(*session, "gin", 3, 4);
  const Tensor nothing = tensor({0, 3}, {}), dy = tensor({4, 4}, Reals(16, 1));
  const Graph empty = TestGraph{"", {0, 0, {}, {}}}.upload(context());
  EXPECT_THROW(layer.forward(empty, nothing), Error);
  expect_error(kInvalid, {"GINConv", "training"}, [&] { layer.backward(dy); });
  layer.forward(graph, x);
  layer.backward(dy);
}

}  // namespace
}  // namespace warpgnn::test
