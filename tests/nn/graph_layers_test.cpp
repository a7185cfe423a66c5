// SPDX-License-Identifier: MIT
// The graph layers of warpgnn/nn.

#include "warpgnn/nn/graph_layers.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/nn/layer_cases.hpp"
#include "tests/nn/layer_fixture.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/nn_formulas.hpp"

namespace warpgnn::test {
namespace {

using nn::AttentionPool;
using nn::GATConv;
using nn::GATOptions;
using nn::GCNConv;
using nn::GINConv;
using nn::Session;
using oracle::Reals;

SubjectCase gcn_case(std::int64_t in, std::int64_t out, bool bias) {
  return layer_case<GCNConv>(
      "GCNConv " + std::to_string(in) + " to " + std::to_string(out) + (bias ? "" : " without bias"),
      {.width = in,
       .make = [=](Session& session) { return GCNConv(session, "gcn", in, out, bias); },
       .forward = [](GCNConv& layer,
                     const Subject& in_) { return layer.forward(in_.graph(), in_.edge_weight(), in_.x()); },
       .formula =
           [=](const Subject& subject) {
             return formula::gcn(subject.parameters(), "gcn", subject.edges(), reals_of(subject.edge_weight()),
                                 reals_of(subject.x()), static_cast<std::size_t>(in));
           }});
}

GATOptions gat_options(std::int64_t heads, std::int64_t edge_features, double dropout) {
  GATOptions options;
  options.heads = heads;
  options.channels = 3;
  options.negative_slope = 0.3;
  options.attention_dropout = dropout;
  options.edge_features = edge_features;
  return options;
}

constexpr std::int64_t kGatWidth = 4;

formula::GatResult gat_formula(const Subject& subject, const GATOptions& options) {
  const formula::Gat shape{.inputs = kGatWidth,
                           .heads = static_cast<std::size_t>(options.heads),
                           .channels = static_cast<std::size_t>(options.channels),
                           .edge_features = static_cast<std::size_t>(options.edge_features),
                           .average_heads = options.average_heads,
                           .slope = options.negative_slope,
                           .dropout = subject.session().training() ? options.attention_dropout : 0,
                           .seed = subject.session().dropout_state()};
  return formula::gat(subject.parameters(), "gat", shape, subject.edges(), reals_of(subject.x()),
                      options.edge_features > 0 ? reals_of(subject.edge_features()) : Reals{});
}

LayerSpec<GATConv> gat_spec(const GATOptions& options) {
  return {.width = kGatWidth,
          .edge_width = options.edge_features,
          .make = [options](Session& session) { return GATConv(session, "gat", kGatWidth, options); },
          .forward =
              [](GATConv& layer, const Subject& subject) {
                return layer.forward(subject.graph(), subject.x(), subject.edge_features());
              },
          .formula = [options](const Subject& subject) { return gat_formula(subject, options).y; },
          .draws_masks = options.attention_dropout > 0};
}

SubjectCase gat_case(const std::string& name, GATOptions options) {
  return layer_case<GATConv>("GATConv " + name, gat_spec(options));
}

SubjectCase gin_case(std::int64_t in, std::int64_t out) {
  return layer_case<GINConv>(
      "GINConv " + std::to_string(in) + " to " + std::to_string(out),
      {.width = in,
       .make = [=](Session& session) { return GINConv(session, "gin", in, out); },
       .forward = [](GINConv& layer, const Subject& subject) { return layer.forward(subject.graph(), subject.x()); },
       .formula =
           [=](const Subject& subject) {
             return formula::gin(subject.parameters(), "gin", subject.edges(), reals_of(subject.x()),
                                 static_cast<std::size_t>(in));
           }},
      {"gin.mlp.0.bias", "gin.mlp.3.bias"});  // the batch normalisation after it takes them out again
}

struct PoolKind {
  const char* name;
  PoolReduce reduce;
  PoolGate gate;
  oracle::PoolReduce twin_reduce;
  oracle::PoolGate twin_gate;
};

constexpr PoolKind kPoolKinds[] = {
    {"sum", PoolReduce::sum, PoolGate::none, oracle::PoolReduce::sum, oracle::PoolGate::none},
    {"mean", PoolReduce::mean, PoolGate::none, oracle::PoolReduce::mean, oracle::PoolGate::none},
    {"max", PoolReduce::max, PoolGate::none, oracle::PoolReduce::max, oracle::PoolGate::none},
    {"sum softmax", PoolReduce::sum, PoolGate::softmax, oracle::PoolReduce::sum, oracle::PoolGate::softmax},
    {"mean softmax", PoolReduce::mean, PoolGate::softmax, oracle::PoolReduce::mean, oracle::PoolGate::softmax},
    {"sum sigmoid", PoolReduce::sum, PoolGate::sigmoid, oracle::PoolReduce::sum, oracle::PoolGate::sigmoid},
    {"mean sigmoid", PoolReduce::mean, PoolGate::sigmoid, oracle::PoolReduce::mean, oracle::PoolGate::sigmoid},
    {"sum raw", PoolReduce::sum, PoolGate::raw, oracle::PoolReduce::sum, oracle::PoolGate::raw},
    {"mean raw", PoolReduce::mean, PoolGate::raw, oracle::PoolReduce::mean, oracle::PoolGate::raw},
};

constexpr std::int64_t kPoolWidth = 4, kPoolHidden = 3;

oracle::Pooled pool_formula(const Subject& subject, const PoolKind& kind) {
  return formula::attention_pool(subject.parameters(), "pool", subject.graph_data(), kind.twin_reduce, kind.twin_gate,
                                 reals_of(subject.x()), kPoolWidth);
}

LayerSpec<AttentionPool> pool_spec(const PoolKind& kind) {
  return {.width = kPoolWidth,
          .make =
              [kind](Session& session) {
                return AttentionPool(session, "pool", kPoolWidth, kPoolHidden, kind.reduce, kind.gate);
              },
          .forward = [](AttentionPool& layer,
                        const Subject& subject) { return layer.forward(subject.graph(), subject.x()); },
          .formula = [kind](const Subject& subject) { return pool_formula(subject, kind).y.value; }};
}

SubjectCase pool_case(const PoolKind& kind) {
  // A softmax gate does not feel what is added to every score.
  return layer_case<AttentionPool>(
      std::string("AttentionPool ") + kind.name, pool_spec(kind),
      kind.gate == PoolGate::softmax ? std::set<std::string>{"pool.gate.2.bias"} : std::set<std::string>{});
}

}  // namespace

std::vector<SubjectCase> graph_layer_cases() {
  GATOptions unbiased = gat_options(2, 2, 0);
  unbiased.bias = false;
  GATOptions averaged = gat_options(3, 0, 0), averaged_unbiased = gat_options(2, 3, 0.4);
  averaged.average_heads = averaged_unbiased.average_heads = true;
  averaged_unbiased.bias = false;
  std::vector<SubjectCase> cases{
      gcn_case(3, 6, true),
      gcn_case(3, 6, false),
      gcn_case(6, 3, true),
      gcn_case(6, 3, false),
      gcn_case(4, 4, true),
      gat_case("1 head", gat_options(1, 0, 0)),
      gat_case("2 heads", gat_options(2, 0, 0)),
      gat_case("4 heads", gat_options(4, 0, 0)),
      gat_case("1 head, edge features", gat_options(1, 3, 0)),
      gat_case("4 heads, edge features", gat_options(4, 2, 0)),
      gat_case("2 heads, dropout", gat_options(2, 0, 0.4)),
      gat_case("2 heads, edge features, dropout", gat_options(2, 5, 0.4)),
      gat_case("2 heads, edge features, without bias", unbiased),
      gat_case("3 heads averaged", averaged),
      gat_case("2 heads averaged, edge features, dropout, without bias", averaged_unbiased),
      gin_case(3, 5),
      gin_case(5, 3),
  };
  for (const PoolKind& kind : kPoolKinds) cases.push_back(pool_case(kind));
  return cases;
}

namespace {

class NnGraphLayersTest : public LayerTest {};

WARPGNN_INSTANTIATE_OP_TESTS(NnGraphLayersTest);

TEST_P(NnGraphLayersTest, AttentionOfGatIsThatOfTheFormulaBeforeDropout) {
  for (const bool training : {true, false}) {
    const GATOptions options = gat_options(2, 3, 0.4);
    LayerSubject<GATConv> subject(context(), dtype(), gat_spec(options));
    subject.load(5, 21);
    subject.session().set_training(training);
    const Reals y = reals(subject.forward());
    const formula::GatResult want = gat_formula(subject, options);
    expect_values(y, want.y, dtype(), 500, "y");
    const Reals attention = reals(subject.layer().attention());
    expect_values(attention, want.attention, dtype(), 500, "attention");
    Reals total(subject.nodes() * 2, 0), edges(subject.nodes() * 2, 0);
    for (std::size_t k = 0; k < attention.size(); ++k) {
      total[subject.edges().to(k / 2) * 2 + k % 2] += attention[k];
      edges[subject.edges().to(k / 2) * 2 + k % 2] += 1;
    }
    for (std::size_t row = 0; row < total.size(); ++row) {
      EXPECT_NEAR(total[row], edges[row] > 0 ? 1 : 0, 20 * epsilon_of(dtype())) << row;
    }
  }
}

TEST_P(NnGraphLayersTest, AttentionOfAPoolIsItsGate) {
  for (const PoolKind& kind : kPoolKinds) {
    SCOPED_TRACE(kind.name);
    LayerSubject<AttentionPool> subject(context(), dtype(), pool_spec(kind));
    subject.load(6, 17);
    subject.forward();
    if (kind.gate == PoolGate::none) {
      EXPECT_TRUE(subject.parameters().empty());
      expect_error(ErrorCode::invalid_argument, {"gate"}, [&] { subject.layer().attention(); });
    } else {
      expect_values(reals(subject.layer().attention()), pool_formula(subject, kind).weight, dtype(), 500, "attention");
    }
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
  const Reals mean = reals_of(parameter(list, "gin.norm.running_mean").value);
  session.set_training(false);
  EXPECT_NE(reals(layer.forward(graph, x)), trained);
  EXPECT_EQ(reals_of(parameter(list, "gin.norm.running_mean").value), mean);
}

TEST_P(NnGraphLayersTest, ParametersCarryTheLayersName) {
  Session session(context(), dtype(), 3);
  EXPECT_EQ(names(GCNConv(session, "a", 2, 3)), (Names{"a.weight", "a.bias"}));
  EXPECT_EQ(names(GCNConv(session, "a", 2, 3, false)), (Names{"a.weight"}));
  EXPECT_EQ(names(GATConv(session, "b", 2, gat_options(2, 3, 0))),
            (Names{"b.weight", "b.att_src", "b.att_dst", "b.att_edge", "b.bias"}));
  EXPECT_EQ(names(GATConv(session, "b", 2, gat_options(2, 0, 0))),
            (Names{"b.weight", "b.att_src", "b.att_dst", "b.bias"}));
  EXPECT_EQ(names(GINConv(session, "c", 2, 3)),
            (Names{"c.epsilon", "c.mlp.0.weight", "c.mlp.0.bias", "c.mlp.1.weight", "c.mlp.1.bias",
                   "c.mlp.1.running_mean", "c.mlp.1.running_var", "c.mlp.3.weight", "c.mlp.3.bias", "c.norm.weight",
                   "c.norm.bias", "c.norm.running_mean", "c.norm.running_var"}));
  EXPECT_EQ(names(AttentionPool(session, "d", 2, 3, PoolReduce::sum, PoolGate::softmax)),
            (Names{"d.gate.0.weight", "d.gate.0.bias", "d.gate.2.weight", "d.gate.2.bias"}));
}

class NnGraphLayerErrorsTest : public LayerErrorsTest {};

WARPGNN_INSTANTIATE_OP_TESTS(NnGraphLayerErrorsTest);

TEST_P(NnGraphLayerErrorsTest, Gcn) {
  for (const std::int64_t out : {2, 5}) {
    GCNConv layer(*session, "gcn", 3, out);
    expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, edge_weight, x); });
    expect_error(kInvalid, {"x", "[4, ", "[5, "}, [&] { layer.forward(graph, edge_weight, long_x); });
    expect_error(kInvalid, {"x:", "7]", "3]"}, [&] { layer.forward(graph, edge_weight, wide_x); });
    expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, edge_weight, {}); });
    const Tensor more_edges = tensor({4}, Reals(4, 1));
    expect_error(kInvalid, {"edge_weight:", "[3]", "[4]"}, [&] { layer.forward(graph, more_edges, x); });
    layer.forward(graph, edge_weight, x);
    expect_error(kInvalid, {"dy", "none"}, [&] { layer.backward({}); });
  }
}

TEST_P(NnGraphLayerErrorsTest, Gat) {
  GATConv layer(*session, "gat", 3, gat_options(2, 0, 0)), edged(*session, "edged", 3, gat_options(2, 2, 0));
  expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x); });
  expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x); });
  expect_error(kInvalid, {"x:", "7]", "3]"}, [&] { layer.forward(graph, wide_x); });
  expect_error(kInvalid, {"x:", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x); });
  expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, {}); });
  expect_error(kInvalid, {"edge_features", "none"}, [&] { layer.forward(graph, x, edge_features); });
  expect_error(kInvalid, {"edge_features", "none"}, [&] { edged.forward(graph, x); });
  const Tensor wide_edges = tensor({3, 4}, Reals(12, 1));
  expect_error(kInvalid, {"edge_features:", "4]", "2]"}, [&] { edged.forward(graph, x, wide_edges); });
  layer.forward(graph, x);
  expect_error(kInvalid, {"dy"}, [&] { layer.backward({}); });

  GATOptions unbiased = gat_options(2, 0, 0);
  unbiased.bias = false;
  GATConv plain(*session, "plain", 3, unbiased);
  plain.forward(graph, x);
  const Tensor on_its_side = tensor({6, 4}, Reals(24, 1));  // as many elements as it should have
  expect_error(kInvalid, {"dy", "[4, 6]"}, [&] { plain.backward(on_its_side); });

  GATOptions averaging = gat_options(2, 0, 0);
  averaging.average_heads = true;
  GATConv mean(*session, "mean", 3, averaging);
  mean.forward(graph, x);
  const Tensor concatenated = tensor({4, 6}, Reals(24, 1));
  expect_error(kInvalid, {"dy", "[4, 3]", "[4, 6]"}, [&] { mean.backward(concatenated); });
}

TEST_P(NnGraphLayerErrorsTest, GatOptions) {
  const auto make = [&](const GATOptions& options) { GATConv(*session, "gat", 3, options); };
  expect_error(kInvalid, {"attention_dropout", "[0, 1)"}, [&] { make(gat_options(2, 0, 1)); });
  expect_error(kInvalid, {"attention_dropout", "[0, 1)"}, [&] { make(gat_options(2, 0, -0.1)); });
  expect_error(kInvalid, {"heads", "0"}, [&] { make(gat_options(0, 0, 0)); });
  GATOptions options = gat_options(1, 0, 0);
  options.channels = -1;
  expect_error(kInvalid, {"channels", "-1"}, [&] { make(options); });
  options = gat_options(1, 0, 0);
  options.negative_slope = std::numeric_limits<double>::infinity();
  GATConv flat(*session, "flat", 3, options);
  expect_error(kInvalid, {"negative_slope", "inf"}, [&] { flat.forward(graph, x); });
}

TEST_P(NnGraphLayerErrorsTest, GatRefusesBackwardAfterAnEvaluation) {
  GATConv layer(*session, "gat", 3, gat_options(2, 0, 0));
  const Tensor dy = tensor({4, 6}, Reals(24, 1));
  layer.forward(graph, x);
  layer.backward(dy);
  session->set_training(false);
  layer.forward(graph, x);
  expect_error(kInvalid, {"GATConv", "training"}, [&] { layer.backward(dy); });
  session->set_training(true);
  layer.forward(graph, x);
  layer.backward(dy);
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

TEST_P(NnGraphLayerErrorsTest, AttentionPool) {
  nn::AttentionPool layer(*session, "pool", 3, 4, PoolReduce::mean, PoolGate::softmax);
  expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x); });
  expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x); });
  expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x); });
  expect_error(kInvalid, {"x:", "7]", "3]"}, [&] { layer.forward(graph, wide_x); });
  layer.forward(graph, x);
  expect_error(kInvalid, {"dy", "[1, ", "[4, "}, [&] { layer.backward(x); });
  nn::AttentionPool gated_max(*session, "max", 3, 4, PoolReduce::max, PoolGate::softmax);
  expect_error(kInvalid, {"gate", "max"}, [&] { gated_max.forward(graph, x); });
}

}  // namespace
}  // namespace warpgnn::test
