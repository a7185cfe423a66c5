// SPDX-License-Identifier: MIT
// Attention between pairs of feature vectors at the edges of its domain: empty rows, infinities, NaN, scores far apart.

#include <limits>

#include "tests/ops/attention_fixture.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class AttentionDomainTest : public AttentionFixture {
 protected:
  static bool all_zero(const Reals& values, std::size_t first, std::size_t count) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
    return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(count), [](double value) { return value == 0.0; });
  }
};
WARPGNN_INSTANTIATE_OP_TESTS(AttentionDomainTest);

TEST_P(AttentionDomainTest, DestinationWithoutInEdges) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    // Destinations 0 and 2 have none.
    const auto in = random_pairs(rng,
                                 {"",
                                  {
                                      2,
                                      3,
                                      {0, 1},
                                      {1, 1},
                                  },
                                  {}},
                                 {score, 2, 2, 3});
    const Reals dy = random_upstream(rng, in);
    const Forward got = forward(in);
    const Reals y = got.y.reals(), maximum = got.maximum.reals(), sum = got.sum.reals();
    const Reals dquery = backward(in, dy).dquery.reals();
    for (const std::size_t row : {0u, 2u}) {
      EXPECT_TRUE(all_zero(y, row * 6, 6));
      EXPECT_TRUE(all_zero(sum, row * 2, 2));
      EXPECT_TRUE(all_zero(dquery, row * 4, 4));
      EXPECT_EQ(maximum[row * 2], -kInfinity);
      EXPECT_EQ(maximum[row * 2 + 1], -kInfinity);
    }
    EXPECT_FALSE(all_zero(y, 6, 6));
  }
}

TEST_P(AttentionDomainTest, RowOfMaskedEdges) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (const std::int64_t degree : {std::int64_t{1}, std::int64_t{6}, 2 * kChunkEdges + 5}) {
      SCOPED_TRACE(std::string(name_of(score)) + " " + std::to_string(degree));
      auto in = random_pairs(rng, graph_with_degrees(rng, 8, {degree, 4}), {score, 2, 3, 2, true, true, true});
      for (std::size_t e = 0; e < in.edges.count(); ++e) {
        if (in.edges.to(e) == 0) in.edge_bias[e * 2 + 1] = -kInfinity;  // row 0, head 1
      }
      const Reals dy = random_upstream(rng, in);
      check(in, dy, Place::contiguous);
      const Forward got = forward(in);
      EXPECT_TRUE(all_zero(got.y.reals(), 2, 2));
      EXPECT_EQ(got.maximum.reals()[1], -kInfinity);
      EXPECT_EQ(got.sum.reals()[1], 0.0);
      const Backward gradients = backward(in, dy);
      EXPECT_TRUE(all_zero(gradients.dquery.reals(), 3, 3));
      const Reals bias = gradients.dedge_bias.reals(), keys = gradients.dedge_key.reals(),
                  edge_values_gradient = gradients.dedge_value.reals(), weight = weights(in).reals();
      for (std::size_t e = 0; e < in.edges.count(); ++e) {
        if (in.edges.to(e) != 0) continue;
        EXPECT_EQ(bias[e * 2 + 1], 0.0);
        EXPECT_EQ(weight[e * 2 + 1], 0.0);
        EXPECT_TRUE(all_zero(keys, e * 6 + 3, 3));
        EXPECT_TRUE(all_zero(edge_values_gradient, e * 4 + 2, 2));
      }
    }
  }
}

TEST_P(AttentionDomainTest, SomeEdgesMasked) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    auto in = random_pairs(rng, graph_with_degrees(rng, 9, {20, 2 * kChunkEdges + 7, 1, 5}),
                           {score, 3, 2, 0, true, true, true, 0.25});
    for (std::size_t k = 0; k < in.edge_bias.size(); k += 3) in.edge_bias[k] = -kInfinity;
    const Reals dy = random_upstream(rng, in);
    check(in, dy, Place::contiguous);
    const Reals weight = weights(in).reals();
    const Backward gradients = backward(in, dy);
    const Reals bias = gradients.dedge_bias.reals(), keys = gradients.dedge_key.reals();
    for (std::size_t k = 0; k < weight.size(); k += 3) {
      EXPECT_EQ(weight[k], 0.0);
      EXPECT_EQ(bias[k], 0.0);
      EXPECT_TRUE(all_zero(keys, k * 2, 2));
    }
  }
}

TEST_P(AttentionDomainTest, SourceBehindMaskedEdgesHasNoPart) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    auto in = random_pairs(rng, random_graph(rng, 15, 15, 120), {score, 2, 4, 4, false, false, true});
    for (std::size_t e = 0; e < in.edges.count(); ++e) {
      if (in.edges.from(e) == 3) in.edge_bias[e * 2] = -kInfinity;  // source 3, head 0
    }
    const Backward gradients = backward(in, random_upstream(rng, in));
    EXPECT_TRUE(all_zero(gradients.dkey.reals(), 3 * 8, 4));
    EXPECT_TRUE(all_zero(gradients.dvalue.reals(), 3 * 8, 4));
  }
}

TEST_P(AttentionDomainTest, NanAndInfinitySpoilTheirOwnRowAndHeadOnly) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 9, {4, 30, 2 * kChunkEdges, 5, 0});
  for (const oracle::AttentionScore score : kAttentionScores) {
    const auto clean = random_pairs(rng, graph, {score, 3, 4, 4, false, false, true});
    const Forward before = forward(clean);
    const Reals weight_before = weights(clean).reals();
    for (const double poison : {kNan, kInfinity}) {
      for (const std::size_t victim : {1u, 2u}) {
        SCOPED_TRACE(std::string(name_of(score)) + " " + std::to_string(poison) + " in row " + std::to_string(victim));
        AttentionProblem in = clean;
        Reals y = before.y.reals(), sum = before.sum.reals(), weight = weight_before;
        const std::size_t head = 1;
        std::size_t planted = in.edges.count();
        for (std::size_t e = 0; e < in.edges.count(); ++e) {
          if (in.edges.to(e) != victim) continue;
          planted = e;
          weight[e * 3 + head] = kNan;
        }
        in.edge_bias[planted * 3 + head] = poison;
        sum[victim * 3 + head] = kNan;
        for (std::size_t c = 0; c < 4; ++c) y[(victim * 3 + head) * 4 + c] = kNan;
        const Forward got = forward(in);
        expect_exact(got.y, y, "y");
        expect_exact(got.sum, sum, "sum");
        const auto given_inputs = inputs(in, Place::contiguous);
        auto op = op_of<AttentionWeightsArgs>(in, given_inputs);
        const TestTensor again = real_output(edge_scores(in), Place::contiguous);
        op.maximum = got.maximum.view();
        op.sum = got.sum.view();
        op.weight = again;
        op.dropped = true;
        run(context(), attention_weights, op);
        const Reals found = again.reals();
        for (std::size_t k = 0; k < weight.size(); ++k) {
          EXPECT_EQ(std::isnan(found[k]), std::isnan(weight[k])) << k;
        }
      }
    }
  }
}

TEST_P(AttentionDomainTest, GradientsOfOtherRowsSurviveANan) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    // Destination 0 hears from sources 0 and 1 only, destination 1 from 2 and 3 only.
    auto in =
        random_pairs(rng, {"", {4, 2, {0, 2, 1, 3, 2}, {0, 1, 0, 1, 1}}, {}}, {score, 2, 3, 3, false, false, true});
    const Reals dy = random_upstream(rng, in);
    const Backward before = backward(in, dy);
    in.edge_bias[0] = kNan;  // edge 0 -> 0, head 0
    const Backward after = backward(in, dy);
    const auto expect_tail_kept = [](const TestTensor& got, const TestTensor& clean, std::size_t from) {
      const Reals left = got.reals(), right = clean.reals();
      EXPECT_TRUE(std::isnan(left[0]));
      EXPECT_EQ(Reals(left.begin() + static_cast<std::ptrdiff_t>(from), left.end()),
                Reals(right.begin() + static_cast<std::ptrdiff_t>(from), right.end()));
    };
    expect_tail_kept(after.dquery, before.dquery, 6);
    expect_tail_kept(after.dkey, before.dkey, 2 * 6);
    expect_tail_kept(after.dvalue, before.dvalue, 2 * 6);
    EXPECT_EQ(after.dvalue.reals()[3], before.dvalue.reals()[3]) << "the other head of the same row";
  }
}

TEST_P(AttentionDomainTest, NanInOneFeatureReachesExactlyItsOutNeighbours) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    auto in = random_pairs(rng, power_law_graph(rng, 40, 900), {score, 2, 3, 3});
    const Reals clean = forward(in).y.reals();
    AttentionProblem spoiled = in;
    spoiled.value[5 * 6 + 4] = kNan;  // node 5, head 1, channel 1
    Reals want = clean;
    for (std::size_t e = 0; e < in.edges.count(); ++e) {
      if (in.edges.from(e) == 5) want[in.edges.to(e) * 6 + 4] = kNan;
    }
    expect_exact(forward(spoiled).y, want, "y");
    spoiled = in;
    spoiled.key[5 * 6 + 4] = kNan;  // reaches every channel of the head, through the score
    for (std::size_t e = 0; e < in.edges.count(); ++e) {
      if (in.edges.from(e) != 5) continue;
      for (std::size_t c = 3; c < 6; ++c) want[in.edges.to(e) * 6 + c] = kNan;
    }
    expect_exact(forward(spoiled).y, want, "y");
  }
}

// +-1e4 in steps of 2^-8 is exact in float32, and so are the differences within a row. A log-sum-exp would not be: its
// rounding would be in every weight.
TEST_P(AttentionDomainTest, LargeScoresLoseNothing) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    SCOPED_TRACE(name_of(score));
    auto in = random_pairs(rng, graph_with_degrees(rng, 20, {12, 9, kChunkEdges + 30, 40}),
                           {score, 2, 3, 2, false, false, true});
    in.query.assign(in.query.size(), 0.0);
    in.key.assign(in.key.size(), 0.0);
    for (std::size_t e = 0; e < in.edges.count(); ++e) {
      for (std::size_t h = 0; h < 2; ++h) {
        const double shift = in.edges.to(e) % 2 == 0 ? 1e4 : -1e4;
        in.edge_bias[e * 2 + h] = shift + static_cast<double>(rng.below(256)) / 256;
      }
    }
    AttentionProblem small = in;  // the same weights, and their magnitudes
    for (std::size_t e = 0; e < in.edges.count(); ++e) {
      for (std::size_t h = 0; h < 2; ++h) small.edge_bias[e * 2 + h] -= in.edges.to(e) % 2 == 0 ? 1e4 : -1e4;
    }
    const Reals dy = random_upstream(rng, in);
    expect_close(forward(in).y, oracle::attention(small).y, kSumFactor, "y");
    expect_close(weights(in), oracle::attention(small).weight, kSumFactor, "weight");
    const auto want = oracle::attention_backward(small, dy);
    const Backward gradients = backward(in, dy);
    expect_close(gradients.dvalue, want.dvalue, kSumFactor, "dvalue");
    expect_close(gradients.dedge_bias, want.dedge_bias, kSumFactor, "dedge_bias");
  }
}

// Every pass recomputes the scores. Where they are large, one that rounds them otherwise is off by whole exponents.
TEST_P(AttentionDomainTest, EveryPassRoundsLargeScoresAlike) {
  Rng rng;
  const std::pair<std::size_t, std::size_t> shapes[] = {{1, 3}, {2, 16}, {4, 33}, {3, 64}, {1, 160}, {2, 260}};
  for (const oracle::AttentionScore score : kAttentionScores) {
    for (const auto& [heads, channels] : shapes) {
      SCOPED_TRACE(std::string(name_of(score)) + " " + std::to_string(heads) + " x " + std::to_string(channels));
      const TestGraph graph = graph_with_degrees(rng, 20, {5, 9, kChunkEdges + 30, 1});
      auto in = random_pairs(rng, graph, {.score = score, .heads = heads, .channels = channels, .values = 2});
      for (double& q : in.query) q = rng.reals(1, -1, 1)[0];
      for (std::size_t k = 0; k < in.key.size(); ++k) in.key[k] = in.key[k % (heads * channels)];  // of one source
      Reals& large = score == oracle::AttentionScore::dot ? in.query : in.vector;
      for (double& each : large) each *= 1e6;
      const Reals dy = random_upstream(rng, in);
      const auto want = oracle::attention(in);
      const Forward got = forward(in);
      expect_close(got.y, want.y, kSumFactor, "y");
      expect_close(weights(in, Place::contiguous, got), want.weight, kSumFactor, "weight");
      const Backward gradients = outputs(in, Place::contiguous);
      backward(in, dy, Place::contiguous, gradients, got);
      expect_close(gradients.dvalue, oracle::attention_backward(in, dy).dvalue, kSumFactor, "dvalue");
    }
  }
}

TEST_P(AttentionDomainTest, DistantScoresWeighExactlyNothing) {
  const double far = dtype() == Dtype::float32 ? 105 : 800;
  AttentionProblem in;
  in.edges = {3, 1, {0, 1, 2}, {0, 0, 0}};
  in.score = oracle::AttentionScore::dot;
  in.query = {1};
  in.key = {0, far, -10 * far};
  in.value = {7, 3, 1e30};
  const Forward got = forward(in);
  expect_exact(got.y, {3}, "y");
  expect_exact(got.maximum, {far}, "maximum");
  expect_exact(got.sum, {1}, "sum");
  expect_exact(weights(in), {0, 1, 0}, "weight");
  const Backward gradients = backward(in, {1});
  expect_exact(gradients.dvalue, {0, 1, 0}, "dvalue");
  expect_exact(gradients.dkey, {0, 0, 0}, "dkey");
}

TEST_P(AttentionDomainTest, SaturatedTanhHasNoSlope) {
  AttentionProblem in;
  in.edges = {2, 1, {0, 1}, {0, 0}};
  in.score = oracle::AttentionScore::additive;
  in.query = {0};
  in.key = {1000, -1000};
  in.value = {4, 8};
  in.vector = {0};
  expect_exact(forward(in).y, {6}, "y");
  const Backward gradients = backward(in, {1});
  expect_exact(gradients.dkey, {0, 0}, "dkey");
  expect_exact(gradients.dvector, {-2}, "dvector");
}

TEST_P(AttentionDomainTest, TheKinkBelongsToTheNegativeSide) {
  AttentionProblem in;
  in.edges = {2, 1, {0, 1}, {0, 0}};
  in.score = oracle::AttentionScore::gatv2;
  in.slope = 0.25;
  in.query = {-1};
  in.key = {1, 1};
  in.value = {4, 8};
  in.vector = {1};
  expect_exact(backward(in, {1}).dkey, {-0.25, 0.25}, "dkey");
}

TEST_P(AttentionDomainTest, EverythingDropped) {
  Rng rng;
  for (const oracle::AttentionScore score : kAttentionScores) {
    const auto in = random_pairs(rng, graph_with_degrees(rng, 5, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}),
                                 {score, 3, 2, 0, true, true, true, 0.99});
    check(in, random_upstream(rng, in), Place::contiguous);
  }
}

}  // namespace
}  // namespace warpgnn::test
