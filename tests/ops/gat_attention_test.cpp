// SPDX-License-Identifier: MIT
#include "warpgnn/ops/gat_attention.hpp"

#include <limits>

#include "tests/ops/gat_attention_fixture.hpp"
#include "tests/oracle/aggregate.hpp"
#include "tests/support/errors.hpp"
#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

class GatAttentionTest : public GatAttentionFixture {};
WARPGNN_INSTANTIATE_OP_TESTS(GatAttentionTest);

class GatAttentionDifferencesTest : public GatAttentionTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(GatAttentionDifferencesTest);

TEST_P(GatAttentionTest, MatchesOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const bool edge_score : {false, true}) {
      for (const double dropout : {0.0, 0.375}) {
        if (edge_score && graph.edges.count() == 0) continue;
        const Place place = kPlaces[turn++ % 3];
        SCOPED_TRACE(graph.name + " " + name_of(place) + (edge_score ? " edge_score" : "") +
                     (dropout > 0 ? " dropout" : ""));
        const auto in = random_gat(rng, graph, {2, 5, edge_score, dropout});
        check(in, random_upstream(rng, in), place);
      }
    }
  }
}

TEST_P(GatAttentionTest, EveryHeadCountAndWidth) {
  Rng rng;
  Ids degrees(12, 3);
  degrees[4] = kChunkEdges + 30;
  const TestGraph ordinary = random_graph(rng, 20, 20, 50), hub = graph_with_degrees(rng, 15, degrees);
  const std::pair<std::size_t, std::size_t> sizes[] = {
      {1, 1},  {1, 3}, {1, 32}, {1, 64}, {1, 127}, {1, 256}, {1, 300}, {2, 1},  {2, 7},
      {2, 33}, {3, 3}, {3, 31}, {4, 16}, {4, 32},  {5, 1},   {5, 7},   {5, 33}, {7, 2},
      {8, 1},  {8, 8}, {8, 32}, {8, 64}, {3, 128}, {2, 127}, {16, 4},  {33, 1}, {40, 3}};
  std::size_t turn = 0;
  for (const auto& [heads, channels] : sizes) {
    for (const TestGraph* const graph : {&ordinary, &hub}) {
      if (graph == &hub && turn % 3 != 1) {  // long rows: every third size
        ++turn;
        continue;
      }
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(graph->name + " " + std::to_string(heads) + " x " + std::to_string(channels) + " " + name_of(place));
      const auto in = random_gat(rng, *graph, {heads, channels, turn % 2 == 0, turn % 4 < 2 ? 0.0 : 0.5});
      check(in, random_upstream(rng, in), place);
    }
  }
}

TEST_P(GatAttentionTest, EveryLayoutOfCommonSizes) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 25, 15, 120);
  for (const auto& [heads, channels] : {std::pair<std::size_t, std::size_t>{8, 8}, {4, 32}, {1, 7}}) {
    for (const Place place : kPlaces) {
      SCOPED_TRACE(std::to_string(heads) + " x " + std::to_string(channels) + " " + name_of(place));
      const auto in = random_gat(rng, graph, {heads, channels, true, 0.25});
      check(in, random_upstream(rng, in), place);
    }
  }
}

TEST_P(GatAttentionTest, OtherSlopes) {
  Rng rng;
  for (const double slope : {0.0, 0.01, 1.0, -0.5}) {
    SCOPED_TRACE(slope);
    auto in = random_gat(rng, random_graph(rng, 20, 20, 80), {3, 4, true});
    in.slope = slope;
    check(in, random_upstream(rng, in), Place::contiguous);
  }
}

// All weights are powers of two, so that a dropped or doubled edge shows in the bits.
TEST_P(GatAttentionTest, ExactForEqualScores) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 9, {1, 2, 4, 64, 0, kChunkEdges, 4 * kChunkEdges});
  oracle::Gat in = random_gat(rng, graph, {3, 5, true, 0.5});
  in.source_score.assign(in.source_score.size(), 0.75);
  in.destination_score.assign(in.destination_score.size(), 0.25);
  in.edge_score.assign(in.edge_score.size(), -0.5);
  in.value = rng.integers(in.value.size(), -8, 8);
  const auto want = oracle::gat(in);
  const Forward got = forward(in);
  expect_exact(got.y, want.y.value, "y");
  expect_exact(got.positive_y, want.y.value, "positive_y");
  Reals weight(want.positive_weight.value.size(), 1.0);
  for (std::size_t h = 0; h < 3; ++h) weight[4 * 3 + h] = 0;
  expect_exact(got.positive_weight, weight, "positive_weight");
}

TEST_P(GatAttentionTest, EqualScoresAreMeanAggregation) {
  Rng rng;
  auto in = random_gat(rng, random_graph(rng, 40, 30, 250), {2, 6});
  in.source_score.assign(in.source_score.size(), -0.3);
  in.destination_score.assign(in.destination_score.size(), 0.7);
  const auto x = TestTensor::input(context(), dtype(), {40, 12}, in.value);
  const auto mean = TestTensor::output(context(), dtype(), {30, 12});
  run(context(), aggregate_forward, Aggregate{upload(in), Reduce::mean, x}, AggregateResult{mean});
  oracle::Sums want = oracle::gat(in).y;  // for the magnitudes
  want.value = mean.reals();
  expect_close(forward(in).y, want, kSumFactor, "y");
}

TEST_P(GatAttentionTest, HubOfManyEdges) {
  Rng rng;
  const TestGraph into = graph_with_degrees(rng, hub_edges(context()) / 5, {3, hub_edges(context()), 5});
  const auto finer = [&](Reals& scores, double shift) {
    // Fewer different terms would all round the same way, again and again.
    for (double& score : scores) score = static_cast<double>(rng.below(8192) - 4096) / 4096 + shift;
  };
  for (const bool out_of : {false, true}) {
    const TestGraph graph = out_of ? transposed(into) : into;
    auto in = random_gat(rng, graph, {2, 2});
    finer(in.source_score, 0);
    finer(in.destination_score, 1.0 / 8192);
    in.value = rng.reals(in.value.size(), 0.5, 1.5);
    const Reals dy = rng.reals(graph.edges.destinations() * 4, 0.5, 1.5);
    // Backward takes alpha from the rounded log-sum-exp, about 12 here, and that rounding is in every term.
    const double forward_factor = out_of ? kSumFactor : hub_factor(dtype());
    const double backward_factor = out_of ? 2 * hub_factor(dtype()) : kSumFactor;
    const auto want = oracle::gat(in);
    const Forward got = forward(in);
    expect_close(got.y, want.y, forward_factor, "y");
    expect_close(got.positive_y, want.positive_y, forward_factor, "positive_y");
    const auto gradients = oracle::gat_backward(in, dy);
    const Backward found = backward(in, dy);
    expect_close(found.dvalue, gradients.dvalue, backward_factor, "dvalue");
    expect_close(found.dsource_score, gradients.dsource_score, backward_factor, "dsource_score");
    expect_close(found.ddestination_score, gradients.ddestination_score, 2 * forward_factor, "ddestination_score");
  }
}

TEST_P(GatAttentionDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  for (const double dropout : {0.0, 0.3}) {
    const auto in = random_gat(rng, random_graph(rng, 6, 5, 16), {2, 3, true, dropout});
    const Reals dy = random_upstream(rng, in);
    const Backward gradients = backward(in, dy);
    const auto loss = [&](Reals oracle::Gat::*argument) {
      return [&, argument](const Reals& value) {
        oracle::Gat shifted = in;
        shifted.*argument = value;
        return dot(dy, forward(shifted).y.reals());
      };
    };
    expect_gradient(loss(&oracle::Gat::value), in.value, gradients.dvalue.reals(), "dvalue");
    expect_gradient(loss(&oracle::Gat::source_score), in.source_score, gradients.dsource_score.reals(),
                    "dsource_score");
    expect_gradient(loss(&oracle::Gat::destination_score), in.destination_score, gradients.ddestination_score.reals(),
                    "ddestination_score");
    expect_gradient(loss(&oracle::Gat::edge_score), in.edge_score, gradients.dedge_score.reals(), "dedge_score");
  }
}

TEST_P(GatAttentionTest, ForwardFeedsBackward) {
  Rng rng;
  const auto in = random_gat(rng, power_law_graph(rng, 60, 900), {4, 8, true, 0.5});
  const Reals dy = random_upstream(rng, in);
  const Inputs given = inputs(in, Place::contiguous);
  const Forward saved = forward(in);
  const TestTensor upstream = input(destination_rows(in), dy, Place::contiguous);
  const Backward out{output(source_rows(in), Place::contiguous), score_output(source_scores(in), Place::contiguous),
                     score_output(destination_scores(in), Place::contiguous),
                     score_output(edge_scores(in), Place::contiguous)};
  GatAttentionBackward op{{upload(in), in.slope, given.dropout(in), given.value, given.source_score,
                           given.destination_score, given.edge_score},
                          {saved.y, saved.maximum, saved.sum, saved.positive_y, saved.positive_weight},
                          {upstream, out.dvalue, out.dsource_score, out.ddestination_score, out.dedge_score}};
  run(context(), gat_attention_backward, op);
  const auto want = oracle::gat_backward(in, dy);
  expect_close(out.dvalue, want.dvalue, kSumFactor, "dvalue");
  expect_close(out.dsource_score, want.dsource_score, kSumFactor, "dsource_score");
  expect_close(out.ddestination_score, want.ddestination_score, kSumFactor, "ddestination_score");
  expect_close(out.dedge_score, want.dedge_score, kSumFactor, "dedge_score");

  const Backward again{output(source_rows(in), Place::contiguous),
                       score_output(source_scores(in), Place::contiguous),
                       score_output(destination_scores(in), Place::contiguous),
                       {}};
  op.dvalue = again.dvalue;
  op.dsource_score = again.dsource_score;
  op.ddestination_score = again.ddestination_score;
  op.dedge_score = {};  // optional
  run(context(), gat_attention_backward, op);
  expect_same_bits(again.dvalue, out.dvalue, "dvalue");
  expect_same_bits(again.dsource_score, out.dsource_score, "dsource_score");
  expect_same_bits(again.ddestination_score, out.ddestination_score, "ddestination_score");
}

TEST_P(GatAttentionTest, TheCounterOnTheDeviceCountsIntoTheSeed) {
  Rng rng;
  Ids degrees(9, 4);
  degrees[2] = kChunkEdges + 20;
  auto in = random_gat(rng, graph_with_degrees(rng, 12, degrees), {3, 4, true, 0.5});
  const Reals dy = random_upstream(rng, in);
  const Reals uncounted = forward(in).y.reals();
  for (const std::int64_t counter : {std::int64_t{1}, std::int64_t{-3}, (std::int64_t{1} << 40) + 7}) {
    SCOPED_TRACE("counter " + std::to_string(counter));
    in.counter = counter;
    check(in, dy, Place::contiguous);
    EXPECT_NE(forward(in).y.reals(), uncounted);
  }
}

TEST_P(GatAttentionTest, InferenceGivesTheSameBits) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    SCOPED_TRACE(graph.name);
    const auto in = random_gat(rng, graph, {3, 9});
    const Forward training = forward(in);
    const Inputs given = inputs(in, Place::contiguous);
    const auto y = output(destination_rows(in), Place::contiguous);
    const auto maximum = score_output(destination_scores(in), Place::contiguous),
               sum = score_output(destination_scores(in), Place::contiguous);
    run(context(), gat_attention_forward,
        GatAttention{upload(in), in.slope, {}, given.value, given.source_score, given.destination_score},
        GatAttentionResult{y, maximum, sum});
    expect_same_bits(y, training.y, "y");
    expect_same_bits(maximum, training.maximum, "maximum");
    expect_same_bits(sum, training.sum, "sum");
  }
}

TEST_P(GatAttentionTest, RerunsAreBitIdentical) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    SCOPED_TRACE(graph.name);
    const auto in = random_gat(rng, graph, {4, 9, graph.edges.count() > 0, 0.25});
    const Reals dy = random_upstream(rng, in);
    const Forward first = forward(in), second = forward(in);
    expect_same_bits(second.y, first.y, "y");
    expect_same_bits(second.maximum, first.maximum, "maximum");
    expect_same_bits(second.sum, first.sum, "sum");
    expect_same_bits(second.positive_y, first.positive_y, "positive_y");
    expect_same_bits(second.positive_weight, first.positive_weight, "positive_weight");
    const Backward gradients = backward(in, dy), again = backward(in, dy);
    expect_same_bits(again.dvalue, gradients.dvalue, "dvalue");
    expect_same_bits(again.dsource_score, gradients.dsource_score, "dsource_score");
    expect_same_bits(again.ddestination_score, gradients.ddestination_score, "ddestination_score");
    if (!in.edge_score.empty()) expect_same_bits(again.dedge_score, gradients.dedge_score, "dedge_score");
  }
}

// Dropout goes by edge id, so that an edge keeps its fate wherever the caller's other edges lie.
TEST_P(GatAttentionTest, NamesOfNodesDoNotMatter) {
  Rng rng;
  const auto in = random_gat(rng, random_graph(rng, 20, 20, 90), {2, 3, true, 0.5});
  const Ids node = rng.permutation(20);
  const auto moved = [&](const Reals& rows, std::size_t width) {
    Reals result(rows.size());
    for (std::size_t k = 0; k < rows.size(); ++k) {
      result[static_cast<std::size_t>(node[k / width]) * width + k % width] = rows[k];
    }
    return result;
  };
  oracle::Gat renamed = in;
  for (std::size_t e = 0; e < 90; ++e) {
    renamed.edges.source[e] = node[in.edges.from(e)];
    renamed.edges.destination[e] = node[in.edges.to(e)];
  }
  renamed.value = moved(in.value, 6);
  renamed.source_score = moved(in.source_score, 2);
  renamed.destination_score = moved(in.destination_score, 2);
  oracle::Sums want = oracle::gat(renamed).y;
  want.value = moved(forward(in).y.reals(), 6);
  expect_close(forward(renamed).y, want, kSumFactor, "y");
}

TEST_P(GatAttentionTest, BatchIsItsGraphsOneByOne) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {6, 0, 13, 1, 0}, 4);
  const auto in = random_gat(rng, batch, {2, 3, true});
  oracle::Sums want = oracle::gat(in).y;
  want.value.clear();
  for (std::size_t g = 0; g + 1 < batch.graph_offsets.size(); ++g) {
    const BatchPart part = part_of(batch, g);
    const auto rows = [&](const Reals& all, std::int64_t width) {
      return Reals(all.begin() + batch.graph_offsets[g] * width, all.begin() + batch.graph_offsets[g + 1] * width);
    };
    oracle::Gat own{
        part.graph.edges, 2, 3, in.slope, rows(in.value, 6), rows(in.source_score, 2), rows(in.destination_score, 2)};
    for (const std::int64_t e : part.edges) {
      const auto at = static_cast<std::size_t>(e) * 2;
      own.edge_score.insert(own.edge_score.end(), {in.edge_score[at], in.edge_score[at + 1]});
    }
    const Reals y = forward(own).y.reals();
    want.value.insert(want.value.end(), y.begin(), y.end());
  }
  expect_close(forward(in).y, want, kSumFactor, "y");
}

/// Rows stored in 16 bits; everything else in float32.
class GatAttentionHalfTest : public GatAttentionFixture {};
WARPGNN_INSTANTIATE_HALF_TESTS(GatAttentionHalfTest);

TEST_P(GatAttentionHalfTest, MatchesOracle) {
  Rng rng(dtype());
  Ids degrees(12, 3);
  degrees[4] = kChunkEdges + 90;
  const TestGraph into = graph_with_degrees(rng, 15, degrees), out_of = transposed(into);
  const std::pair<std::size_t, std::size_t> sizes[] = {{1, 1},  {2, 5},   {1, 8},   {3, 12}, {8, 8},
                                                       {4, 36}, {1, 130}, {2, 160}, {1, 300}};
  std::size_t turn = 0;
  for (const auto& [heads, channels] : sizes) {
    for (const TestGraph* const graph : {&into, &out_of}) {
      const Place place = kPlaces[turn++ % 3];
      SCOPED_TRACE(std::to_string(heads) + " x " + std::to_string(channels) + " " + name_of(place) + " turn " +
                   std::to_string(turn));
      const auto in = random_gat(rng, *graph, {heads, channels, turn % 3 == 0, turn % 4 < 2 ? 0.0 : 0.5});
      check(in, random_upstream(rng, in), place);
    }
  }
}

TEST_P(GatAttentionHalfTest, EveryLayoutOfCommonSizes) {
  Rng rng(dtype());
  const TestGraph graph = random_graph(rng, 25, 15, 120);
  for (const auto& [heads, channels] : {std::pair<std::size_t, std::size_t>{8, 8}, {1, 7}}) {
    for (const Place place : kPlaces) {
      SCOPED_TRACE(std::to_string(heads) + " x " + std::to_string(channels) + " " + name_of(place));
      const auto in = random_gat(rng, graph, {heads, channels, true, 0.25});
      check(in, random_upstream(rng, in), place);
    }
  }
}

TEST_P(GatAttentionHalfTest, InferenceGivesTheSameBits) {
  Rng rng(dtype());
  const auto in = random_gat(rng, graph_with_degrees(rng, 15, {3, kChunkEdges + 9, 0}), {3, 9});
  const Forward training = forward(in);
  const Inputs given = inputs(in, Place::contiguous);
  const auto y = output(destination_rows(in), Place::contiguous);
  const auto maximum = score_output(destination_scores(in), Place::contiguous),
             sum = score_output(destination_scores(in), Place::contiguous);
  run(context(), gat_attention_forward,
      GatAttention{upload(in), in.slope, {}, given.value, given.source_score, given.destination_score},
      GatAttentionResult{y, maximum, sum});
  expect_same_bits(y, training.y, "y");
  expect_same_bits(maximum, training.maximum, "maximum");
  expect_same_bits(sum, training.sum, "sum");
}

TEST_P(GatAttentionHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const auto in = random_gat(rng, graph_with_degrees(rng, 40, {3, 2 * kChunkEdges, 0, 17}), {4, 9, true, 0.25});
  const Reals dy = random_upstream(rng, in);
  const Forward first = forward(in), second = forward(in);
  expect_same_bits(second.y, first.y, "y");
  expect_same_bits(second.positive_y, first.positive_y, "positive_y");
  const Backward gradients = backward(in, dy), again = backward(in, dy);
  expect_same_bits(again.dvalue, gradients.dvalue, "dvalue");
  expect_same_bits(again.dsource_score, gradients.dsource_score, "dsource_score");
}

TEST_P(GatAttentionHalfTest, ScoresInHalfAreRefused) {
  Rng rng(dtype());
  const auto in = random_gat(rng, random_graph(rng, 6, 5, 16), {2, 3, true});
  const Inputs given = inputs(in, Place::contiguous);
  const Forward out{output(destination_rows(in), Place::contiguous),
                    score_output(destination_scores(in), Place::contiguous),
                    score_output(destination_scores(in), Place::contiguous),
                    {},
                    {}};
  const auto refuse = [&](const char* argument, ConstTensorView GatAttentionForward::*member) {
    GatAttentionForward op{
        {upload(in), in.slope, {}, given.value, given.source_score, given.destination_score, given.edge_score},
        {out.y, out.maximum, out.sum}};
    (op.*member).dtype = dtype();
    expect_error(ErrorCode::invalid_argument, {argument, "expected float32", std::string("got ") + name_of(dtype())},
                 [&] { call(context(), gat_attention_forward, op); });
  };
  refuse("source_score:", &GatAttentionForward::source_score);
  refuse("destination_score:", &GatAttentionForward::destination_score);
  refuse("edge_score:", &GatAttentionForward::edge_score);
}

}  // namespace
}  // namespace warpgnn::test
