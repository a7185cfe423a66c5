// SPDX-License-Identifier: MIT
#include "warpgnn/ops/attention.hpp"

#include <span>

#include "tests/ops/attention_fixture.hpp"
#include "tests/oracle/aggregate.hpp"
#include "tests/support/errors.hpp"
#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

struct Size {
  std::size_t heads, channels, values;
};

/// Which optional inputs are given, turn by turn.
AttentionSettings settings_of(std::size_t turn, oracle::AttentionScore score, std::size_t heads, std::size_t channels,
                              std::size_t values) {
  return {score, heads, channels, values, turn % 2 != 0, turn / 2 % 2 != 0, turn % 3 == 1, turn % 5 < 3 ? 0.0 : 0.375};
}

class AttentionTest : public AttentionFixture {
 protected:
  /// Each size with the next score, layout and optional inputs.
  void check_sizes(Rng& rng, const TestGraph& graph, std::span<const Size> sizes, std::size_t turn = 0) const {
    for (const Size& size : sizes) {
      const Place place = kPlaces[turn % 3];
      const oracle::AttentionScore score = kAttentionScores[turn / 2 % 3];
      SCOPED_TRACE(std::string(name_of(score)) + " " + graph.name + " " + std::to_string(size.heads) + " x " +
                   std::to_string(size.channels) + " to " + std::to_string(size.values) + " " + name_of(place));
      const auto in = random_pairs(rng, graph, settings_of(turn++, score, size.heads, size.channels, size.values));
      check(in, random_upstream(rng, in), place);
    }
  }
};
WARPGNN_INSTANTIATE_OP_TESTS(AttentionTest);

class AttentionDifferencesTest : public AttentionTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(AttentionDifferencesTest);

TEST_P(AttentionTest, MatchesOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const oracle::AttentionScore score : kAttentionScores) {
      const AttentionSettings settings = settings_of(turn, score, 2, 3, turn / 2 % 2 == 0 ? 0 : 5);
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(graph.name + " " + name_of(score) + " " + name_of(place) + " turn " + std::to_string(turn));
      const auto in = random_pairs(rng, graph, settings);
      check(in, random_upstream(rng, in), place);
    }
    ++turn;  // the next graph's scores meet other settings
  }
}

TEST_P(AttentionTest, EveryOptionalInput) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 30, 25, 140);
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (unsigned set = 0; set < 32; ++set) {
      const bool shared = (set & 1) != 0, key = (set & 2) != 0, value = (set & 4) != 0, bias = (set & 8) != 0;
      const double dropout = (set & 16) != 0 ? 0.25 : 0.0;
      SCOPED_TRACE(std::string(name_of(score)) + " set " + std::to_string(set));
      const auto in = random_pairs(rng, graph, {score, 3, 4, shared ? 0u : 2u, key, value, bias, dropout});
      check(in, random_upstream(rng, in), kPlaces[set % 3]);
    }
  }
}

TEST_P(AttentionTest, EveryHeadCountAndWidth) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 20, 20, 60);
  const Size sizes[] = {{1, 1, 0},   {1, 3, 0},   {1, 1, 70},  {1, 32, 0}, {1, 64, 0},  {1, 127, 0}, {1, 128, 0},
                        {1, 256, 0}, {1, 300, 0}, {2, 1, 0},   {2, 7, 3},  {2, 33, 0},  {3, 3, 9},   {3, 31, 32},
                        {4, 16, 0},  {4, 32, 0},  {4, 32, 64}, {5, 1, 1},  {5, 33, 31}, {7, 2, 0},   {8, 1, 0},
                        {8, 8, 0},   {8, 32, 0},  {8, 16, 8},  {8, 64, 0}, {3, 128, 4}, {2, 4, 300}, {2, 127, 0},
                        {16, 4, 0},  {33, 1, 0},  {40, 3, 2},  {2, 12, 6}};
  check_sizes(rng, graph, sizes);
}

// Rows of two chunks.
TEST_P(AttentionTest, LongRowsOfEveryKindOfHead) {
  Rng rng;
  Ids degrees(5, 2);
  degrees[2] = kChunkEdges + 30;
  const TestGraph into = graph_with_degrees(rng, 8, degrees);
  const Size sizes[] = {{1, 1, 0}, {3, 5, 9}, {1, 64, 0}, {40, 1, 2}};
  check_sizes(rng, into, sizes);
  check_sizes(rng, transposed(into), sizes, 4);
}

// Too wide for a warp's registers.
TEST_P(AttentionTest, LongRowsOfWideHeads) {
  Rng rng;
  Ids degrees(5, 2);
  degrees[2] = kChunkEdges + 30;
  const TestGraph into = graph_with_degrees(rng, 8, degrees);
  const Size sizes[] = {{1, 270, 0}, {1, 4, 270}};
  check_sizes(rng, into, sizes, 2);
  check_sizes(rng, transposed(into), sizes, 4);
}

TEST_P(AttentionTest, EveryLayoutOfCommonSizes) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 25, 15, 70);
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (const auto& [heads, channels, values] : {Size{8, 8, 0}, Size{4, 32, 0}, Size{4, 32, 16}, Size{1, 7, 7}}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::string(name_of(score)) + " " + std::to_string(heads) + " x " + std::to_string(channels) +
                     " " + name_of(place));
        const auto in = random_pairs(rng, graph, {score, heads, channels, values, true, true, true, 0.25});
        check(in, random_upstream(rng, in), place);
      }
    }
  }
}

TEST_P(AttentionTest, OtherSlopesAndScales) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 20, 20, 80);
  for (const double factor : {0.0, 0.01, 1.0, -0.5, 3.0}) {
    SCOPED_TRACE(factor);
    auto in = random_pairs(rng, graph, {oracle::AttentionScore::gatv2, 3, 4, 0, true});
    in.slope = factor;
    check(in, random_upstream(rng, in), Place::contiguous);
    in = random_pairs(rng, graph, {oracle::AttentionScore::dot, 3, 4, 0, true, true});
    in.scale = factor;
    check(in, random_upstream(rng, in), Place::contiguous);
  }
}

// All weights are powers of two, so that a dropped or doubled edge shows in the bits.
TEST_P(AttentionTest, ExactForEqualScores) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 9, {1, 2, 4, 64, 0, kChunkEdges, 2 * kChunkEdges});
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (const Size& size : {Size{3, 5, 5}, Size{2, 8, 4}, Size{1, 140, 130}}) {
      SCOPED_TRACE(std::string(name_of(score)) + " " + std::to_string(size.channels));
      auto in = random_pairs(rng, graph, {score, size.heads, size.channels, size.values, true, true, false, 0.5});
      in.key.assign(in.key.size(), 0.75);
      in.edge_key.assign(in.edge_key.size(), -0.5);
      in.value = rng.integers(in.value.size(), -8, 8);
      in.edge_value = rng.integers(in.edge_value.size(), -8, 8);
      expect_exact(forward(in).y, oracle::attention(in).y.value, "y");
      const auto degrees = oracle::attention(in).sum.value;
      expect_exact(forward(in).sum, degrees, "sum");
    }
  }
}

TEST_P(AttentionTest, EqualScoresAreMeanAggregation) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    auto in = random_pairs(rng, random_graph(rng, 40, 30, 250), {score, 2, 6, 6});
    in.key.assign(in.key.size(), -0.3);
    const auto x = TestTensor::input(context(), dtype(), {40, 12}, in.value);
    const auto mean = TestTensor::output(context(), dtype(), {30, 12});
    run(context(), aggregate_forward, Aggregate{upload(in), Reduce::mean, x}, AggregateResult{mean});
    oracle::Sums want = oracle::attention(in).y;  // for the magnitudes
    want.value = mean.reals();
    expect_close(forward(in).y, want, kSumFactor, "y");
  }
}

TEST_P(AttentionTest, HubOfManyEdges) {
  Rng rng;
  const TestGraph into = graph_with_degrees(rng, hub_edges(context()) / 5, {3, hub_edges(context()), 5});
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (const bool out_of : {false, true}) {
      SCOPED_TRACE(std::string(name_of(score)) + (out_of ? " out of" : " into"));
      const TestGraph graph = out_of ? transposed(into) : into;
      auto in = random_pairs(rng, graph, {score, 2, 2, 2});
      // Fewer different terms would all round the same way, again and again.
      for (double& key : in.key) key = static_cast<double>(rng.below(8192) - 4096) / 4096 + 1.0 / 8192;
      for (double& query : in.query) query = static_cast<double>(rng.below(8192) - 4096) / 4096;
      in.value = rng.reals(in.value.size(), 0.5, 1.5);
      const Reals dy = rng.reals(graph.edges.destinations() * 4, 0.5, 1.5);
      const double factor = 2 * hub_factor(dtype());
      expect_close(forward(in).y, oracle::attention(in).y, hub_factor(dtype()), "y");
      expect_gradients(in, backward(in, dy), oracle::attention_backward(in, dy), std::max(factor, kSumFactor));
    }
  }
}

TEST_P(AttentionDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (const double dropout : {0.0, 0.3}) {
      SCOPED_TRACE(name_of(score));
      const auto in = random_pairs(rng, random_graph(rng, 5, 4, 9), {score, 2, 3, 2, true, true, true, dropout});
      const Reals dy = random_upstream(rng, in);
      const Backward gradients = backward(in, dy);
      const auto expect = [&](Reals oracle::Attention::*argument, const TestTensor& gradient, const std::string& name) {
        const auto loss = [&](const Reals& value) {
          AttentionProblem shifted = in;
          shifted.*argument = value;
          return dot(dy, forward(shifted).y.reals());
        };
        expect_gradient(loss, in.*argument, gradient.reals(), name);
      };
      expect(&oracle::Attention::query, gradients.dquery, "dquery");
      expect(&oracle::Attention::key, gradients.dkey, "dkey");
      expect(&oracle::Attention::value, gradients.dvalue, "dvalue");
      expect(&oracle::Attention::edge_key, gradients.dedge_key, "dedge_key");
      expect(&oracle::Attention::edge_value, gradients.dedge_value, "dedge_value");
      expect(&oracle::Attention::edge_bias, gradients.dedge_bias, "dedge_bias");
      if (score != oracle::AttentionScore::dot) expect(&oracle::Attention::vector, gradients.dvector, "dvector");
    }
  }
}

// Where one tensor is key and value, its gradient is what shifting it in both places gives.
TEST_P(AttentionDifferencesTest, JoinedGradientsAgreeWithDifferences) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    const auto in = random_pairs(rng, random_graph(rng, 6, 5, 16), {score, 2, 3, 0, true, true});
    const Reals dy = random_upstream(rng, in);
    const Backward gradients = backward(in, dy);
    const auto shift_key = [&](const Reals& value) {
      AttentionProblem shifted = in;
      shifted.key = shifted.value = value;
      return dot(dy, forward(shifted).y.reals());
    };
    const auto shift_edges = [&](const Reals& value) {
      AttentionProblem shifted = in;
      shifted.edge_key = shifted.edge_value = value;
      return dot(dy, forward(shifted).y.reals());
    };
    expect_gradient(shift_key, in.key, gradients.dkey.reals(), "dkey");
    expect_gradient(shift_edges, in.edge_key, gradients.dedge_key.reals(), "dedge_key");
  }
}

// The same view for key and value does not join their gradients where both are asked for.
TEST_P(AttentionTest, SharedViewsWithGradientsOfTheirOwn) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    const auto in = random_pairs(rng, power_law_graph(rng, 40, 900), {score, 2, 5, 0, true, true, true});
    const Reals dy = random_upstream(rng, in);
    Backward apart{output(queries(in), Place::contiguous),
                   output(keys(in), Place::contiguous),
                   output(keys(in), Place::contiguous),
                   output(edge_keys(in), Place::contiguous),
                   output(edge_keys(in), Place::contiguous),
                   real_output(edge_scores(in), Place::contiguous),
                   score == oracle::AttentionScore::dot ? TestTensor() : real_output(vectors(in), Place::contiguous)};
    backward(in, dy, Place::contiguous, apart);
    const auto want = oracle::attention_backward(in, dy);
    expect_close(apart.dkey, want.dkey, kSumFactor, "dkey");
    expect_close(apart.dvalue, want.dvalue, kSumFactor, "dvalue");
    expect_close(apart.dedge_key, want.dedge_key, kSumFactor, "dedge_key");
    expect_close(apart.dedge_value, want.dedge_value, kSumFactor, "dedge_value");
  }
}

TEST_P(AttentionTest, EveryGradientAlone) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (const std::size_t channels : {5u, 200u}) {
      SCOPED_TRACE(std::string(name_of(score)) + " " + std::to_string(channels));
      // With narrow rows, of one source: its row and that of a destination are long.
      const TestGraph graph =
          channels == 5 ? graph_with_degrees(rng, 1, {kChunkEdges + 3, 0, 2, 9}) : power_law_graph(rng, 30, 110);
      const auto in = random_pairs(rng, graph, {score, 2, channels, 3, true, true, true, 0.25});
      const Reals dy = random_upstream(rng, in);
      const Backward all = backward(in, dy);
      const auto expect_alone = [&](TestTensor Backward::*member, const Shape& shape, const char* name) {
        const auto keep = [&](TestTensor Backward::*each) {
          return each == member ? output(shape, Place::contiguous) : TestTensor();
        };
        const Backward one{keep(&Backward::dquery),    keep(&Backward::dkey),        keep(&Backward::dvalue),
                           keep(&Backward::dedge_key), keep(&Backward::dedge_value), keep(&Backward::dedge_bias),
                           keep(&Backward::dvector)};
        backward(in, dy, Place::contiguous, one);
        expect_same_bits(one.*member, all.*member, name);
      };
      expect_alone(&Backward::dquery, queries(in), "dquery");
      expect_alone(&Backward::dkey, keys(in), "dkey");
      expect_alone(&Backward::dvalue, source_values(in), "dvalue");
      expect_alone(&Backward::dedge_key, edge_keys(in), "dedge_key");
      expect_alone(&Backward::dedge_value, edge_values(in), "dedge_value");
      expect_alone(&Backward::dedge_bias, edge_scores(in), "dedge_bias");
      if (score != oracle::AttentionScore::dot) expect_alone(&Backward::dvector, vectors(in), "dvector");
    }
  }
}

TEST_P(AttentionTest, ForwardFeedsBackward) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    const auto in = random_pairs(rng, power_law_graph(rng, 60, 900), {score, 4, 8, 0, true, true, true, 0.5});
    const Reals dy = random_upstream(rng, in);
    const Inputs given_inputs = inputs(in, Place::contiguous);
    const Forward saved = forward(in);
    const TestTensor upstream = input(results(in), dy, Place::contiguous);
    const Backward out = outputs(in, Place::contiguous);
    auto op = op_of<AttentionBackward>(in, given_inputs);
    op.y = saved.y.view();
    op.maximum = saved.maximum.view();
    op.sum = saved.sum.view();
    op.dy = upstream;
    set_outputs(out, op);
    run(context(), attention_backward, op);
    expect_gradients(in, out, oracle::attention_backward(in, dy), kSumFactor);
  }
}

TEST_P(AttentionTest, TheCounterOnTheDeviceCountsIntoTheSeed) {
  Rng rng;
  Ids degrees(9, 4);
  degrees[2] = kChunkEdges + 20;
  const TestGraph graph = graph_with_degrees(rng, 12, degrees);
  for (const std::size_t channels : {std::size_t{3}, std::size_t{270}}) {  // the second too wide for a warp
    auto in = random_pairs(rng, graph, {oracle::AttentionScore::gatv2, 2, channels, 3, true, false, false, 0.5});
    const Reals dy = random_upstream(rng, in);
    const Reals uncounted = forward(in).y.reals();
    in.counter = (std::int64_t{1} << 40) + 7;
    check(in, dy, Place::contiguous);
    EXPECT_NE(forward(in).y.reals(), uncounted);
  }
}

TEST_P(AttentionTest, RerunsAreBitIdentical) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    const oracle::AttentionScore score = kAttentionScores[turn % 3];
    SCOPED_TRACE(graph.name + " " + name_of(score));
    const auto in = random_pairs(rng, graph, settings_of(turn++, score, 3, 5, 4));
    const Reals dy = random_upstream(rng, in);
    const Forward first = forward(in), second = forward(in);
    expect_same_bits(second.y, first.y, "y");
    expect_same_bits(second.maximum, first.maximum, "maximum");
    expect_same_bits(second.sum, first.sum, "sum");
    const Backward gradients = backward(in, dy), again = backward(in, dy);
    expect_same_bits(again.dquery, gradients.dquery, "dquery");
    expect_same_bits(again.dkey, gradients.dkey, "dkey");
    expect_same_bits(again.dvalue, gradients.dvalue, "dvalue");
    expect_same_bits(again.dedge_key, gradients.dedge_key, "dedge_key");
    expect_same_bits(again.dedge_value, gradients.dedge_value, "dedge_value");
    expect_same_bits(again.dedge_bias, gradients.dedge_bias, "dedge_bias");
    if (score != oracle::AttentionScore::dot) expect_same_bits(again.dvector, gradients.dvector, "dvector");
  }
}

// Dropout goes by edge id, so that an edge keeps its fate wherever the caller's other edges lie.
TEST_P(AttentionTest, NamesOfNodesDoNotMatter) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    const auto in = random_pairs(rng, random_graph(rng, 20, 20, 90), {score, 2, 3, 3, true, true, true, 0.5});
    const Ids node = rng.permutation(20);
    const auto moved = [&](const Reals& rows) {
      Reals result(rows.size());
      for (std::size_t k = 0; k < rows.size(); ++k) {
        result[static_cast<std::size_t>(node[k / 6]) * 6 + k % 6] = rows[k];
      }
      return result;
    };
    AttentionProblem renamed = in;
    for (std::size_t e = 0; e < 90; ++e) {
      renamed.edges.source[e] = node[in.edges.from(e)];
      renamed.edges.destination[e] = node[in.edges.to(e)];
    }
    renamed.query = moved(in.query);
    renamed.key = moved(in.key);
    renamed.value = moved(in.value);
    oracle::Sums want = oracle::attention(renamed).y;
    want.value = moved(forward(in).y.reals());
    expect_close(forward(renamed).y, want, kSumFactor, "y");
  }
}

TEST_P(AttentionTest, WeightsOfARowAddUpToOne) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    const auto in = random_pairs(rng, power_law_graph(rng, 60, 1500), {score, 3, 7, 0, true, false, true, 0.5});
    Reals total(60 * 3, 0.0), count(60 * 3, 0.0);
    const Reals weight = weights_before_dropout(in).reals();
    for (std::size_t k = 0; k < weight.size(); ++k) {
      total[in.edges.to(k / 3) * 3 + k % 3] += weight[k];
      count[in.edges.to(k / 3) * 3 + k % 3] += 1;
    }
    for (std::size_t k = 0; k < total.size(); ++k) {
      EXPECT_NEAR(total[k], count[k] > 0 ? 1 : 0, kSumFactor * epsilon_of(dtype()));
    }
  }
}

/// Rows stored in 16 bits; everything else in float32.
class AttentionHalfTest : public AttentionFixture {};
WARPGNN_INSTANTIATE_HALF_TESTS(AttentionHalfTest);

TEST_P(AttentionHalfTest, MatchesOracle) {
  Rng rng(dtype());
  Ids degrees(12, 3);
  degrees[4] = kChunkEdges + 90;
  const TestGraph into = graph_with_degrees(rng, 15, degrees), out_of = transposed(into);
  const Size sizes[] = {{1, 1, 0}, {2, 5, 3}, {1, 8, 0}, {3, 4, 12}, {8, 8, 0}, {1, 36, 8}, {1, 70, 0}, {1, 12, 132}};
  std::size_t turn = 0;
  for (const Size& size : sizes) {
    for (const oracle::AttentionScore score : kAttentionScores) {
      const Place place = kPlaces[(turn + turn / 3) % 3];
      const AttentionSettings settings = settings_of(turn, score, size.heads, size.channels, size.values);
      SCOPED_TRACE(std::to_string(size.heads) + " x " + std::to_string(size.channels) + " and " +
                   std::to_string(size.values) + " " + name_of(score) + " " + name_of(place) + " turn " +
                   std::to_string(turn));
      const auto in = random_pairs(rng, turn++ % 2 == 0 ? into : out_of, settings);
      check(in, random_upstream(rng, in), place);
    }
  }
}

TEST_P(AttentionHalfTest, EveryOptionalInput) {
  Rng rng(dtype());
  const TestGraph graph = random_graph(rng, 12, 10, 50);
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (unsigned set = 0; set < 16; ++set) {
      const bool shared = (set & 1) != 0, key = (set & 2) != 0, value = (set & 4) != 0, bias = (set & 8) != 0;
      SCOPED_TRACE(std::string(name_of(score)) + " set " + std::to_string(set));
      const auto in = random_pairs(rng, graph, {score, 3, 4, shared ? 0u : 2u, key, value, bias, 0.25});
      check(in, random_upstream(rng, in), kPlaces[set % 3]);
    }
  }
}

TEST_P(AttentionHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const TestGraph graph = graph_with_degrees(rng, 40, {3, 2 * kChunkEdges, 0, 17});
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    const auto in = random_pairs(rng, graph, {score, 2, 9, 5, true, true, true, 0.25});
    const Reals dy = random_upstream(rng, in);
    expect_same_bits(forward(in).y, forward(in).y, "y");
    const Backward gradients = backward(in, dy), again = backward(in, dy);
    expect_same_bits(again.dquery, gradients.dquery, "dquery");
    expect_same_bits(again.dkey, gradients.dkey, "dkey");
    expect_same_bits(again.dvalue, gradients.dvalue, "dvalue");
    expect_same_bits(again.dedge_key, gradients.dedge_key, "dedge_key");
    expect_same_bits(again.dedge_value, gradients.dedge_value, "dedge_value");
  }
}

TEST_P(AttentionHalfTest, OtherArgumentsInHalfAreRefused) {
  Rng rng(dtype());
  const auto in =
      random_pairs(rng, random_graph(rng, 6, 5, 16), {oracle::AttentionScore::gatv2, 2, 3, 4, true, true, true});
  const Inputs given_inputs = inputs(in, Place::contiguous);
  const auto y = output(results(in), Place::contiguous);
  const auto maximum = real_output(row_scores(in), Place::contiguous),
             sum = real_output(row_scores(in), Place::contiguous);
  const auto refuse = [&](const char* argument, auto member) {
    auto op = op_of<AttentionForward>(in, given_inputs);
    op.y = y;
    op.maximum = maximum;
    op.sum = sum;
    (op.*member).dtype = dtype();
    expect_error(ErrorCode::invalid_argument, {argument, "expected float32", std::string("got ") + name_of(dtype())},
                 [&] { call(context(), attention_forward, op); });
  };
  refuse("edge_bias:", &AttentionForward::edge_bias);
  refuse("vector:", &AttentionForward::vector);
  refuse("maximum:", &AttentionForward::maximum);
  refuse("sum:", &AttentionForward::sum);
}

}  // namespace
}  // namespace warpgnn::test
