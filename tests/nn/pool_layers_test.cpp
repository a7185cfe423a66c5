// SPDX-License-Identifier: MIT
// The layers of warpgnn/nn that make graphs, or fewer nodes, of nodes.

#include "warpgnn/nn/pool_layers.hpp"

#include <gmock/gmock.h>

#include "tests/nn/layer_cases.hpp"
#include "tests/nn/layer_fixture.hpp"
#include "tests/oracle/layer_norm.hpp"
#include "tests/oracle/pool.hpp"
#include "tests/oracle/recurrent.hpp"
#include "tests/oracle/top_k.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/nn_formulas.hpp"

namespace warpgnn::test {
namespace {

using nn::AttentionPool;
using nn::GatedSumPool;
using nn::MultiHeadAttentionPool;
using nn::MultiHeadAttentionPoolOptions;
using nn::SAGPool;
using nn::Session;
using nn::Set2Set;
using nn::TopKOptions;
using nn::TopKPool;
using oracle::Ids;
using oracle::Reals;

constexpr std::size_t kWidth = 4;
constexpr std::int64_t kIn = 4;

// --- Formulas ----------------------------------------------------------------------------------------------------

oracle::Pooled heads_formula(const Subject& subject, const MultiHeadAttentionPoolOptions& options) {
  const nn::ParameterList& list = subject.parameters();
  const Reals x = reals_of(subject.x());
  oracle::Pool in{subject.graph_data().graph_offsets,
                  oracle::PoolReduce::sum,
                  oracle::PoolGate::softmax,
                  static_cast<std::size_t>(options.heads * options.channels),
                  {}};
  in.heads = static_cast<std::size_t>(options.heads);
  in.temperature = options.temperature;
  const Reals hidden = formula::activation(oracle::Activation::tanh, formula::linear(list, "pool.gate.0", x, kWidth));
  in.score = formula::linear(list, "pool.gate.2", hidden, static_cast<std::size_t>(options.hidden));
  in.x = formula::linear(list, "pool.value", x, kWidth);
  return oracle::pool(in);
}

Reals gated_sum_formula(const Subject& subject, std::size_t out) {
  const Reals x = reals_of(subject.x());
  const Reals gate =
      formula::activation(oracle::Activation::sigmoid, formula::linear(subject.parameters(), "pool.gate", x, kWidth));
  const Reals value = formula::linear(subject.parameters(), "pool.value", x, kWidth);
  const Ids& offset = subject.graph_data().graph_offsets;
  Reals y((offset.size() - 1) * out, 0);
  for (std::size_t g = 0; g + 1 < offset.size(); ++g) {
    for (auto k = static_cast<std::size_t>(offset[g]) * out; k < static_cast<std::size_t>(offset[g + 1]) * out; ++k) {
      y[g * out + k % out] += gate[k] * value[k];
    }
  }
  return y;
}

Reals set2set_formula(const Subject& subject, std::int64_t steps) {
  const Reals x = reals_of(subject.x());
  const Ids& offset = subject.graph_data().graph_offsets;
  const std::size_t graphs = offset.size() - 1, f = kWidth;
  Reals state(graphs * 2 * f, 0), h(graphs * f, 0), c(graphs * f, 0);
  for (std::int64_t step = 0; step < steps; ++step) {
    Reals gates =
        oracle::linear(state, subject.value("set.weight_ih"), subject.value("set.bias"), graphs, 2 * f, 4 * f).value;
    const Reals more = oracle::linear(h, subject.value("set.weight_hh"), {}, graphs, f, 4 * f).value;
    for (std::size_t k = 0; k < gates.size(); ++k) gates[k] += more[k];
    const oracle::LstmCell cell = oracle::lstm_cell(gates, c, f);
    c = cell.c.value;
    h = cell.h.value;
    oracle::Pool read{
        offset, oracle::PoolReduce::sum, oracle::PoolGate::softmax, f, x, oracle::segment_dot(offset, x, h, f).value};
    const Reals r = oracle::pool(read).y.value;
    for (std::size_t g = 0; g < graphs; ++g) {
      for (std::size_t k = 0; k < f; ++k) {
        state[g * 2 * f + k] = h[g * f + k];
        state[g * 2 * f + f + k] = r[g * f + k];
      }
    }
  }
  return state;
}

Ids kept_nodes(const Subject& subject, const Reals& projection, const TopKOptions& options) {
  const Ids& offset = subject.graph_data().graph_offsets;
  Ids kept;
  for (std::size_t g = 1; g < offset.size(); ++g) {
    const std::int64_t nodes = offset[g] - offset[g - 1];
    const auto share = static_cast<std::int64_t>(std::ceil(options.ratio * static_cast<double>(nodes)));
    kept.push_back(options.count > 0 ? std::min(options.count, nodes) : share);
  }
  return oracle::top_k(offset, kept, projection);
}

Reals kept_rows(const Subject& subject, const Reals& projection, const TopKOptions& options) {
  return oracle::scaled_gather(reals_of(subject.x()), formula::activation(oracle::Activation::tanh, projection),
                               kept_nodes(subject, projection, options), kWidth)
      .value;
}

Reals top_k_projection(const Subject& subject) {
  const Reals direction = oracle::normalize_rows(subject.value("top.weight"), kWidth).value;
  return oracle::linear(reals_of(subject.x()), direction, {}, subject.nodes(), kWidth, 1).value;
}

Reals sag_projection(const Subject& subject) {
  return formula::gcn(subject.parameters(), "sag.score", subject.edges(), reals_of(subject.edge_weight()),
                      reals_of(subject.x()), kWidth);
}

// --- Cases -------------------------------------------------------------------------------------------------------

LayerSpec<MultiHeadAttentionPool> heads_spec(const MultiHeadAttentionPoolOptions& options) {
  return {.width = kIn,
          .make = [=](Session& session) { return MultiHeadAttentionPool(session, "pool", kIn, options); },
          .forward = [](MultiHeadAttentionPool& layer,
                        const Subject& subject) { return layer.forward(subject.graph(), subject.x()); },
          .formula = [=](const Subject& subject) { return heads_formula(subject, options).y.value; }};
}

LayerSpec<TopKPool> top_k_spec(const TopKOptions& options) {
  return {
      .width = kIn,
      .make = [=](Session& session) { return TopKPool(session, "top", kIn, options); },
      .forward = [](TopKPool& layer, const Subject& subject) { return layer.forward(subject.graph(), subject.x()); },
      .formula = [=](const Subject& subject) { return kept_rows(subject, top_k_projection(subject), options); }};
}

LayerSpec<SAGPool> sag_spec(const TopKOptions& options) {
  return {.width = kIn,
          .make = [=](Session& session) { return SAGPool(session, "sag", kIn, options); },
          .forward =
              [](SAGPool& layer, const Subject& subject) {
                return layer.forward(subject.graph(), subject.x(), subject.edge_weight());
              },
          .formula = [=](const Subject& subject) { return kept_rows(subject, sag_projection(subject), options); }};
}

/// With GCN's scale of nodes in place of weights: the same, as long as the nodes are scaled by one.
LayerSpec<SAGPool> scaled_sag_spec(const TopKOptions& options) {
  const auto ones = std::make_shared<Tensor>();
  LayerSpec<SAGPool> spec = sag_spec(options);
  spec.forward = [=](SAGPool& layer, const Subject& subject) {
    const std::int64_t nodes = subject.graph().num_nodes();
    *ones = tensor_of(subject.context(), subject.session().dtype(), {nodes}, Reals(static_cast<std::size_t>(nodes), 1));
    return layer.forward(subject.graph(), subject.x(), nn::NodeScale(*ones, subject.edge_weight()));
  };
  return spec;
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

constexpr std::int64_t kPoolHidden = 3;

oracle::Pooled pool_formula(const Subject& subject, const PoolKind& kind) {
  return formula::attention_pool(subject.parameters(), "pool", subject.graph_data(), kind.twin_reduce, kind.twin_gate,
                                 reals_of(subject.x()), kIn);
}

LayerSpec<AttentionPool> pool_spec(const PoolKind& kind) {
  return {
      .width = kIn,
      .make =
          [kind](Session& session) { return AttentionPool(session, "pool", kIn, kPoolHidden, kind.reduce, kind.gate); },
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

SubjectCase heads_case(const MultiHeadAttentionPoolOptions& options) {
  // A softmax does not feel what is added to every score.
  return layer_case<MultiHeadAttentionPool>("MultiHeadAttentionPool " + std::to_string(options.heads) + " heads",
                                            heads_spec(options), {"pool.gate.2.bias"});
}

SubjectCase gated_sum_case() {
  return layer_case<GatedSumPool>(
      "GatedSumPool", {.width = kIn,
                       .make = [](Session& session) { return GatedSumPool(session, "pool", kIn, 5); },
                       .forward = [](GatedSumPool& layer,
                                     const Subject& subject) { return layer.forward(subject.graph(), subject.x()); },
                       .formula = [](const Subject& subject) { return gated_sum_formula(subject, 5); }});
}

SubjectCase set2set_case(std::int64_t steps) {
  // The weights meet zeros in the first step.
  return layer_case<Set2Set>(
      "Set2Set " + std::to_string(steps) + " steps",
      {.width = kIn,
       .make = [=](Session& session) { return Set2Set(session, "set", kIn, steps); },
       .forward = [](Set2Set& layer, const Subject& subject) { return layer.forward(subject.graph(), subject.x()); },
       .formula = [=](const Subject& subject) { return set2set_formula(subject, steps); }},
      steps == 1 ? std::set<std::string>{"set.weight_ih", "set.weight_hh"} : std::set<std::string>{});
}

}  // namespace

std::vector<SubjectCase> pool_layer_cases() {
  std::vector<SubjectCase> cases{
      heads_case({.heads = 1, .channels = 3, .hidden = 5}),
      heads_case({.heads = 3, .channels = 2, .hidden = 4, .temperature = 0.5}),
      gated_sum_case(),
      set2set_case(1),
      set2set_case(3),
      layer_case<TopKPool>("TopKPool half", top_k_spec({.ratio = 0.5})),
      layer_case<TopKPool>("TopKPool all", top_k_spec({.ratio = 1})),
      layer_case<TopKPool>("TopKPool of 3", top_k_spec({.count = 3})),
      layer_case<SAGPool>("SAGPool", sag_spec({.ratio = 0.6})),
      layer_case<SAGPool>("SAGPool of 2", sag_spec({.count = 2})),
      layer_case<SAGPool>("SAGPool of scaled nodes", scaled_sag_spec({.ratio = 0.6})),
  };
  for (const PoolKind& kind : kPoolKinds) cases.push_back(pool_case(kind));
  return cases;
}

namespace {

class NnPoolLayersTest : public LayerTest {};

WARPGNN_INSTANTIATE_OP_TESTS(NnPoolLayersTest);

TEST_P(NnPoolLayersTest, AttentionOfAPoolIsItsGate) {
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

TEST_P(NnPoolLayersTest, AttentionOfHeadsIsThatOfTheFormula) {
  const MultiHeadAttentionPoolOptions options{.heads = 3, .channels = 2, .hidden = 4, .temperature = 2};
  LayerSubject<MultiHeadAttentionPool> subject(context(), dtype(), heads_spec(options));
  subject.load(6, 17);
  subject.forward();
  expect_values(reals(subject.layer().attention()), heads_formula(subject, options).weight, dtype(), 500, "attention");
}

/// The kept nodes, their graph, and pools on top of pools.
TEST_P(NnPoolLayersTest, SelectionsSayWhatIsLeft) {
  LayerSubject<TopKPool> subject(context(), dtype(), top_k_spec({}));
  subject.load(9, 30);
  const ConstTensorView y = subject.forward();
  const Ids nodes = kept_nodes(subject, top_k_projection(subject), {});
  EXPECT_THAT(subject.layer().selection().nodes.to_host<std::int32_t>(), ::testing::ElementsAreArray(nodes));
  const oracle::Subgraph want = oracle::induced_subgraph(subject.edges(), subject.graph_data().graph_offsets, nodes);
  const Graph& left = subject.layer().selection().graph;
  EXPECT_EQ(left.num_nodes(), y.shape[0]);
  EXPECT_THAT(left.host_graph_offsets(), ::testing::ElementsAreArray(want.offset));
  EXPECT_THAT(subject.layer().selection().edges.to_host<std::int32_t>(), ::testing::ElementsAreArray(want.edge_map));
  TopKPool again(subject.session(), "again", kIn);
  const ConstTensorView twice = again.forward(left, y);
  EXPECT_EQ(twice.shape[0], top_k_count(left, 0.5));
  EXPECT_EQ(again.backward(twice).shape[0], left.num_nodes());
}

TEST_P(NnPoolLayersTest, ATemperatureOfTheAttentionPoolShows) {
  Rng rng;
  const TestGraph data = batch_with_isolated_nodes(rng, 15);
  const Graph graph = data.upload(context());
  const Tensor x = tensor({15, 3}, rng.reals(45));
  const auto pooled = [&](double temperature) {
    Session session(context(), dtype(), 3);
    AttentionPool layer(session, "pool", 3, 4, PoolReduce::sum, PoolGate::softmax, temperature);
    const ConstTensorView rows = layer.forward(graph, x);
    Reals y = reals(rows);
    layer.backward(rows);
    const Reals weight = reals(layer.attention());
    for (std::size_t g = 0; g + 1 < data.graph_offsets.size(); ++g) {
      double total = 0;
      for (std::int64_t n = data.graph_offsets[g]; n < data.graph_offsets[g + 1]; ++n) {
        total += weight[static_cast<std::size_t>(n)];
      }
      EXPECT_NEAR(total, data.graph_offsets[g + 1] > data.graph_offsets[g] ? 1 : 0, 1e-5);
    }
    return y;
  };
  EXPECT_EQ(pooled(1), pooled(1));
  EXPECT_NE(pooled(1), pooled(0.1));
}

TEST_P(NnPoolLayersTest, ParametersCarryTheLayersName) {
  Session session(context(), dtype(), 3);
  EXPECT_EQ(names(MultiHeadAttentionPool(session, "a", 2, {.heads = 2, .channels = 3, .hidden = 4})),
            (Names{"a.gate.0.weight", "a.gate.0.bias", "a.gate.2.weight", "a.gate.2.bias", "a.value.weight",
                   "a.value.bias"}));
  EXPECT_EQ(names(GatedSumPool(session, "b", 2, 3)),
            (Names{"b.gate.weight", "b.gate.bias", "b.value.weight", "b.value.bias"}));
  EXPECT_EQ(names(Set2Set(session, "c", 2, 3)), (Names{"c.weight_ih", "c.weight_hh", "c.bias"}));
  EXPECT_EQ(names(TopKPool(session, "d", 2)), (Names{"d.weight"}));
  EXPECT_EQ(names(AttentionPool(session, "f", 2, 3, PoolReduce::sum, PoolGate::softmax)),
            (Names{"f.gate.0.weight", "f.gate.0.bias", "f.gate.2.weight", "f.gate.2.bias"}));
  EXPECT_EQ(names(SAGPool(session, "e", 2)), (Names{"e.score.weight", "e.score.bias"}));
}

TEST_P(NnPoolLayersTest, RefusesWrongOptions) {
  Session session(context(), dtype(), 3);
  expect_error(kInvalid, {"heads", "0"}, [&] { MultiHeadAttentionPool(session, "a", 2, {.heads = 0}); });
  expect_error(kInvalid, {"channels", "-1"}, [&] { MultiHeadAttentionPool(session, "a", 2, {.channels = -1}); });
  expect_error(kInvalid, {"hidden", "0"}, [&] { MultiHeadAttentionPool(session, "a", 2, {.hidden = 0}); });
  expect_error(kInvalid, {"steps", "0"}, [&] { Set2Set(session, "a", 2, 0); });
  expect_error(kInvalid, {"in", "0"}, [&] { Set2Set(session, "a", 0, 2); });
  expect_error(kInvalid, {"in", "-2"}, [&] { TopKPool(session, "a", -2); });
  for (const double ratio : {0.0, -1.0, 1.01}) {
    expect_error(kInvalid, {"ratio", "(0, 1]"}, [&] { TopKPool(session, "a", 2, {.ratio = ratio}); });
    expect_error(kInvalid, {"ratio", "(0, 1]"}, [&] { SAGPool(session, "a", 2, {.ratio = ratio}); });
  }
  expect_error(kInvalid, {"count", "-1"}, [&] { TopKPool(session, "a", 2, {.count = -1}); });
  expect_error(kInvalid, {"count", "-2"}, [&] { SAGPool(session, "a", 2, {.count = -2}); });
}

TEST_P(NnPoolLayersTest, RefusesWrongInputs) {
  TestGraph data;
  data.edges = {4, 4, {0, 1, 2}, {1, 2, 2}};
  const Graph graph = data.upload(context());
  const Tensor x = tensor({4, 3}, Reals(12, 1)), long_x = tensor({5, 3}, Reals(15, 1)),
               wide_x = tensor({4, 7}, Reals(28, 1)), edges = tensor({3}, Reals(3, 1));
  Session session(context(), dtype(), 3);
  MultiHeadAttentionPool heads(session, "heads", 3, {.heads = 2, .channels = 3, .hidden = 4});
  GatedSumPool gated(session, "gated", 3, 5);
  Set2Set set(session, "set", 3, 2);
  TopKPool top(session, "top", 3);
  SAGPool sag(session, "sag", 3);
  const auto refuses = [&](auto&& forward) {
    expect_error(kInvalid, {"graph", "none"}, [&] { forward(Graph(), x); });
    EXPECT_THROW(forward(graph, long_x), Error);
    EXPECT_THROW(forward(graph, wide_x), Error);
    EXPECT_THROW(forward(graph, ConstTensorView{}), Error);
    forward(graph, x);
  };
  refuses([&](const Graph& g, const ConstTensorView& in) { heads.forward(g, in); });
  refuses([&](const Graph& g, const ConstTensorView& in) { gated.forward(g, in); });
  refuses([&](const Graph& g, const ConstTensorView& in) { set.forward(g, in); });
  refuses([&](const Graph& g, const ConstTensorView& in) { top.forward(g, in); });
  refuses([&](const Graph& g, const ConstTensorView& in) { sag.forward(g, in, edges); });
  expect_error(kInvalid, {"dy", "[1, 6]", "[4, 7]"}, [&] { heads.backward(wide_x); });
  expect_error(kInvalid, {"dy", "[1, 5]", "[4, 3]"}, [&] { gated.backward(x); });
  expect_error(kInvalid, {"dy", "[1, 6]", "[4, 3]"}, [&] { set.backward(x); });
  expect_error(kInvalid, {"dy", "[2, 3]", "[4, 3]"}, [&] { top.backward(x); });
  expect_error(kInvalid, {"dy", "[2, 3]", "[4, 3]"}, [&] { sag.backward(x); });
}

class NnPoolLayerErrorsTest : public LayerErrorsTest {};

WARPGNN_INSTANTIATE_OP_TESTS(NnPoolLayerErrorsTest);

TEST_P(NnPoolLayerErrorsTest, AttentionPool) {
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
