// SPDX-License-Identifier: MIT
// Layers whose messages depend on edge features or edge types, and GraphSAGE.

#include "warpgnn/nn/message_layers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "tests/nn/layer_cases.hpp"
#include "tests/nn/layer_fixture.hpp"
#include "tests/oracle/aggregate.hpp"
#include "tests/oracle/message_aggregate.hpp"
#include "tests/oracle/relation.hpp"
#include "tests/support/nn_formulas.hpp"

namespace warpgnn::test {
namespace {

using nn::GINEAggregation;
using nn::GINEConv;
using nn::RGCNConv;
using nn::RGCNOptions;
using nn::SAGEConv;
using nn::SAGEOptions;
using nn::Session;
using oracle::Ids;
using oracle::Reals;

Reals sum_of(Reals a, const Reals& b) {
  for (std::size_t k = 0; k < a.size(); ++k) a[k] += b[k];
  return a;
}

Reals product(const Subject& subject, const std::string& weight, const Reals& x, std::int64_t inputs) {
  const Reals matrix = subject.value(weight);
  const auto in = static_cast<std::size_t>(inputs);
  return oracle::linear(x, matrix, {}, x.size() / in, in, matrix.size() / in).value;
}

Reals with_bias(const Subject& subject, const std::string& bias, Reals y) {
  const Reals values = subject.value(bias);
  for (std::size_t k = 0; k < y.size(); ++k) y[k] += values[k % values.size()];
  return y;
}

Reals of_length_one(Reals rows, std::size_t width) {
  for (std::size_t first = 0; first < rows.size(); first += width) {
    double squares = 0;
    for (std::size_t k = first; k < first + width; ++k) squares += rows[k] * rows[k];
    for (std::size_t k = first; k < first + width; ++k) rows[k] /= std::sqrt(squares);
  }
  return rows;
}

// --- GINE ------------------------------------------------------------------------------------------------------------

/// The width of x_i.
template <class Options>
std::int64_t own_width(std::int64_t in, const Options& options) {
  return options.in_destination > 0 ? options.in_destination : in;
}

/// W x_i, where the layer has that weight.
Reals root_term(const Subject& subject, bool has_weight, const std::string& weight, std::int64_t in, std::size_t out) {
  if (!has_weight) return Reals(subject.edges().destinations() * out, 0);
  return product(subject, weight, subject.destination_values(), in);
}

Reals gine_sums(const Subject& subject, std::int64_t in, bool projects) {
  const nn::ParameterList& list = subject.parameters();
  const Reals features = reals_of(subject.edge_features());
  const oracle::MessageAggregate gathered{
      subject.edges(),
      oracle::EdgeMessage::relu_add,
      oracle::Reduce::sum,
      static_cast<std::size_t>(in),
      reals_of(subject.x()),
      projects ? formula::linear(list, "gine.edge", features, features.size() / subject.edges().count()) : features,
      {}};
  return formula::add_own_term(list, "gine", oracle::message_aggregate(gathered).y.value, subject.destination_values());
}

template <class Layer>
SharedTensor gine_forward(Layer& layer, const Subject& subject) {
  return with_features(subject,
                       [&](const auto& x) { return layer.forward(subject.graph(), x, subject.edge_features()); });
}

std::string gine_name(const std::string& layer, std::int64_t edge_features, bool two_sets,
                      const nn::GINOptions& options) {
  return layer + " edges " + std::to_string(edge_features) + (two_sets ? ", two node sets" : "") +
         (options.train_epsilon ? "" : ", fixed epsilon");
}

SubjectCase gine_case(std::int64_t in, std::int64_t out, std::int64_t edge_features, bool two_sets = false,
                      const nn::GINOptions& options = {}) {
  const bool projects = edge_features > 0;
  return layer_case<GINEConv>(
      gine_name("GINEConv " + std::to_string(in) + " to " + std::to_string(out), edge_features, two_sets, options),
      {.width = in,
       .edge_width = projects ? edge_features : in,
       .make = [=](Session& session) { return GINEConv(session, "gine", in, out, edge_features, options); },
       .forward = gine_forward<GINEConv>,
       .formula =
           [=](const Subject& subject) {
             return formula::gin_network(subject.parameters(), "gine", gine_sums(subject, in, projects),
                                         static_cast<std::size_t>(in));
           },
       .two_sets = two_sets},
      {"gine.mlp.0.bias", "gine.mlp.3.bias"});  // the batch normalisation after it takes them out again
}

SubjectCase gine_aggregation_case(std::int64_t in, std::int64_t edge_features, bool two_sets = false,
                                  const nn::GINOptions& options = {}) {
  const bool projects = edge_features > 0;
  return layer_case<GINEAggregation>(
      gine_name("GINEAggregation " + std::to_string(in), edge_features, two_sets, options),
      {.width = in,
       .edge_width = projects ? edge_features : in,
       .make = [=](Session& session) { return GINEAggregation(session, "gine", in, edge_features, options); },
       .forward = gine_forward<GINEAggregation>,
       .formula = [=](const Subject& subject) { return gine_sums(subject, in, projects); },
       .two_sets = two_sets});
}

// --- GraphSAGE -------------------------------------------------------------------------------------------------------

oracle::Reduce twin(Reduce reduce) {
  switch (reduce) {
    case Reduce::sum: return oracle::Reduce::sum;
    case Reduce::mean: return oracle::Reduce::mean;
    case Reduce::max: return oracle::Reduce::max;
    case Reduce::min: break;
  }
  return oracle::Reduce::min;
}

/// The columns of the one after those of the other, row by row.
Reals beside(const Reals& left, const Reals& right, std::size_t rows) {
  Reals both;
  for (std::size_t row = 0; row < rows; ++row) {
    for (const Reals* each : {&left, &right}) {
      const auto width = static_cast<std::ptrdiff_t>(each->size() / rows);
      const auto begin = each->begin() + static_cast<std::ptrdiff_t>(row) * width;
      both.insert(both.end(), begin, begin + width);
    }
  }
  return both;
}

Reals sage_formula(const Subject& subject, std::int64_t in, std::size_t out, const SAGEOptions& options) {
  const auto width = static_cast<std::size_t>(in);
  Reals x = reals_of(subject.x());
  if (options.project) {
    x = formula::activation(oracle::Activation::relu, formula::linear(subject.parameters(), "sage.lin", x, width));
  }
  Reals gathered;
  for (const Reduce reduce : options.reduce) {
    gathered =
        beside(gathered, oracle::aggregate({subject.edges(), twin(reduce), width, x, {}, {}}).y.value, subject.nodes());
  }
  const auto columns = in * static_cast<std::int64_t>(options.reduce.size());
  const Reals y = sum_of(product(subject, "sage.lin_l.weight", gathered, columns),
                         root_term(subject, options.root_weight, "sage.lin_r.weight", own_width(in, options), out));
  const Reals whole = options.bias ? with_bias(subject, "sage.lin_l.bias", y) : y;
  return options.normalize ? of_length_one(whole, out) : whole;
}

SubjectCase sage_case(const std::string& name, std::int64_t in, std::int64_t out, const SAGEOptions& options,
                      bool two_sets = false) {
  return layer_case<SAGEConv>(
      "SAGEConv " + name,
      {.width = in,
       .make = [=](Session& session) { return SAGEConv(session, "sage", in, out, options); },
       .forward =
           [](SAGEConv& layer, const Subject& subject) {
             return with_features(subject, [&](const auto& x) { return layer.forward(subject.graph(), x); });
           },
       .formula =
           [=](const Subject& subject) { return sage_formula(subject, in, static_cast<std::size_t>(out), options); },
       .two_sets = two_sets,
       .destination_width = options.in_destination},
      two_sets && !options.root_weight ? std::set<std::string>{"x.destination"} : std::set<std::string>{});
}

// --- R-GCN -----------------------------------------------------------------------------------------------------------

/// Relations of a subject's edges in turn, the last of them being left out.
Ids relations_of(const Subject& subject, std::int64_t relations) {
  Ids relation(subject.edges().count());
  for (std::size_t e = 0; e < relation.size(); ++e) relation[e] = static_cast<std::int64_t>(e) % (relations + 1);
  return relation;
}

/// Every W_r [out, in], one after the other, from the form in which the layer keeps them.
Reals relation_matrices(const Subject& subject, std::size_t in, std::size_t out, const RGCNOptions& options) {
  const Reals weight = subject.value("rgcn.weight");
  const Reals comp = options.bases > 0 ? subject.value("rgcn.comp") : Reals{};
  const auto relations = static_cast<std::size_t>(options.relations), bases = static_cast<std::size_t>(options.bases);
  const auto blocks = static_cast<std::size_t>(std::max<std::int64_t>(options.blocks, 1)), width = in / blocks;
  Reals matrices;
  for (std::size_t r = 0; r < relations; ++r) {
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t f = 0; f < in; ++f) {
        double value = 0;
        if (bases > 0) {
          for (std::size_t b = 0; b < bases; ++b) value += comp[r * bases + b] * weight[(o * bases + b) * in + f];
        } else if (o / (out / blocks) == f / width) {
          value = weight[(o * relations + r) * width + f % width];
        }
        matrices.push_back(value);
      }
    }
  }
  return matrices;
}

/// y_i = sum of w_e W_{r_e} x_j + W_0 x_i + b, edge by edge.
Reals rgcn_formula(const Subject& subject, std::int64_t in, std::int64_t out, const RGCNOptions& options,
                   bool weighted) {
  const auto width = static_cast<std::size_t>(in), rows = static_cast<std::size_t>(out);
  const Reals x = reals_of(subject.x()), matrices = relation_matrices(subject, width, rows, options);
  const Ids relation = relations_of(subject, options.relations);
  Reals weight = oracle::relation_weights(subject.edges(),
                                          weighted ? oracle::RelationNorm::per_relation : oracle::RelationNorm::none,
                                          relation, options.relations);
  if (options.edge_weight_gradient) weight = reals_of(subject.edge_weight());
  Reals y = root_term(subject, options.root_weight, "rgcn.root", own_width(in, options), rows);
  for (std::size_t e = 0; e < relation.size(); ++e) {
    for (std::size_t o = 0; o < rows && relation[e] < options.relations; ++o) {
      for (std::size_t f = 0; f < width; ++f) {
        y[subject.edges().to(e) * rows + o] +=
            weight[e] * matrices[(static_cast<std::size_t>(relation[e]) * rows + o) * width + f] *
            x[subject.edges().from(e) * width + f];
      }
    }
  }
  return options.bias ? with_bias(subject, "rgcn.bias", y) : y;
}

/// What an R-GCN layer reads besides x; the layer keeps views of it until its backward.
struct TypedEdges {
  Tensor relation, weight;

  void load(const Subject& subject, std::int64_t relations, bool weighted) {
    relation = labels_of(subject.context(), relations_of(subject, relations));
    if (!weighted) return;
    weight = Tensor(subject.context(), subject.session().dtype(), {subject.graph().num_edges()});
    run(subject.context(), relation_weights,
        RelationWeights{.graph = subject.graph(), .relations = relations, .relation = relation},
        RelationWeightsResult{.weight = weight});
  }
};

SubjectCase rgcn_case(const std::string& name, std::int64_t in, std::int64_t out, const RGCNOptions& options,
                      bool weighted, bool two_sets = false) {
  const auto typed = std::make_shared<TypedEdges>();
  return layer_case<RGCNConv>(
      "RGCNConv " + name,
      {.width = in,
       .make = [=](Session& session) { return RGCNConv(session, "rgcn", in, out, options); },
       .forward =
           [=](RGCNConv& layer, const Subject& subject) {
             typed->load(subject, options.relations, weighted);
             const Tensor& weight = options.edge_weight_gradient ? subject.edge_weight() : typed->weight;
             return with_features(
                 subject, [&](const auto& x) { return layer.forward(subject.graph(), x, typed->relation, weight); });
           },
       .formula = [=](const Subject& subject) { return rgcn_formula(subject, in, out, options, weighted); },
       .weight_has_gradient = options.edge_weight_gradient,
       .two_sets = two_sets,
       .destination_width = options.in_destination},
      two_sets && !options.root_weight ? std::set<std::string>{"x.destination"} : std::set<std::string>{});
}

}  // namespace

std::vector<SubjectCase> message_layer_cases() {
  return {
      gine_case(3, 5, 2),
      gine_case(5, 3, 4),
      gine_case(4, 4, 0),
      sage_case("mean", 3, 5, {}),
      sage_case("mean without bias", 5, 3, {.bias = false}),
      sage_case("max", 4, 4, {.reduce = {Reduce::max}}),
      sage_case("min without bias", 4, 2, {.reduce = {Reduce::min}, .bias = false}),
      sage_case("mean of length 1", 4, 3, {.normalize = true}),
      sage_case("max of length 1, without bias", 3, 5, {.reduce = {Reduce::max}, .normalize = true, .bias = false}),
      sage_case("sum", 3, 4, {.reduce = {Reduce::sum}}),
      rgcn_case("one basis", 3, 4, {.relations = 3, .bases = 1}, true),
      rgcn_case("two bases, plain sum", 4, 3, {.relations = 3, .bases = 2}, false),
      rgcn_case("gradient of edge weights", 4, 3, {.relations = 3, .bases = 2, .edge_weight_gradient = true}, false),
      rgcn_case("a basis for each relation, without bias", 3, 3, {.relations = 4, .bases = 4, .bias = false}, true),
      rgcn_case("a matrix for each relation", 3, 4, {.relations = 3}, true),
      rgcn_case("a matrix for each relation, gradient of edge weights, two node sets", 4, 3,
                {.relations = 2, .edge_weight_gradient = true}, false, true),
      rgcn_case("blocks", 4, 6, {.relations = 3, .blocks = 2}, true),
      rgcn_case("blocks of one, without bias", 3, 3, {.relations = 2, .blocks = 3, .bias = false}, false),
      rgcn_case("one block", 3, 2, {.relations = 2, .blocks = 1}, true),
      rgcn_case("blocks, gradient of edge weights", 6, 3, {.relations = 2, .blocks = 3, .edge_weight_gradient = true},
                false),
      rgcn_case("blocks, two node sets", 4, 2, {.relations = 3, .blocks = 2, .edge_weight_gradient = true}, false,
                true),
      gine_case(3, 5, 2, true),
      gine_case(4, 4, 0, true),
      sage_case("mean, two node sets", 3, 5, {}, true),
      sage_case("max of length 1, two node sets", 4, 3, {.reduce = {Reduce::max}, .normalize = true}, true),
      rgcn_case("two node sets", 4, 3, {.relations = 3, .bases = 2}, true, true),
      rgcn_case("gradient of edge weights, two node sets", 3, 4,
                {.relations = 2, .bases = 1, .edge_weight_gradient = true}, false, true),
      gine_case(3, 4, 2, false, {.epsilon = 0.7, .train_epsilon = false}),
      gine_case(3, 4, 2, true, {.epsilon = 0.7, .train_epsilon = false}),
      gine_aggregation_case(3, 2),
      gine_aggregation_case(4, 0),
      gine_aggregation_case(3, 2, true),
      gine_aggregation_case(3, 0, true, {.epsilon = 0.7, .train_epsilon = false}),
      gine_aggregation_case(3, 2, false, {.epsilon = 0.7, .train_epsilon = false}),
      sage_case("without root weight", 3, 4, {.root_weight = false}),
      sage_case("without root weight, two node sets", 3, 4, {.reduce = {Reduce::max}, .root_weight = false}, true),
      sage_case("projected", 3, 4, {.project = true}),
      sage_case("max projected, two node sets", 4, 3, {.reduce = {Reduce::max}, .project = true}, true),
      sage_case("mean and max", 3, 4, {.reduce = {Reduce::mean, Reduce::max}}),
      sage_case("min, sum and max projected, of length 1", 3, 4,
                {.reduce = {Reduce::min, Reduce::sum, Reduce::max}, .normalize = true, .project = true}),
      sage_case("max twice and mean, two node sets", 3, 2,
                {.reduce = {Reduce::max, Reduce::max, Reduce::mean}, .bias = false}, true),
      sage_case("sum and min projected, without root weight, two node sets", 3, 4,
                {.reduce = {Reduce::sum, Reduce::min}, .root_weight = false, .project = true}, true),
      sage_case("destinations of another width", 3, 4, {.in_destination = 5}, true),
      sage_case("max projected, destinations of another width", 4, 3,
                {.reduce = {Reduce::max}, .project = true, .in_destination = 2}, true),
      sage_case("without root weight, destinations of another width", 4, 3, {.root_weight = false, .in_destination = 2},
                true),
      rgcn_case("destinations of another width", 4, 3, {.relations = 3, .bases = 2, .in_destination = 2}, true, true),
      rgcn_case("blocks, destinations of another width", 4, 2, {.relations = 2, .blocks = 2, .in_destination = 5},
                false, true),
      rgcn_case("without root weight", 3, 4, {.relations = 3, .bases = 2, .root_weight = false}, true),
      rgcn_case("without root weight, two node sets", 3, 4, {.relations = 3, .root_weight = false}, false, true),
  };
}

namespace {

class NnMessageLayersTest : public LayerTest {};

WARPGNN_INSTANTIATE_OP_TESTS(NnMessageLayersTest);

TEST_P(NnMessageLayersTest, ParametersCarryTheLayersName) {
  Session session(context(), dtype(), 3);
  EXPECT_EQ(names(SAGEConv(session, "a", 2, 3)), (Names{"a.lin_l.weight", "a.lin_r.weight", "a.lin_l.bias"}));
  EXPECT_EQ(names(SAGEConv(session, "a", 2, 3, {.bias = false})), (Names{"a.lin_l.weight", "a.lin_r.weight"}));
  EXPECT_EQ(names(SAGEConv(session, "a", 2, 3, {.root_weight = false})), (Names{"a.lin_l.weight", "a.lin_l.bias"}));
  EXPECT_EQ(names(SAGEConv(session, "a", 2, 3, {.project = true})),
            (Names{"a.lin.weight", "a.lin.bias", "a.lin_l.weight", "a.lin_r.weight", "a.lin_l.bias"}));
  EXPECT_EQ(names(RGCNConv(session, "b", 2, 3, {.root_weight = false})), (Names{"b.weight", "b.bias"}));
  EXPECT_EQ(names(RGCNConv(session, "b", 2, 3, {})), (Names{"b.weight", "b.root", "b.bias"}));
  EXPECT_EQ(names(RGCNConv(session, "b", 2, 4, {.blocks = 2})), (Names{"b.weight", "b.root", "b.bias"}));
  EXPECT_EQ(names(RGCNConv(session, "b", 2, 3, {.bases = 1})), (Names{"b.weight", "b.comp", "b.root", "b.bias"}));
  const Names network{"c.mlp.0.weight",       "c.mlp.0.bias",        "c.mlp.1.weight",      "c.mlp.1.bias",
                      "c.mlp.1.running_mean", "c.mlp.1.running_var", "c.mlp.3.weight",      "c.mlp.3.bias",
                      "c.norm.weight",        "c.norm.bias",         "c.norm.running_mean", "c.norm.running_var"};
  Names plain{"c.epsilon"}, projected{"c.epsilon", "c.edge.weight", "c.edge.bias"};
  plain.insert(plain.end(), network.begin(), network.end());
  projected.insert(projected.end(), network.begin(), network.end());
  EXPECT_EQ(names(GINEAggregation(session, "c", 2, 0)), (Names{"c.epsilon"}));
  EXPECT_EQ(names(GINEAggregation(session, "c", 2, 4)), (Names{"c.epsilon", "c.edge.weight", "c.edge.bias"}));
  EXPECT_EQ(names(GINEConv(session, "c", 2, 3, 0)), plain);
  EXPECT_EQ(names(GINEConv(session, "c", 2, 3, 4)), projected);
}

class NnMessageLayerErrorsTest : public LayerErrorsTest {
 protected:
  void SetUp() override {
    LayerErrorsTest::SetUp();
    if (!IsSkipped()) relation = labels_of(context(), {0, 1, 1});
  }

  Tensor relation;
};

WARPGNN_INSTANTIATE_OP_TESTS(NnMessageLayerErrorsTest);

TEST_P(NnMessageLayerErrorsTest, Gine) {
  expect_error(kInvalid, {"edge_features", "-1"}, [&] { GINEConv(*session, "gine", 3, 4, -1); });
  GINEConv layer(*session, "gine", 3, 4, 2), plain(*session, "plain", 3, 4, 0);
  expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x, edge_features); });
  expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x, edge_features); });
  expect_error(kInvalid, {"edge_features", "none"}, [&] { layer.forward(graph, x, {}); });
  expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, ConstTensorView{}, edge_features); });
  expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x, edge_features); });
  expect_error(kInvalid, {"edge_features:", "3]", "2]"}, [&] { layer.forward(graph, x, tensor({3, 3}, Reals(9, 1))); });
  expect_error(kInvalid, {"edge_features:", "[3, ", "[4, "}, [&] {
    layer.forward(graph, x, tensor({4, 2}, Reals(8, 1)));
  });
  expect_error(kInvalid, {"edge_features:", "[3, 3]", "[3, 2]"}, [&] { plain.forward(graph, x, edge_features); });
  layer.forward(graph, x, edge_features);
  expect_error(kInvalid, {"dy", "[4, 4]", "[4, 7]"}, [&] { layer.backward(wide_x); });
}

TEST_P(NnMessageLayerErrorsTest, GinesAggregation) {
  expect_error(kInvalid, {"in", "0"}, [&] { GINEAggregation(*session, "gine", 0, 2); });
  expect_error(kInvalid, {"edge_features", "-1"}, [&] { GINEAggregation(*session, "gine", 3, -1); });
  GINEAggregation layer(*session, "gine", 3, 2);
  expect_error(kInvalid, {"edge_features", "none"}, [&] { layer.forward(graph, x, {}); });
  expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x, edge_features); });
  layer.forward(graph, x, edge_features);
  expect_error(kInvalid, {"dy", "[4, 3]", "[4, 7]"}, [&] { layer.backward(wide_x); });
}

TEST_P(NnMessageLayerErrorsTest, Sage) {
  expect_error(kInvalid, {"out", "0"}, [&] { SAGEConv(*session, "sage", 3, 0); });
  expect_error(kInvalid, {"in", "-2"}, [&] { SAGEConv(*session, "sage", -2, 3); });
  expect_error(kInvalid, {"reduce: ", "one reduction or more", "none"},
               [&] { SAGEConv(*session, "sage", 3, 4, {.reduce = {}}); });
  for (const Reduce reduce : {Reduce::mean, Reduce::max}) {
    SAGEConv layer(*session, "sage", 3, 4, {.reduce = {reduce}});
    expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x); });
    expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x); });
    expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, ConstTensorView{}); });
    expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x); });
    expect_error(kInvalid, {"x:", "7]", "3]"}, [&] { layer.forward(graph, wide_x); });
    layer.forward(graph, x);
    expect_error(kInvalid, {"dy", "none"}, [&] { layer.backward({}); });
  }
}

TEST_P(NnMessageLayerErrorsTest, Rgcn) {
  expect_error(kInvalid, {"bases", "-1"}, [&] { RGCNConv(*session, "rgcn", 3, 4, {.bases = -1}); });
  expect_error(kInvalid, {"blocks", "-2"}, [&] { RGCNConv(*session, "rgcn", 4, 4, {.blocks = -2}); });
  expect_error(kInvalid, {"blocks", "beside bases", "3", "2"},
               [&] { RGCNConv(*session, "rgcn", 4, 4, {.bases = 3, .blocks = 2}); });
  expect_error(kInvalid, {"in: ", "multiple", "2", "3"}, [&] { RGCNConv(*session, "rgcn", 3, 4, {.blocks = 2}); });
  expect_error(kInvalid, {"out: ", "multiple", "2", "5"}, [&] { RGCNConv(*session, "rgcn", 4, 5, {.blocks = 2}); });
  expect_error(kInvalid, {"in", "0"}, [&] { RGCNConv(*session, "rgcn", 0, 4, {}); });
  expect_error(kInvalid, {"relations", "0"}, [&] { RGCNConv(*session, "rgcn", 3, 4, {.relations = 0}); });
  RGCNConv layer(*session, "rgcn", 3, 4, {.relations = 2, .bases = 2});
  expect_error(kInvalid, {"graph", "none"}, [&] { layer.forward({}, x, relation, {}); });
  expect_error(kInvalid, {"graph", "4", "3"}, [&] { layer.forward(bipartite, x, relation, {}); });
  expect_error(kInvalid, {"relation", "none"}, [&] { layer.forward(graph, x, {}, {}); });
  expect_error(kInvalid, {"relation", "float"}, [&] { layer.forward(graph, x, tensor({3}, Reals(3, 1)), {}); });
  expect_error(kInvalid, {"edge_weight:", "[3]", "[5]"},
               [&] { layer.forward(graph, x, relation, tensor({5}, Reals(5, 1))); });
  expect_error(kInvalid, {"x", "none"}, [&] { layer.forward(graph, ConstTensorView{}, relation, {}); });
  expect_error(kInvalid, {"x", "[4, 3]", "[5, 3]"}, [&] { layer.forward(graph, long_x, relation, {}); });
  expect_error(kInvalid, {"x:", "[4, 3]", "[4, 7]"}, [&] { layer.forward(graph, wide_x, relation, {}); });
  layer.forward(graph, x, relation, {});
  expect_error(kInvalid, {"dy", "none"}, [&] { layer.backward({}); });
}

}  // namespace
}  // namespace warpgnn::test
