// SPDX-License-Identifier: MIT
// The oracles of attention between pairs of feature vectors and of the residual gate, pinned by cases worked out by
// hand.

#include <gtest/gtest.h>

#include "tests/oracle/attention.hpp"
#include "tests/oracle/residual_gate.hpp"

namespace oracle {
namespace {

/// Two edges into one node, whose scores are equal: weights of a half. With dy = 1 the gradients of the scores are
/// -1 and 1.
Attention two_edges(AttentionScore score) {
  Attention in;
  in.edges = {2, 1, {0, 1}, {0, 0}};
  in.score = score;
  in.value = {4, 8};
  return in;
}

void expect_halves(const Attention& in, double maximum) {
  const AttentionForward out = attention(in);
  EXPECT_EQ(out.weight.value, (Reals{0.5, 0.5}));
  EXPECT_EQ(out.y.value, (Reals{6}));
  EXPECT_DOUBLE_EQ(out.maximum.value[0], maximum);
  EXPECT_EQ(out.sum.value, (Reals{2}));
  const AttentionGradients gradients = attention_backward(in, {1});
  EXPECT_EQ(gradients.dvalue.value, (Reals{0.5, 0.5}));
  EXPECT_EQ(gradients.dedge_value.value, (Reals{0.5, 0.5}));
  EXPECT_EQ(gradients.dedge_bias.value, (Reals{-1, 1}));
}

TEST(AttentionOracle, Gatv2) {
  Attention in = two_edges(AttentionScore::gatv2);
  in.slope = 0.5;
  in.query = {1};
  in.key = {1, -3};  // sums 2 and -2, activated 2 and -1
  in.vector = {2};
  in.edge_bias = {0, 6};
  expect_halves(in, 4);
  const AttentionGradients gradients = attention_backward(in, {1});
  EXPECT_EQ(gradients.dkey.value, (Reals{-2, 1}));
  EXPECT_EQ(gradients.dedge_key.value, (Reals{-2, 1}));
  EXPECT_EQ(gradients.dquery.value, (Reals{-1}));
  EXPECT_EQ(gradients.dvector.value, (Reals{-3}));
}

TEST(AttentionOracle, Additive) {
  Attention in = two_edges(AttentionScore::additive);
  in.query = {2};
  in.key = {-2, -3};
  in.edge_key = {0, 1};  // both sums are 0, where tanh has slope 1
  in.vector = {3};
  expect_halves(in, 0);
  const AttentionGradients gradients = attention_backward(in, {1});
  EXPECT_EQ(gradients.dkey.value, (Reals{-3, 3}));
  EXPECT_EQ(gradients.dedge_key.value, (Reals{-3, 3}));
  EXPECT_EQ(gradients.dquery.value, (Reals{0}));
  EXPECT_EQ(gradients.dvector.value, (Reals{0}));

  in.key = {-1, -2};  // both sums are 1
  const double t = std::tanh(1.0);
  expect_halves(in, 3 * t);
  EXPECT_DOUBLE_EQ(attention_backward(in, {1}).dkey.value[1], 3 * (1 - t * t));
}

TEST(AttentionOracle, Dot) {
  Attention in = two_edges(AttentionScore::dot);
  in.scale = 0.5;
  in.query = {2};
  in.key = {3, 1};
  in.edge_bias = {0, 2};
  expect_halves(in, 3);
  const AttentionGradients gradients = attention_backward(in, {1});
  EXPECT_EQ(gradients.dkey.value, (Reals{-1, 1}));
  EXPECT_EQ(gradients.dquery.value, (Reals{-1}));
}

TEST(AttentionOracle, EdgesAddToKeysAndValues) {
  Attention in = two_edges(AttentionScore::dot);
  in.query = {2};
  in.key = {3, 0};
  in.edge_key = {-2, 1};
  in.value = {1, 1};
  in.edge_value = {3, 7};
  expect_halves(in, 2);
  EXPECT_EQ(attention_backward(in, {1}).dquery.value, (Reals{0}));  // the keys are equal
}

TEST(AttentionOracle, DropoutScalesWhatItKeeps) {
  Attention in = two_edges(AttentionScore::dot);
  in.query = {0};
  in.key = {0, 0};
  in.dropout = 0.5;
  for (in.seed = 0; in.seed < 8; ++in.seed) {
    const AttentionForward out = attention(in);
    EXPECT_EQ(out.weight.value, (Reals{0.5, 0.5}));
    for (const double weight : out.dropped.value) EXPECT_TRUE(weight == 0 || weight == 1);
    EXPECT_EQ(out.y.value[0], 4 * out.dropped.value[0] + 8 * out.dropped.value[1]);
  }
}

TEST(AttentionOracle, NodeWithoutEdges) {
  Attention in = two_edges(AttentionScore::dot);
  in.edges = {2, 2, {0, 1}, {0, 0}};
  in.query = {0, 5};
  in.key = {0, 0};
  const AttentionForward out = attention(in);
  EXPECT_EQ(out.y.value, (Reals{6, 0}));
  EXPECT_EQ(out.sum.value, (Reals{2, 0}));
  EXPECT_TRUE(std::isinf(out.maximum.value[1]) && out.maximum.value[1] < 0);
}

TEST(ResidualGateOracle, HalfOpen) {
  const ResidualGate in{2, {1, 2}, {3, 6}, {0, 0, 0, 0, 0, 0}};
  const ResidualGateForward out = residual_gate(in);
  EXPECT_EQ(out.gate.value, (Reals{0.5}));
  EXPECT_EQ(out.y.value, (Reals{2, 4}));
  const ResidualGateGradients gradients = residual_gate_backward(in, {1, 1});  // dz = (2 + 4) / 4
  EXPECT_EQ(gradients.dx.value, (Reals{0.5, 0.5}));
  EXPECT_EQ(gradients.dresidual.value, (Reals{0.5, 0.5}));
  EXPECT_EQ(gradients.dweight.value, (Reals{1.5, 3, 4.5, 9, -3, -6}));
}

TEST(ResidualGateOracle, WeightsOfAllThree) {
  // z = 1 * 2 + 3 * 4 + 7 * (2 - 4) = 0
  const ResidualGate in{1, {2}, {4}, {1, 3, 7}};
  EXPECT_EQ(residual_gate(in).gate.value, (Reals{0.5}));
  const ResidualGateGradients gradients = residual_gate_backward(in, {2});  // dz = 2 * 2 / 4
  EXPECT_EQ(gradients.dx.value, (Reals{1 + 8}));
  EXPECT_EQ(gradients.dresidual.value, (Reals{1 - 4}));
}

}  // namespace
}  // namespace oracle
