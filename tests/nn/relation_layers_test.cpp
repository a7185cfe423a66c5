// SPDX-License-Identifier: MIT
// RGATConv.

#include "warpgnn/nn/relation_layers.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "tests/nn/layer_cases.hpp"
#include "tests/nn/layer_fixture.hpp"
#include "tests/oracle/gcn_norm.hpp"
#include "tests/oracle/random.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/nn_formulas.hpp"

namespace warpgnn::test {
namespace {

using nn::RelationSoftmax;
using nn::RGATConv;
using nn::RGATOptions;
using nn::Session;
using oracle::Ids;
using oracle::Reals;

constexpr std::int64_t kInputs = 4;

RGATOptions rgat_options(RelationSoftmax softmax, std::int64_t relations, std::int64_t heads, bool average = false,
                         double dropout = 0) {
  return {.relations = relations,
          .heads = heads,
          .channels = 3,
          .softmax = softmax,
          .average_heads = average,
          .negative_slope = 0.3,
          .attention_dropout = dropout};
}

/// Relations of a subject's edges in turn; the last of several has none.
Ids relations_of(const Subject& subject, std::int64_t relations) {
  Ids relation(subject.edges().count());
  const auto used = relations > 1 ? relations - 1 : 1;
  for (std::size_t e = 0; e < relation.size(); ++e) relation[e] = static_cast<std::int64_t>(e * e / 2) % used;
  return relation;
}

// --- The formula -----------------------------------------------------------------------------------------------------

struct RgatResult {
  Reals y;
  Reals attention;  // [E, H], before dropout
};

/// The layer's values by their names in the paper: every z_jr, and both ends' halves of the scores.
struct Projected {
  std::size_t relations, heads, channels;
  Reals z, source, destination;

  Projected(const Subject& subject, const RGATOptions& options)
      : relations(static_cast<std::size_t>(options.relations)),
        heads(static_cast<std::size_t>(options.heads)),
        channels(static_cast<std::size_t>(options.channels)),
        z(oracle::linear(reals_of(subject.x()), subject.value("rgat.weight"), {}, subject.nodes(), kInputs,
                         relations * heads * channels)
              .value),
        source(halves(subject.value("rgat.att_src"))),
        destination(halves(subject.value("rgat.att_dst"))) {}

  std::size_t at(std::size_t node, std::size_t relation, std::size_t head) const {
    return (node * relations + relation) * heads + head;
  }

 private:
  Reals halves(const Reals& vector) const {
    Reals sums(z.size() / channels, 0.0);
    for (std::size_t k = 0; k < z.size(); ++k) sums[k / channels] += z[k] * vector[k % vector.size()];
    return sums;
  }
};

/// The edges whose weights add up to 1 share a destination here.
oracle::Edges softmax_rows(const Subject& subject, const RGATOptions& options, const Ids& relation) {
  oracle::Edges rows = subject.edges();
  if (options.softmax == RelationSoftmax::across) return rows;
  rows.num_destinations *= options.relations;
  for (std::size_t e = 0; e < relation.size(); ++e) {
    rows.destination[e] = rows.destination[e] + relation[e] * subject.edges().num_destinations;
  }
  return rows;
}

RgatResult rgat_formula(const Subject& subject, const RGATOptions& options) {
  const Projected p(subject, options);
  const Ids relation = relations_of(subject, options.relations);
  const oracle::Edges& edges = subject.edges();
  const std::size_t heads = p.heads, channels = p.channels, outputs = options.average_heads ? 1 : heads;
  Reals logits(edges.count() * heads), of_features(logits.size(), 0);
  if (options.edge_features > 0) {
    of_features = oracle::linear(reals_of(subject.edge_features()), subject.value("rgat.att_edge"), {}, edges.count(),
                                 static_cast<std::size_t>(options.edge_features), heads)
                      .value;
  }
  for (std::size_t k = 0; k < logits.size(); ++k) {
    const std::size_t e = k / heads, r = static_cast<std::size_t>(relation[e]), h = k % heads;
    const double score = p.source[p.at(edges.from(e), r, h)] + p.destination[p.at(edges.to(e), r, h)] + of_features[k];
    logits[k] = score > 0 ? score : options.negative_slope * score;
  }
  RgatResult result{Reals(subject.nodes() * outputs * channels, 0.0),
                    oracle::edge_softmax(softmax_rows(subject, options, relation), heads, logits)};
  const bool drops = subject.session().training() && options.attention_dropout > 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    const std::size_t e = k / heads, r = static_cast<std::size_t>(relation[e]), h = k % heads;
    const double mask = drops ? oracle::dropout_factor(options.attention_dropout, subject.session().dropout_state(),
                                                       static_cast<std::int64_t>(e), static_cast<std::int64_t>(h))
                              : 1.0;
    const double share = options.average_heads ? 1.0 / static_cast<double>(heads) : 1.0;
    for (std::size_t c = 0; c < channels; ++c) {
      result.y[(edges.to(e) * outputs + h % outputs) * channels + c] +=
          share * mask * result.attention[k] * p.z[p.at(edges.from(e), r, h) * channels + c];
    }
  }
  if (!options.bias) return result;
  const Reals bias = subject.value("rgat.bias");
  for (std::size_t k = 0; k < result.y.size(); ++k) result.y[k] += bias[k % bias.size()];
  return result;
}

// --- The layer -------------------------------------------------------------------------------------------------------

/// The expansion of a subject's graph, made again when it has another.
struct Expansion {
  Graph of;
  RelationGraph graph;

  const RelationGraph& load(const Subject& subject, std::int64_t relations) {
    if (!of.defined() || &of.state() != &subject.graph().state()) {
      const Tensor relation = labels_of(subject.context(), relations_of(subject, relations));
      graph = expand_relations(subject.context(), subject.graph(), relation, relations);
      of = subject.graph();
    }
    return graph;
  }
};

LayerSpec<RGATConv> spec_of(const RGATOptions& options) {
  return {.width = kInputs,
          .edge_width = options.edge_features,
          .make = [options](Session& session) { return RGATConv(session, "rgat", kInputs, options); },
          .forward =
              [options, expansion = std::make_shared<Expansion>()](RGATConv& layer, const Subject& subject) {
                return layer.forward(expansion->load(subject, options.relations), subject.x(), subject.edge_features());
              },
          .formula = [options](const Subject& subject) { return rgat_formula(subject, options).y; },
          .draws_masks = options.attention_dropout > 0};
}

}  // namespace

std::vector<SubjectCase> relation_layer_cases() {
  std::vector<SubjectCase> made;
  for (const auto softmax : {RelationSoftmax::across, RelationSoftmax::within}) {
    const auto add = [&](const std::string& name, const RGATOptions& options) {
      const char* const kind = softmax == RelationSoftmax::across ? "across, " : "within, ";
      made.push_back(layer_case<RGATConv>("RGATConv " + (kind + name), spec_of(options)));
    };
    add("1 relation, 1 head", rgat_options(softmax, 1, 1));
    add("4 relations, 2 heads", rgat_options(softmax, 4, 2));
    add("3 relations, 3 heads averaged", rgat_options(softmax, 3, 3, true));
    add("3 relations, 2 heads, dropout", rgat_options(softmax, 3, 2, false, 0.4));
    RGATOptions edged = rgat_options(softmax, 3, 2);
    edged.edge_features = 4;
    add("edge features", edged);
    RGATOptions averaged = rgat_options(softmax, 4, 3, true, 0.4);
    averaged.edge_features = 1;
    add("averaged, edge features, dropout", averaged);
    RGATOptions bare = rgat_options(softmax, 3, 2, true, 0.3);
    bare.bias = false;
    add("averaged, dropout, without bias", bare);
  }
  return made;
}

namespace {

class NnRelationLayersTest : public LayerTest {
 protected:
  RelationGraph expand(const TestGraph& graph, const Ids& relation, std::int64_t relations) const {
    return expand_relations(context(), graph.upload(context()), labels_of(context(), relation), relations);
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(NnRelationLayersTest);

TEST_P(NnRelationLayersTest, AttentionIsThatOfTheFormulaBeforeDropout) {
  for (const auto softmax : {RelationSoftmax::across, RelationSoftmax::within}) {
    for (const bool training : {true, false}) {
      RGATOptions options = rgat_options(softmax, 4, 2, false, 0.4);
      options.edge_features = 3;
      LayerSubject<RGATConv> subject(context(), dtype(), spec_of(options));
      subject.load(5, 21);
      subject.session().set_training(training);
      const Reals y = reals(subject.forward());
      const RgatResult want = rgat_formula(subject, options);
      expect_values(y, want.y, dtype(), 500, "y");
      expect_values(reals(subject.layer().attention()), want.attention, dtype(), 500, "attention");
    }
  }
}

TEST_P(NnRelationLayersTest, NodesAndRelationsWithoutEdges) {
  for (const auto softmax : {RelationSoftmax::across, RelationSoftmax::within}) {
    Session session(context(), dtype(), 3);
    RGATConv layer(session, "rgat", 2, rgat_options(softmax, 3, 2));
    nn::ParameterList list;
    layer.collect(list);
    const Reals bias{1, 2, 3, 4, 5, 6};
    assign(nn::find(list, "rgat.bias").value, bias);
    const auto pass = [&](const TestGraph& graph, const Ids& relation) {
      const std::int64_t nodes = graph.edges.num_sources;
      const RelationGraph expanded = expand(graph, relation, 3);
      const Tensor x = tensor({nodes, 2}, Reals(static_cast<std::size_t>(2 * nodes), 1));
      Reals y = reals(layer.forward(expanded, x));
      const Tensor dy = tensor({nodes, 6}, Reals(static_cast<std::size_t>(6 * nodes), 1));
      EXPECT_EQ(layer.backward(dy).shape[0], nodes);
      return y;
    };
    const auto gradient = [&](const std::string& name) { return reals_of(nn::find(list, name).gradient); };

    EXPECT_EQ(pass({"no node", {0, 0, {}, {}}}, {}), Reals{});
    Reals thrice;
    for (int k = 0; k < 3; ++k) thrice.insert(thrice.end(), bias.begin(), bias.end());
    EXPECT_EQ(pass({"no edge", {3, 3, {}, {}}}, {}), thrice);
    EXPECT_EQ(gradient("rgat.weight"), Reals(36, 0));
    EXPECT_EQ(gradient("rgat.att_dst"), Reals(18, 0));

    const Reals y = pass({"one edge", {3, 3, {0}, {1}}}, {2});
    EXPECT_EQ(Reals(y.begin(), y.begin() + 6), bias);
    EXPECT_NE(Reals(y.begin() + 6, y.begin() + 12), bias);
    EXPECT_EQ(Reals(y.begin() + 12, y.end()), bias);
    const Reals dweight = gradient("rgat.weight");
    EXPECT_EQ(Reals(dweight.begin(), dweight.begin() + 24), Reals(24, 0));  // relations 0 and 1
    // A single edge has weight 1, whatever the scores.
    expect_values(Reals(dweight.begin() + 24, dweight.end()), Reals(12, 1), dtype(), 100, "dweight");
  }
}

TEST_P(NnRelationLayersTest, OneRelationIsOneSoftmax) {
  RGATOptions options = rgat_options(RelationSoftmax::across, 1, 2);
  LayerSubject<RGATConv> across(context(), dtype(), spec_of(options));
  options.softmax = RelationSoftmax::within;
  LayerSubject<RGATConv> within(context(), dtype(), spec_of(options));
  across.load(5, 21);
  within.load(5, 21);
  expect_values(reals(across.forward()), reals(within.forward()), dtype(), 20, "y");
}

TEST_P(NnRelationLayersTest, ParametersCarryTheLayersName) {
  Session session(context(), dtype(), 3);
  RGATOptions options = rgat_options(RelationSoftmax::across, 3, 2);
  EXPECT_EQ(names(RGATConv(session, "a", 2, options)), (Names{"a.weight", "a.att_src", "a.att_dst", "a.bias"}));
  options.bias = false;
  EXPECT_EQ(names(RGATConv(session, "a", 2, options)), (Names{"a.weight", "a.att_src", "a.att_dst"}));
  options.edge_features = 3;
  EXPECT_EQ(names(RGATConv(session, "a", 2, options)), (Names{"a.weight", "a.att_src", "a.att_dst", "a.att_edge"}));
}

TEST_P(NnRelationLayersTest, RefusesWrongOptions) {
  Session session(context(), dtype(), 3);
  const auto refuse = [&](const std::vector<std::string>& words, void (*change)(RGATOptions&)) {
    RGATOptions options = rgat_options(RelationSoftmax::across, 2, 2);
    change(options);
    expect_error(kInvalid, words, [&] { RGATConv(session, "rgat", 3, options); });
  };
  refuse({"relations", "0"}, [](RGATOptions& options) { options.relations = 0; });
  refuse({"heads", "-1"}, [](RGATOptions& options) { options.heads = -1; });
  refuse({"channels", "0"}, [](RGATOptions& options) { options.channels = 0; });
  refuse({"attention_dropout", "[0, 1)"}, [](RGATOptions& options) { options.attention_dropout = 1; });
  refuse({"edge_features", "-1"}, [](RGATOptions& options) { options.edge_features = -1; });
  expect_error(kInvalid, {"in", "0"}, [&] { RGATConv(session, "rgat", 0, {}); });
}

TEST_P(NnRelationLayersTest, RefusesWrongArguments) {
  const RelationGraph graph = expand({"", {4, 4, {0, 1, 2}, {1, 2, 2}}}, {0, 1, 1}, 2);
  const RelationGraph bipartite = expand({"", {4, 3, {0, 1, 2}, {1, 2, 2}}}, {0, 1, 1}, 2);
  const RelationGraph three = expand({"", {4, 4, {0, 1, 2}, {1, 2, 2}}}, {0, 1, 1}, 3);
  const Tensor x = tensor({4, 3}, Reals(12, 1)), long_x = tensor({5, 3}, Reals(15, 1));
  const Tensor dy = tensor({4, 6}, Reals(24, 1)), on_its_side = tensor({6, 4}, Reals(24, 1));
  for (const auto softmax : {RelationSoftmax::across, RelationSoftmax::within}) {
    Session session(context(), dtype(), 3);
    RGATConv layer(session, "rgat", 3, rgat_options(softmax, 2, 2));
    expect_error(kInvalid, {"graph", "2", "0"}, [&] { layer.forward({}, x); });
    expect_error(kInvalid, {"graph", "2", "3"}, [&] { layer.forward(three, x); });
    expect_error(kInvalid, {"graph", "8", "6"}, [&] { layer.forward(bipartite, x); });
    expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, {}); });
    expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x); });
    expect_error(kInvalid, {"x", "[4, 3]", "[4, 6]"}, [&] { layer.forward(graph, dy); });
    const Tensor features = tensor({3, 2}, Reals(6, 1)), more = tensor({4, 2}, Reals(8, 1));
    expect_error(kInvalid, {"edge_features: ", "none"}, [&] { layer.forward(graph, x, features); });
    RGATOptions with_features = rgat_options(softmax, 2, 2);
    with_features.edge_features = 2;
    RGATConv edged(session, "edged", 3, with_features);
    expect_error(kInvalid, {"edge_features: ", "none"}, [&] { edged.forward(graph, x); });
    expect_error(kInvalid, {"edge_features: ", "[3, 2]", "[4, 2]"}, [&] { edged.forward(graph, x, more); });
    layer.forward(graph, x);
    expect_error(kInvalid, {"dy", "none"}, [&] { layer.backward({}); });
    expect_error(kInvalid, {"dy", "[4, 6]", "[6, 4]"}, [&] { layer.backward(on_its_side); });
    layer.backward(dy);
    RGATOptions options = rgat_options(softmax, 2, 2);
    options.negative_slope = std::numeric_limits<double>::infinity();
    RGATConv flat(session, "flat", 3, options);
    expect_error(kInvalid, {"negative_slope", "inf"}, [&] { flat.forward(graph, x); });
  }
}

}  // namespace
}  // namespace warpgnn::test
