// SPDX-License-Identifier: MIT
// Attention at the edges of its domain: empty rows, infinities, NaN, scores far apart.

#include <limits>

#include "tests/ops/gat_attention_fixture.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class GatAttentionDomainTest : public GatAttentionFixture {
 protected:
  static bool all_zero(const Reals& values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return value == 0.0; });
  }
};
WARPGNN_INSTANTIATE_OP_TESTS(GatAttentionDomainTest);

TEST_P(GatAttentionDomainTest, DestinationWithoutInEdges) {
  oracle::Gat in{{2, 3, {0, 1}, {1, 1}}, 2, 2};  // destinations 0 and 2 have none
  in.value = {1, 2, 3, 4, 5, 6, 7, 8};
  in.source_score = {1, 1, 1, 1};
  in.destination_score = {1, 1, 1, 1, 1, 1};
  const Forward got = forward(in);
  expect_exact(got.y, {0, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0, 0}, "y");
  expect_exact(got.positive_y, {0, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0, 0}, "positive_y");
  expect_exact(got.positive_weight, {0, 0, 1, 1, 0, 0}, "positive_weight");
  const Reals maximum = got.maximum.reals(), sum = got.sum.reals();
  for (const std::size_t k : {0u, 1u, 4u, 5u}) {
    EXPECT_EQ(maximum[k], -kInfinity);
    EXPECT_EQ(sum[k], 0.0);
  }
  const Reals dt = backward(in, Reals(12, 1.0)).ddestination_score.reals();
  for (const std::size_t k : {0u, 1u, 4u, 5u}) EXPECT_EQ(dt[k], 0.0);
}

TEST_P(GatAttentionDomainTest, RowOfMinusInfinities) {
  Rng rng;
  for (const std::int64_t degree : {std::int64_t{1}, std::int64_t{6}, 2 * kChunkEdges + 5}) {
    SCOPED_TRACE(degree);
    auto in = random_gat(rng, graph_with_degrees(rng, 8, {degree, 4}), {2, 3, true});
    in.destination_score[1] = -kInfinity;  // row 0, head 1
    const Reals dy = random_upstream(rng, in);
    check(in, dy, Place::contiguous);
    const Forward got = forward(in);
    const Reals y = got.y.reals(), positive_y = got.positive_y.reals();
    EXPECT_TRUE(all_zero({y.begin() + 3, y.begin() + 6}));
    EXPECT_TRUE(all_zero({positive_y.begin() + 3, positive_y.begin() + 6}));
    EXPECT_EQ(got.maximum.reals()[1], -kInfinity);
    EXPECT_EQ(got.sum.reals()[1], 0.0);
    EXPECT_EQ(got.positive_weight.reals()[1], 0.0);
    const Backward gradients = backward(in, dy);
    EXPECT_EQ(gradients.ddestination_score.reals()[1], 0.0);
    const Reals dedge = gradients.dedge_score.reals(), weight = weights(in).reals();
    for (std::size_t e = 0; e < in.edges.count(); ++e) {
      if (in.edges.to(e) != 0) continue;
      EXPECT_EQ(dedge[e * 2 + 1], 0.0);
      EXPECT_EQ(weight[e * 2 + 1], 0.0);
    }
  }
}

TEST_P(GatAttentionDomainTest, SourceOfMinusInfinityHasNoPart) {
  Rng rng;
  for (const TestGraph& graph :
       {random_graph(rng, 15, 15, 120), graph_with_degrees(rng, 6, {kChunkEdges + 40, 2, 9})}) {
    auto in = random_gat(rng, graph, {2, 4, true});
    in.source_score[3 * 2] = -kInfinity;  // source 3, head 0
    const Reals dy = random_upstream(rng, in);
    check(in, dy, Place::contiguous);
    const Backward gradients = backward(in, dy);
    const Reals dvalue = gradients.dvalue.reals();
    EXPECT_TRUE(all_zero({dvalue.begin() + 3 * 8, dvalue.begin() + 3 * 8 + 4}));
    EXPECT_EQ(gradients.dsource_score.reals()[3 * 2], 0.0);
    const Reals weight = weights(in).reals(), dedge = gradients.dedge_score.reals();
    for (std::size_t e = 0; e < in.edges.count(); ++e) {
      if (in.edges.from(e) != 3) continue;
      EXPECT_EQ(weight[e * 2], 0.0);
      EXPECT_EQ(dedge[e * 2], 0.0);
    }
  }
}

TEST_P(GatAttentionDomainTest, MinusInfinityOnSomeEdges) {
  Rng rng;
  auto in = random_gat(rng, graph_with_degrees(rng, 9, {20, 2 * kChunkEdges + 7, 1, 5}), {3, 2, true, 0.25});
  for (std::size_t k = 0; k < in.edge_score.size(); k += 3) in.edge_score[k] = -kInfinity;
  const Reals dy = random_upstream(rng, in);
  for (const double slope : {0.2, 0.0, -0.5}) {
    SCOPED_TRACE(slope);
    in.slope = slope;
    check(in, dy, Place::contiguous);
    const Reals weight = weights(in).reals(), dedge = backward(in, dy).dedge_score.reals();
    for (std::size_t k = 0; k < weight.size(); k += 3) {
      EXPECT_EQ(weight[k], 0.0);
      EXPECT_EQ(dedge[k], 0.0);
    }
  }
}

TEST_P(GatAttentionDomainTest, NanAndInfinitySpoilTheirOwnRowAndHeadOnly) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 9, {4, 30, 2 * kChunkEdges, 5, 0});
  const auto clean = random_gat(rng, graph, {3, 4, true});
  const Forward before = forward(clean);
  const Reals weight_before = weights(clean).reals();
  for (const double poison : {kNan, kInfinity}) {
    for (const std::size_t victim : {1u, 2u}) {
      SCOPED_TRACE(std::to_string(poison) + " in row " + std::to_string(victim));
      oracle::Gat in = clean;
      Reals y = before.y.reals(), sum = before.sum.reals(), weight = weight_before;
      const std::size_t head = 1;
      std::size_t planted = in.edges.count();
      for (std::size_t e = 0; e < in.edges.count(); ++e) {
        if (in.edges.to(e) != victim) continue;
        planted = e;
        weight[e * 3 + head] = kNan;
      }
      in.edge_score[planted * 3 + head] = poison;
      sum[victim * 3 + head] = kNan;
      for (std::size_t c = 0; c < 4; ++c) y[(victim * 3 + head) * 4 + c] = kNan;
      const Forward got = forward(in);
      expect_exact(got.y, y, "y");
      expect_exact(got.sum, sum, "sum");
      expect_exact(weights(in), weight, "weight");
    }
  }
}

TEST_P(GatAttentionDomainTest, GradientsOfOtherRowsSurviveANan) {
  Rng rng;
  // Destination 0 hears from sources 0 and 1 only, destination 1 from 2 and 3 only.
  oracle::Gat in = random_gat(rng, {"", {4, 2, {0, 2, 1, 3, 2}, {0, 1, 0, 1, 1}}}, {2, 3, true});
  const Reals dy = random_upstream(rng, in);
  const Backward before = backward(in, dy);
  in.edge_score[0] = kNan;  // edge 0 -> 0, head 0
  const Backward after = backward(in, dy);
  const auto expect_tail_kept = [](const TestTensor& got, const TestTensor& clean, std::size_t from) {
    const Reals left = got.reals(), right = clean.reals();
    EXPECT_TRUE(std::isnan(left[0]));
    EXPECT_EQ(Reals(left.begin() + static_cast<std::ptrdiff_t>(from), left.end()),
              Reals(right.begin() + static_cast<std::ptrdiff_t>(from), right.end()));
  };
  expect_tail_kept(after.dvalue, before.dvalue, 2 * 6);
  expect_tail_kept(after.dsource_score, before.dsource_score, 2 * 2);
  expect_tail_kept(after.ddestination_score, before.ddestination_score, 2);
  EXPECT_EQ(after.dvalue.reals()[3], before.dvalue.reals()[3]) << "the other head of the same row";
}

TEST_P(GatAttentionDomainTest, NanInOneFeatureReachesExactlyItsOutNeighbours) {
  Rng rng;
  auto in = random_gat(rng, power_law_graph(rng, 40, 900), {2, 3});
  const Reals clean = forward(in).y.reals();
  in.value[5 * 6 + 4] = kNan;  // node 5, head 1, channel 1
  Reals want = clean;
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    if (in.edges.from(e) == 5) want[in.edges.to(e) * 6 + 4] = kNan;
  }
  expect_exact(forward(in).y, want, "y");
}

// +-1e4 in steps of 2^-8 is exact in float32, and so are the differences within a row.
TEST_P(GatAttentionDomainTest, LargeScoresLoseNothing) {
  Rng rng;
  auto in = random_gat(rng, graph_with_degrees(rng, 20, {12, 9, kChunkEdges + 30, 40}), {2, 3, true});
  in.slope = 1.0;  // keeps negative scores exact
  for (std::size_t k = 0; k < in.destination_score.size(); ++k) in.destination_score[k] = k % 4 < 2 ? 1e4 : -1e4;
  for (double& s : in.source_score) s = static_cast<double>(rng.below(256)) / 256;
  for (double& u : in.edge_score) u = static_cast<double>(rng.below(256)) / 256;
  const auto want = oracle::gat(in);
  const Forward got = forward(in);
  expect_close(got.y, want.y, kSumFactor, "y");
  expect_close(got.positive_weight, want.positive_weight, kSumFactor, "positive_weight");
  expect_exact(got.maximum, want.softmax.maximum, "maximum");
  expect_close(got.sum, want.softmax.sum, kSumFactor, "sum");
  expect_relative(weights(in), want.weight, kSumFactor, "weight");
  const Reals dy = random_upstream(rng, in);
  const auto gradients = oracle::gat_backward(in, dy);
  const Backward found = backward(in, dy);
  expect_close(found.dvalue, gradients.dvalue, kSumFactor, "dvalue");
  expect_close(found.dsource_score, gradients.dsource_score, kSumFactor, "dsource_score");
  expect_close(found.dedge_score, gradients.dedge_score, kSumFactor, "dedge_score");
}

TEST_P(GatAttentionDomainTest, EqualScoresShareAlikeHoweverLarge) {
  oracle::Gat in{{4, 1, {0, 1, 2, 3}, {0, 0, 0, 0}}, 1, 1};
  in.value = {1, 2, 3, 4};
  in.destination_score = {0};
  const double largest = dtype() == Dtype::float32 ? 1e37 : 1e300;
  for (const double all : {1e7, -1e7, 1e9, largest, -largest}) {
    SCOPED_TRACE(all);
    in.source_score.assign(4, all);
    const Forward got = forward(in);
    expect_exact(got.y, {2.5}, "y");
    expect_exact(weights(in, Place::contiguous, got), {0.25, 0.25, 0.25, 0.25}, "weight");
    const Backward gradients = backward(in, {1}, Place::contiguous, got);
    expect_exact(gradients.dvalue, {0.25, 0.25, 0.25, 0.25}, "dvalue");
    expect_close(gradients.dsource_score, oracle::gat_backward(in, {1}).dsource_score, kSumFactor, "dsource_score");
  }
}

TEST_P(GatAttentionDomainTest, DistantScoresWeighExactlyNothing) {
  const double far = dtype() == Dtype::float32 ? 105 : 800;
  oracle::Gat in{{3, 1, {0, 1, 2}, {0, 0, 0}}, 1, 1};
  in.value = {7, 3, 1e30};
  in.source_score = {0, far, -10 * far};  // after the leak still further than `far` below
  in.destination_score = {0};
  const Forward got = forward(in);
  expect_exact(got.y, {3}, "y");
  expect_exact(got.positive_weight, {1}, "positive_weight");
  const auto weight = weights(in);
  expect_exact(weight, {0, 1, 0}, "weight");
  const Backward gradients = backward(in, {1});
  expect_exact(gradients.dvalue, {0, 1, 0}, "dvalue");
}

TEST_P(GatAttentionDomainTest, ScoreOfZeroLeaks) {
  oracle::Gat in{{2, 1, {0, 1}, {0, 0}}, 1, 1};
  in.value = {4, 8};
  in.source_score = {-0.5, 0.5};
  in.destination_score = {-0.5};  // p = -1 and exactly 0
  const Forward got = forward(in);
  expect_exact(got.positive_weight, {0}, "positive_weight");
  expect_exact(got.positive_y, {0}, "positive_y");
  expect_close(backward(in, {1}).dsource_score, oracle::gat_backward(in, {1}).dsource_score, kSumFactor,
               "dsource_score");
}

TEST_P(GatAttentionDomainTest, EverythingDropped) {
  Rng rng;
  auto in = random_gat(rng, graph_with_degrees(rng, 5, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), {3, 2, true, 0.99});
  const Reals dy = random_upstream(rng, in);
  check(in, dy, Place::contiguous);
}

}  // namespace
}  // namespace warpgnn::test
