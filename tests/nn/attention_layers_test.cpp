// SPDX-License-Identifier: MIT
// GATConv, GATv2Conv, AdditiveAttentionConv and TransformerConv.

#include "warpgnn/nn/attention_layers.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/nn/layer_cases.hpp"
#include "tests/nn/layer_fixture.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/nn_formulas.hpp"

namespace warpgnn::test {
namespace {

using nn::AdditiveAttentionConv;
using nn::AdditiveAttentionOptions;
using nn::GATConv;
using nn::GATOptions;
using nn::GATv2Conv;
using nn::GATv2Options;
using nn::Session;
using nn::TransformerConv;
using nn::TransformerOptions;
using oracle::Reals;

constexpr std::int64_t kInputs = 4;

/// The width of x_i.
template <class Options>
std::size_t own_inputs(const Options& options) {
  return static_cast<std::size_t>(options.in_destination > 0 ? options.in_destination : kInputs);
}

// --- GAT -------------------------------------------------------------------------------------------------------------

GATOptions gat_options(std::int64_t heads, std::int64_t edge_features, double dropout) {
  GATOptions options;
  options.heads = heads;
  options.channels = 3;
  options.negative_slope = 0.3;
  options.attention_dropout = dropout;
  options.edge_features = edge_features;
  return options;
}

formula::GatResult formula_of(const Subject& subject, const GATOptions& options) {
  const formula::Gat shape{.inputs = kInputs,
                           .own_inputs = own_inputs(options),
                           .heads = static_cast<std::size_t>(options.heads),
                           .channels = static_cast<std::size_t>(options.channels),
                           .edge_features = static_cast<std::size_t>(options.edge_features),
                           .average_heads = options.average_heads,
                           .slope = options.negative_slope,
                           .dropout = subject.session().training() ? options.attention_dropout : 0,
                           .seed = subject.session().dropout_state()};
  return formula::gat(subject.parameters(), "layer", shape, subject.edges(), reals_of(subject.x()),
                      subject.destination_values(),
                      options.edge_features > 0 ? reals_of(subject.edge_features()) : Reals{});
}

// --- Those whose scores look at both feature vectors -----------------------------------------------------------------

GATv2Options gatv2_options(std::int64_t heads, bool average, std::int64_t edge_features, double dropout) {
  return {.heads = heads,
          .channels = 3,
          .average_heads = average,
          .negative_slope = 0.3,
          .attention_dropout = dropout,
          .edge_features = edge_features};
}

AdditiveAttentionOptions additive_options(std::int64_t heads, bool average, std::int64_t edge_features,
                                          double dropout) {
  return {.heads = heads,
          .channels = 3,
          .average_heads = average,
          .attention_dropout = dropout,
          .edge_features = edge_features};
}

TransformerOptions transformer_options(std::int64_t heads, bool average, std::int64_t edge_features, double dropout) {
  return {.heads = heads,
          .channels = 3,
          .average_heads = average,
          .attention_dropout = dropout,
          .edge_features = edge_features};
}

/// The sizes that all three options have.
template <class Options>
formula::AttentionConv shape_of(const Subject& subject, const Options& options) {
  return {.inputs = kInputs,
          .own_inputs = own_inputs(options),
          .heads = static_cast<std::size_t>(options.heads),
          .channels = static_cast<std::size_t>(options.channels),
          .edge_features = static_cast<std::size_t>(options.edge_features),
          .average_heads = options.average_heads,
          .dropout = subject.session().training() ? options.attention_dropout : 0,
          .seed = subject.session().dropout_state()};
}

Reals edge_features_of(const Subject& subject, std::int64_t width) {
  return width > 0 ? reals_of(subject.edge_features()) : Reals{};
}

formula::AttentionResult formula_of(const Subject& subject, const GATv2Options& options) {
  auto shape = shape_of(subject, options);
  shape.slope = options.negative_slope;
  shape.shared = options.share_weights;
  shape.residual = options.residual;
  return formula::gatv2(subject.parameters(), "layer", shape, subject.edges(), reals_of(subject.x()),
                        subject.destination_values(), edge_features_of(subject, options.edge_features));
}
formula::AttentionResult formula_of(const Subject& subject, const AdditiveAttentionOptions& options) {
  auto shape = shape_of(subject, options);
  shape.score = oracle::AttentionScore::additive;
  return formula::gatv2(subject.parameters(), "layer", shape, subject.edges(), reals_of(subject.x()),
                        subject.destination_values(), edge_features_of(subject, options.edge_features));
}
formula::AttentionResult formula_of(const Subject& subject, const TransformerOptions& options) {
  auto shape = shape_of(subject, options);
  shape.score = oracle::AttentionScore::dot;
  shape.residual = options.skip;
  return formula::transformer(subject.parameters(), "layer", shape, subject.edges(), reals_of(subject.x()),
                              subject.destination_values(), edge_features_of(subject, options.edge_features));
}

template <class Layer, class Options>
LayerSpec<Layer> spec_of(const Options& options, bool two_sets = false) {
  return {.width = kInputs,
          .edge_width = options.edge_features,
          .make = [options](Session& session) { return Layer(session, "layer", kInputs, options); },
          .forward =
              [](Layer& layer, const Subject& subject) {
                return with_features(
                    subject, [&](const auto& x) { return layer.forward(subject.graph(), x, subject.edge_features()); });
              },
          .formula = [options](const Subject& subject) { return formula_of(subject, options).y; },
          .draws_masks = options.attention_dropout > 0,
          .two_sets = two_sets,
          .destination_width = options.in_destination};
}

SubjectCase gat_case(const std::string& name, GATOptions options) {
  return layer_case<GATConv>("GATConv " + name, spec_of<GATConv>(options));
}

}  // namespace

std::vector<SubjectCase> attention_layer_cases() {
  GATOptions unbiased_gat = gat_options(2, 2, 0);
  unbiased_gat.bias = false;
  GATOptions averaged = gat_options(3, 0, 0), averaged_unbiased = gat_options(2, 3, 0.4);
  averaged.average_heads = averaged_unbiased.average_heads = true;
  averaged_unbiased.bias = false;
  std::vector<SubjectCase> cases{
      gat_case("1 head", gat_options(1, 0, 0)),
      gat_case("2 heads", gat_options(2, 0, 0)),
      gat_case("4 heads", gat_options(4, 0, 0)),
      gat_case("1 head, edge features", gat_options(1, 3, 0)),
      gat_case("4 heads, edge features", gat_options(4, 2, 0)),
      gat_case("2 heads, dropout", gat_options(2, 0, 0.4)),
      gat_case("2 heads, edge features, dropout", gat_options(2, 5, 0.4)),
      gat_case("2 heads, edge features, without bias", unbiased_gat),
      gat_case("3 heads averaged", averaged),
      gat_case("2 heads averaged, edge features, dropout, without bias", averaged_unbiased),
  };
  const auto add = [&]<class Layer>(const std::string& name, const auto& options, Layer*) {
    cases.push_back(layer_case<Layer>(name, spec_of<Layer>(options)));
  };
  struct Setting {
    const char* name;
    std::int64_t heads;
    bool average;
    std::int64_t edge_features;
    double dropout;
  };
  const Setting settings[] = {{"1 head", 1, false, 0, 0},
                              {"3 heads", 3, false, 0, 0},
                              {"3 heads averaged", 3, true, 0, 0},
                              {"2 heads, edge features", 2, false, 3, 0},
                              {"2 heads averaged, edge features, dropout", 2, true, 2, 0.4},
                              {"2 heads, dropout", 2, false, 0, 0.4}};
  for (const auto& [name, heads, average, edge_features, dropout] : settings) {
    const std::string which = std::string(" ") + name;
    add("GATv2Conv" + which, gatv2_options(heads, average, edge_features, dropout), static_cast<GATv2Conv*>(nullptr));
    add("AdditiveAttentionConv" + which, additive_options(heads, average, edge_features, dropout),
        static_cast<AdditiveAttentionConv*>(nullptr));
    auto options = transformer_options(heads, average, edge_features, dropout);
    add("TransformerConv" + which, options, static_cast<TransformerConv*>(nullptr));
    options.gate = true;
    add("TransformerConv gated" + which, options, static_cast<TransformerConv*>(nullptr));
  }
  auto unbiased = gatv2_options(2, false, 2, 0);
  unbiased.bias = false;
  add("GATv2Conv without bias", unbiased, static_cast<GATv2Conv*>(nullptr));
  auto bare = transformer_options(2, true, 2, 0);
  bare.bias = bare.skip = false;
  add("TransformerConv without bias and residual", bare, static_cast<TransformerConv*>(nullptr));
  for (const bool two_sets : {false, true}) {
    const std::string which = two_sets ? ", two node sets" : "";
    for (const bool average : {false, true}) {
      GATOptions residual = gat_options(2, 2, 0.4);
      residual.residual = true;
      residual.average_heads = average;
      residual.bias = !average;
      cases.push_back(layer_case<GATConv>("GATConv residual" + which + (average ? ", averaged, without bias" : ""),
                                          spec_of<GATConv>(residual, two_sets)));
      for (const bool shared : {false, true}) {
        auto options = gatv2_options(2, average, 2, 0.4);
        options.share_weights = shared;
        options.residual = !shared || average;
        options.bias = !average;
        cases.push_back(layer_case<GATv2Conv>(std::string("GATv2Conv") + (shared ? " shared" : "") +
                                                  (options.residual ? " residual" : "") + which +
                                                  (average ? ", averaged, without bias" : ""),
                                              spec_of<GATv2Conv>(options, two_sets)));
      }
    }
  }
  auto shared = gatv2_options(3, false, 0, 0);
  shared.share_weights = true;
  add("GATv2Conv shared, 3 heads", shared, static_cast<GATv2Conv*>(nullptr));
  const auto add_two = [&]<class Layer>(const std::string& name, const auto& options_of_two, Layer*) {
    cases.push_back(layer_case<Layer>(name + ", two node sets", spec_of<Layer>(options_of_two, true)));
  };
  cases.push_back(layer_case<GATConv>("GATConv 2 heads, two node sets", spec_of<GATConv>(gat_options(2, 0, 0), true)));
  cases.push_back(layer_case<GATConv>("GATConv edge features, dropout, two node sets",
                                      spec_of<GATConv>(gat_options(3, 2, 0.4), true)));
  add_two("GATv2Conv 2 heads", gatv2_options(2, false, 0, 0), static_cast<GATv2Conv*>(nullptr));
  add_two("GATv2Conv averaged, edge features, dropout", gatv2_options(3, true, 2, 0.4),
          static_cast<GATv2Conv*>(nullptr));
  add_two("GATv2Conv without bias", unbiased, static_cast<GATv2Conv*>(nullptr));
  add_two("AdditiveAttentionConv 2 heads", additive_options(2, false, 2, 0),
          static_cast<AdditiveAttentionConv*>(nullptr));
  auto transformer = transformer_options(2, false, 2, 0.4);
  add_two("TransformerConv 2 heads", transformer, static_cast<TransformerConv*>(nullptr));
  transformer.average_heads = transformer.gate = true;
  add_two("TransformerConv gated, averaged", transformer, static_cast<TransformerConv*>(nullptr));
  add_two("TransformerConv without bias and residual", bare, static_cast<TransformerConv*>(nullptr));
  const auto add_widths = [&]<class Layer>(const std::string& name, auto options, Layer*) {
    for (const std::int64_t width : {2, 7}) {
      options.in_destination = width;
      cases.push_back(layer_case<Layer>(name + " to destinations of width " + std::to_string(width),
                                        spec_of<Layer>(options, true)));
    }
  };
  GATOptions residual_gat = gat_options(2, 2, 0.4);
  residual_gat.residual = true;
  add_widths("GATConv", gat_options(2, 0, 0), static_cast<GATConv*>(nullptr));
  add_widths("GATConv residual", residual_gat, static_cast<GATConv*>(nullptr));
  auto residual_gatv2 = gatv2_options(2, true, 2, 0.4);
  residual_gatv2.residual = true;
  add_widths("GATv2Conv", gatv2_options(3, false, 0, 0), static_cast<GATv2Conv*>(nullptr));
  add_widths("GATv2Conv residual", residual_gatv2, static_cast<GATv2Conv*>(nullptr));
  add_widths("AdditiveAttentionConv", additive_options(2, false, 2, 0), static_cast<AdditiveAttentionConv*>(nullptr));
  add_widths("TransformerConv gated", transformer, static_cast<TransformerConv*>(nullptr));
  add_widths("TransformerConv without bias and residual", bare, static_cast<TransformerConv*>(nullptr));
  return cases;
}

namespace {

class NnAttentionLayersTest : public LayerTest {
 protected:
  /// Both kinds of weights on request, in training and evaluation.
  template <class Layer, class Options>
  void check_attention(const Options& options) {
    for (const bool training : {true, false}) {
      LayerSubject<Layer> subject(context(), dtype(), spec_of<Layer>(options));
      subject.load(5, 21);
      subject.session().set_training(training);
      subject.forward();
      const formula::AttentionResult want = formula_of(subject, options);
      expect_values(reals(subject.layer().attention()), want.attention, dtype(), 500, "attention");
      expect_values(reals(subject.layer().attention(true)), want.dropped, dtype(), 500, "attention after dropout");
      EXPECT_EQ(want.attention == want.dropped, !training);
    }
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(NnAttentionLayersTest);

TEST_P(NnAttentionLayersTest, AttentionBeforeAndAfterDropout) {
  check_attention<GATv2Conv>(gatv2_options(2, false, 3, 0.4));
  check_attention<AdditiveAttentionConv>(additive_options(3, true, 0, 0.4));
  check_attention<TransformerConv>(transformer_options(2, false, 2, 0.4));
}

TEST_P(NnAttentionLayersTest, AttentionOfGatIsThatOfTheFormulaBeforeDropout) {
  for (const bool training : {true, false}) {
    const GATOptions options = gat_options(2, 3, 0.4);
    LayerSubject<GATConv> subject(context(), dtype(), spec_of<GATConv>(options));
    subject.load(5, 21);
    subject.session().set_training(training);
    const Reals y = reals(subject.forward());
    const formula::GatResult want = formula_of(subject, options);
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

TEST_P(NnAttentionLayersTest, ParametersCarryTheLayersName) {
  Session session(context(), dtype(), 3);
  EXPECT_EQ(names(GATConv(session, "d", 2, gat_options(2, 3, 0))),
            (Names{"d.weight", "d.att_src", "d.att_dst", "d.att_edge", "d.bias"}));
  EXPECT_EQ(names(GATConv(session, "d", 2, gat_options(2, 0, 0))),
            (Names{"d.weight", "d.att_src", "d.att_dst", "d.bias"}));
  EXPECT_EQ(names(GATConv(session, "d", 2, {.residual = true})),
            (Names{"d.weight", "d.att_src", "d.att_dst", "d.bias", "d.res.weight"}));
  {
    GATv2Conv layer(session, "e", 4, {.heads = 2, .channels = 3, .share_weights = true, .residual = true});
    nn::ParameterList list;
    layer.collect(list);
    EXPECT_EQ(nn::find(list, "e.weight").value.view().shape[0], 12);
    EXPECT_EQ(nn::find(list, "e.projection_bias").value.view().shape[0], 12);
  }
  EXPECT_EQ(names(GATv2Conv(session, "a", 2, gatv2_options(2, false, 3, 0))),
            (Names{"a.weight", "a.projection_bias", "a.att", "a.edge_weight", "a.bias"}));
  EXPECT_EQ(names(AdditiveAttentionConv(session, "b", 2, additive_options(2, false, 0, 0))),
            (Names{"b.weight", "b.projection_bias", "b.att", "b.bias"}));
  EXPECT_EQ(names(GATConv(session, "d", 2, {.in_destination = 3})),
            (Names{"d.weight", "d.weight_dst", "d.att_src", "d.att_dst", "d.bias"}));
  EXPECT_EQ(names(GATConv(session, "d", 2, {.in_destination = 2})),
            (Names{"d.weight", "d.att_src", "d.att_dst", "d.bias"}));
  EXPECT_EQ(names(GATv2Conv(session, "a", 2, {.bias = false, .in_destination = 3})),
            (Names{"a.weight", "a.weight_dst", "a.att"}));
  TransformerOptions options = transformer_options(2, false, 3, 0);
  EXPECT_EQ(names(TransformerConv(session, "c", 2, options)),
            (Names{"c.weight", "c.projection_bias", "c.edge_weight"}));
  options.bias = false;
  options.gate = true;
  EXPECT_EQ(names(TransformerConv(session, "c", 2, options)), (Names{"c.weight", "c.edge_weight", "c.gate"}));
}

class NnAttentionLayerErrorsTest : public LayerErrorsTest {
 protected:
  template <class Layer, class Options>
  void check_refusals(Options plain, Options with_edges) {
    Layer layer(*session, "layer", 3, plain), edged(*session, "edged", 3, with_edges);
    const Tensor dy = tensor({4, 6}, Reals(24, 1)), on_its_side = tensor({6, 4}, Reals(24, 1));
    expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x); });
    expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x); });
    expect_error(kInvalid, {"x", "[4, 3]", "[4, 7]"}, [&] { layer.forward(graph, wide_x); });
    expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x); });
    expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, ConstTensorView{}); });
    expect_error(kInvalid, {"edge_features", "none"}, [&] { layer.forward(graph, x, edge_features); });
    expect_error(kInvalid, {"edge_features", "none"}, [&] { edged.forward(graph, x); });
    const Tensor wide_edges = tensor({3, 4}, Reals(12, 1));
    expect_error(kInvalid, {"edge_features:", "4]", "2]"}, [&] { edged.forward(graph, x, wide_edges); });
    layer.forward(graph, x);
    expect_error(kInvalid, {"dy", "none"}, [&] { layer.backward({}); });
    expect_error(kInvalid, {"dy", "[4, 6]", "[6, 4]"}, [&] { layer.backward(on_its_side); });
    layer.backward(dy);

    const auto refuse = [&](const std::vector<std::string>& words, const Options& options) {
      expect_error(kInvalid, words, [&] { Layer(*session, "layer", 3, options); });
    };
    Options wrong = plain;
    wrong.attention_dropout = 1;
    refuse({"attention_dropout", "[0, 1)"}, wrong);
    wrong = plain;
    wrong.heads = 0;
    refuse({"heads", "0"}, wrong);
    wrong = plain;
    wrong.channels = -1;
    refuse({"channels", "-1"}, wrong);
    wrong = plain;
    wrong.edge_features = -2;
    refuse({"edge_features", "-2"}, wrong);
    expect_error(kInvalid, {"in", "0"}, [&] { Layer(*session, "layer", 0, plain); });
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(NnAttentionLayerErrorsTest);

TEST_P(NnAttentionLayerErrorsTest, Gat) {
  GATConv layer(*session, "gat", 3, gat_options(2, 0, 0)), edged(*session, "edged", 3, gat_options(2, 2, 0));
  expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x); });
  expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x); });
  expect_error(kInvalid, {"x:", "7]", "3]"}, [&] { layer.forward(graph, wide_x); });
  expect_error(kInvalid, {"x:", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x); });
  expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, ConstTensorView{}); });
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

TEST_P(NnAttentionLayerErrorsTest, GatOptions) {
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

TEST_P(NnAttentionLayerErrorsTest, Gatv2) {
  check_refusals<GATv2Conv>(gatv2_options(2, false, 0, 0), gatv2_options(2, false, 2, 0));
  GATv2Options options = gatv2_options(1, false, 0, 0);
  options.negative_slope = std::numeric_limits<double>::infinity();
  GATv2Conv flat(*session, "flat", 3, options);
  expect_error(kInvalid, {"negative_slope", "inf"}, [&] { flat.forward(graph, x); });
  expect_error(kInvalid, {"in_destination: ", "3", "share_weights", "5"},
               [&] { GATv2Conv(*session, "layer", 3, {.share_weights = true, .in_destination = 5}); });
}

TEST_P(NnAttentionLayerErrorsTest, Additive) {
  check_refusals<AdditiveAttentionConv>(additive_options(2, false, 0, 0), additive_options(2, false, 2, 0));
}

TEST_P(NnAttentionLayerErrorsTest, Transformer) {
  check_refusals<TransformerConv>(transformer_options(2, false, 0, 0), transformer_options(2, false, 2, 0));
  TransformerOptions options = transformer_options(2, false, 0, 0);
  options.gate = true;
  options.skip = false;
  expect_error(kInvalid, {"gate", "skip"}, [&] { TransformerConv(*session, "layer", 3, options); });
}

}  // namespace
}  // namespace warpgnn::test
