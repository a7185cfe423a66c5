// SPDX-License-Identifier: MIT
// The oracle itself: numbers worked out by hand, and its gradients against central differences.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/aggregate.hpp"
#include "tests/oracle/dense.hpp"
#include "tests/oracle/gat_attention.hpp"
#include "tests/oracle/gcn_norm.hpp"
#include "tests/oracle/pool.hpp"
#include "tests/oracle/random.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;
using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kLog3 = std::log(3.0);

void expect_near(const Reals& got, const Reals& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t k = 0; k < want.size(); ++k) {
    if (std::isinf(want[k])) {
      EXPECT_EQ(got[k], want[k]) << "element " << k;
    } else {
      EXPECT_NEAR(got[k], want[k], 1e-14) << "element " << k;
    }
  }
}

// Node 0 has in-edges from 0 and twice from 1, node 1 none, node 2 a self-loop.
oracle::Aggregate small_aggregate(oracle::Reduce reduce) {
  return {{3, 3, {0, 1, 1, 2}, {0, 0, 0, 2}}, reduce, 2, {1, 2, 3, -4, 5, 6}, {}, {}};
}

TEST(OracleAggregate, Sum) {
  oracle::Aggregate in = small_aggregate(oracle::Reduce::sum);
  expect_near(oracle::aggregate(in).y.value, {7, -6, 0, 0, 5, 6});
  in.weight = {2, 0.5, -1, 3};
  expect_near(oracle::aggregate(in).y.value, {0.5, 6, 0, 0, 15, 18});
  expect_near(oracle::aggregate(in).y.magnitude, {6.5, 10, 0, 0, 15, 18});
  in.weight.clear();
  in.epsilon = 0.5;
  expect_near(oracle::aggregate(in).y.value, {8.5, -3, 4.5, -6, 12.5, 15});
}

TEST(OracleAggregate, Mean) {
  expect_near(oracle::aggregate(small_aggregate(oracle::Reduce::mean)).y.value, {7.0 / 3, -2, 0, 0, 5, 6});
}

TEST(OracleAggregate, MaxAndMinKeepTheFirstOfEquals) {
  const auto max = oracle::aggregate(small_aggregate(oracle::Reduce::max));
  expect_near(max.y.value, {3, 2, 0, 0, 5, 6});
  EXPECT_THAT(max.arg, ElementsAre(1, 0, -1, -1, 3, 3));
  const auto min = oracle::aggregate(small_aggregate(oracle::Reduce::min));
  expect_near(min.y.value, {1, -4, 0, 0, 5, 6});
  EXPECT_THAT(min.arg, ElementsAre(0, 1, -1, -1, 3, 3));
}

TEST(OracleAggregate, MaxLetsTheFirstNanWinAndKeepsInfinities) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto with_nan =
      oracle::aggregate({{3, 1, {0, 1, 2}, {0, 0, 0}}, oracle::Reduce::max, 1, {9, nan, nan}, {}, {}});
  EXPECT_TRUE(std::isnan(with_nan.y.value[0]));
  EXPECT_EQ(with_nan.arg[0], 1);
  const auto infinite = oracle::aggregate({{1, 1, {0}, {0}}, oracle::Reduce::max, 1, {-kInfinity}, {}, {}});
  EXPECT_EQ(infinite.y.value[0], -kInfinity);
  EXPECT_EQ(infinite.arg[0], 0);
}

TEST(OracleAggregate, Backward) {
  const Reals dy{1, 10, 2, 20, 3, 30};
  oracle::Aggregate in = small_aggregate(oracle::Reduce::sum);
  in.weight = {2, 0.5, -1, 3};
  in.epsilon = 0.5;
  const auto sum = oracle::aggregate_backward(in, dy);
  expect_near(sum.dx.value, {2 + 1.5, 20 + 15, -0.5 + 3, -5 + 30, 9 + 4.5, 90 + 45});
  expect_near(sum.dweight.value, {21, -37, -37, 195});
  expect_near(sum.depsilon.value, {142});
  const auto mean = oracle::aggregate_backward(small_aggregate(oracle::Reduce::mean), dy);
  expect_near(mean.dx.value, {1.0 / 3, 10.0 / 3, 2.0 / 3, 20.0 / 3, 3, 30});
  const auto max = oracle::aggregate_backward(small_aggregate(oracle::Reduce::max), dy);
  expect_near(max.dx.value, {0, 10, 1, 0, 3, 30});
}

TEST(OracleAggregate, ScalesOfBothEnds) {
  oracle::Aggregate in{{2, 2, {0, 1, 1}, {0, 0, 1}}, oracle::Reduce::sum, 1, {5, 7}, {1, 2, 3}, {}};
  in.source_scale = {2, -1};
  in.destination_scale = {10, 100};
  expect_near(oracle::aggregate(in).y.value, {10 * (2 * 5 - 2 * 7), -100 * 3 * 7});
  const auto gradients = oracle::aggregate_backward(in, {1, 2});
  expect_near(gradients.dx.value, {2 * 10, -1 * (2 * 10 + 3 * 100 * 2)});
  expect_near(gradients.dweight.value, {2 * 10 * 5, -10 * 7, -100 * 2 * 7});
  in.reduce = oracle::Reduce::mean;
  expect_near(oracle::aggregate(in).y.value, {10 * (2 * 5 - 2 * 7) / 2.0, -100 * 3 * 7});
}

TEST(OracleAggregate, BackwardAgreesWithDifferences) {
  Rng rng;
  for (const auto reduce : {oracle::Reduce::sum, oracle::Reduce::mean, oracle::Reduce::max, oracle::Reduce::min}) {
    const bool weighted = reduce == oracle::Reduce::sum || reduce == oracle::Reduce::mean;
    oracle::Aggregate in{random_graph(rng, 6, 6, 15).edges,  reduce, 3, rng.distinct(18),
                         weighted ? rng.reals(15) : Reals{}, 0.25};
    const Reals dy = rng.reals(18);
    const auto gradients = oracle::aggregate_backward(in, dy);
    const auto loss = [&](Reals oracle::Aggregate::*argument) {
      return [&, argument](const Reals& value) {
        oracle::Aggregate shifted = in;
        shifted.*argument = value;
        return dot(dy, oracle::aggregate(shifted).y.value);
      };
    };
    expect_gradient(loss(&oracle::Aggregate::x), in.x, gradients.dx.value, "dx");
    if (weighted) expect_gradient(loss(&oracle::Aggregate::weight), in.weight, gradients.dweight.value, "dweight");
    const auto epsilon_loss = [&](const Reals& value) {
      oracle::Aggregate shifted = in;
      shifted.epsilon = value[0];
      return dot(dy, oracle::aggregate(shifted).y.value);
    };
    expect_gradient(epsilon_loss, {*in.epsilon}, gradients.depsilon.value, "depsilon");
  }
}

// In-degrees 4, 16 and 0.
const oracle::Edges kNormEdges{3, 3, {0, 1, 1, 2}, {0, 0, 1, 1}};

TEST(OracleGcnNorm, Forward) {
  const auto out = oracle::gcn_norm(kNormEdges, {1, 3, 4, 12});
  expect_near(out.inv_sqrt_degree.value, {0.5, 0.25, 0});
  expect_near(out.norm.value, {0.25, 0.375, 0.25, 0});
  expect_near(oracle::gcn_norm({2, 2, {0, 1}, {1, 1}}, {}).inv_sqrt_degree.value, {0, std::sqrt(0.5)});
  expect_near(oracle::gcn_norm({1, 1, {0}, {0}}, {-1}).norm.value, {0});
}

TEST(OracleGcnNorm, Backward) {
  expect_near(oracle::gcn_norm_backward(kNormEdges, {1, 3, 4, 12}, {1, 0, 0, 0}).value, {3.0 / 16, -1.0 / 16, 0, 0});
}

TEST(OracleGcnNorm, BackwardAgreesWithDifferences) {
  Rng rng;
  const oracle::Edges edges = random_graph(rng, 7, 7, 20).edges;
  const Reals weight = rng.reals(20, 0.5, 2), dnorm = rng.reals(20);
  const auto loss = [&](const Reals& w) { return dot(dnorm, oracle::gcn_norm(edges, w).norm.value); };
  expect_gradient(loss, weight, oracle::gcn_norm_backward(edges, weight, dnorm).value, "dweight");
}

TEST(OracleEdgeSoftmax, Forward) {
  const oracle::Edges edges{1, 4, {0, 0, 0, 0, 0}, {0, 0, 1, 1, 2}};
  const Reals score{0, kLog3, -kInfinity, 5, -kInfinity};
  expect_near(oracle::edge_softmax(edges, 1, score), {0.25, 0.75, 0, 1, 0});
  const auto row = oracle::softmax_statistics(edges, 1, score);
  expect_near(row.maximum, {kLog3, 5, -kInfinity, -kInfinity});
  expect_near(row.sum.value, {4.0 / 3, 1, 0, 0});
}

TEST(OracleEdgeSoftmax, NanAndInfinitySpoilTheirOwnRowAndHead) {
  const oracle::Edges edges{1, 2, {0, 0, 0}, {0, 0, 1}};
  const Reals weight = oracle::edge_softmax(edges, 2, {kInfinity, 0, 0, 0, 0, 0});
  EXPECT_TRUE(std::isnan(weight[0]) && std::isnan(weight[2]));
  expect_near({weight[1], weight[3], weight[4], weight[5]}, {0.5, 0.5, 1, 1});
}

TEST(OracleEdgeSoftmax, Backward) {
  const oracle::Edges edges{1, 1, {0, 0}, {0, 0}};
  const auto dscore = oracle::edge_softmax_backward(edges, 1, {0.25, 0.75}, {1, 0});
  expect_near(dscore.value, {0.1875, -0.1875});
  expect_near(dscore.magnitude, {0.3125, 0.1875});
}

TEST(OracleEdgeSoftmax, BackwardAgreesWithDifferences) {
  Rng rng;
  const oracle::Edges edges = random_graph(rng, 5, 5, 12).edges;
  const Reals score = rng.reals(24), dweight = rng.reals(24);
  const auto loss = [&](const Reals& s) { return dot(dweight, oracle::edge_softmax(edges, 2, s)); };
  const Reals weight = oracle::edge_softmax(edges, 2, score);
  expect_gradient(loss, score, oracle::edge_softmax_backward(edges, 2, weight, dweight).value, "dscore");
}

// Two edges into one node, p = 0 and ln 3, alpha = 1/4 and 3/4.
oracle::Gat small_gat() {
  return {{2, 1, {0, 1}, {0, 0}}, 1, 2, 0.2, {4, 8, 8, -4}, {0, kLog3}, {0}};
}

TEST(OracleGat, Forward) {
  const auto out = oracle::gat(small_gat());
  expect_near(out.weight, {0.25, 0.75});
  expect_near(out.softmax.maximum, {kLog3});
  expect_near(out.softmax.sum.value, {4.0 / 3});
  expect_near(out.y.value, {7, -1});
  expect_near(out.y.magnitude, {7, 5});
  expect_near(out.positive_y.value, {6, -3});
  expect_near(out.positive_weight.value, {0.75});
}

TEST(OracleGat, NegativeSlopeAndEdgeScore) {
  oracle::Gat in = small_gat();
  in.slope = 0.5;
  in.source_score = {-kLog3, -1};
  in.edge_score = {-kLog3, 1};  // p = -2 ln 3 and 0, l = -ln 3 and 0
  const auto out = oracle::gat(in);
  expect_near(out.weight, {0.25, 0.75});
  expect_near(out.positive_weight.value, {0});
  expect_near(out.positive_y.value, {0, 0});
}

TEST(OracleGat, Backward) {
  const auto out = oracle::gat_backward(small_gat(), {1, 0});
  expect_near(out.dvalue.value, {0.25, 0, 0.75, 0});
  expect_near(out.dedge_score.value, {-0.15, 0.75});  // dl = -+3/4, and p = 0 leaks
  expect_near(out.dsource_score.value, {-0.15, 0.75});
  expect_near(out.ddestination_score.value, {0.6});
}

TEST(OracleGat, BackwardAgreesWithDifferences) {
  Rng rng;
  for (const double dropout : {0.0, 0.4}) {
    oracle::Gat in{random_graph(rng, 6, 5, 18).edges,
                   2,
                   3,
                   0.2,
                   rng.reals(36),
                   rng.reals(12),
                   rng.reals(10),
                   rng.reals(36),
                   dropout,
                   77};
    const Reals dy = rng.reals(30);
    for (std::size_t e = 0; e < in.edges.count(); ++e) {
      for (std::size_t h = 0; h < 2; ++h) ASSERT_GT(std::abs(in.score(e, h)), 1e-4) << "too near a kink";
    }
    const auto gradients = oracle::gat_backward(in, dy);
    const auto loss = [&](Reals oracle::Gat::*argument) {
      return [&, argument](const Reals& value) {
        oracle::Gat shifted = in;
        shifted.*argument = value;
        return dot(dy, oracle::gat(shifted).y.value);
      };
    };
    expect_gradient(loss(&oracle::Gat::value), in.value, gradients.dvalue.value, "dvalue");
    expect_gradient(loss(&oracle::Gat::source_score), in.source_score, gradients.dsource_score.value, "dsource_score");
    expect_gradient(loss(&oracle::Gat::destination_score), in.destination_score, gradients.ddestination_score.value,
                    "ddestination_score");
    expect_gradient(loss(&oracle::Gat::edge_score), in.edge_score, gradients.dedge_score.value, "dedge_score");
  }
}

TEST(OracleHeadDot, ForwardAndBackward) {
  const Reals x{1, 2, 3, 4, 5, 6, 7, 8}, vector{1, -1, 2, 0};  // two nodes, two heads, two channels
  expect_near(oracle::head_dot(x, vector, 2, 2).value, {-1, 6, -1, 14});
  const auto gradients = oracle::head_dot_backward(x, vector, {1, 10, 100, 1000}, 2, 2);
  expect_near(gradients.dx.value, {1, -1, 20, 0, 100, -100, 2000, 0});
  expect_near(gradients.dvector.value, {501, 602, 7030, 8040});
}

// Graphs of two, no and one nodes.
oracle::Pool small_pool(oracle::PoolReduce reduce, oracle::PoolGate gate) {
  return {{0, 2, 2, 3}, reduce, gate, 2, {1, 2, 3, 6, 5, -1}, {0, kLog3, 7}};
}

TEST(OraclePool, Forward) {
  using oracle::PoolGate;
  using oracle::PoolReduce;
  expect_near(oracle::pool(small_pool(PoolReduce::sum, PoolGate::none)).y.value, {4, 8, 0, 0, 5, -1});
  expect_near(oracle::pool(small_pool(PoolReduce::mean, PoolGate::none)).y.value, {2, 4, 0, 0, 5, -1});
  const auto max = oracle::pool(small_pool(PoolReduce::max, PoolGate::none));
  expect_near(max.y.value, {3, 6, 0, 0, 5, -1});
  EXPECT_THAT(max.arg, ElementsAre(1, 1, -1, -1, 2, 2));
  const auto softmax = oracle::pool(small_pool(PoolReduce::sum, PoolGate::softmax));
  expect_near(softmax.weight, {0.25, 0.75, 1});
  expect_near(softmax.softmax.maximum, {kLog3, -kInfinity, 7});
  expect_near(softmax.softmax.sum.value, {4.0 / 3, 0, 1});
  expect_near(softmax.y.value, {2.5, 5, 0, 0, 5, -1});
  expect_near(oracle::pool(small_pool(PoolReduce::sum, PoolGate::sigmoid)).y.value,
              {0.5 + 2.25, 1 + 4.5, 0, 0, 5 / (1 + std::exp(-7)), -1 / (1 + std::exp(-7))});
  expect_near(oracle::pool(small_pool(PoolReduce::mean, PoolGate::raw)).y.value,
              {1.5 * kLog3, 3 * kLog3, 0, 0, 35, -7});
}

TEST(OraclePool, Backward) {
  using oracle::PoolGate;
  using oracle::PoolReduce;
  const Reals dy{1, 0, 50, 50, 0, 2};
  const auto softmax = oracle::pool_backward(small_pool(PoolReduce::sum, PoolGate::softmax), dy);
  expect_near(softmax.dx.value, {0.25, 0, 0.75, 0, 0, 2});
  expect_near(softmax.dscore.value, {0.25 * (1 - 2.5), 0.75 * (3 - 2.5), 0});
  const auto max = oracle::pool_backward(small_pool(PoolReduce::max, PoolGate::none), dy);
  expect_near(max.dx.value, {0, 0, 1, 0, 0, 2});
}

TEST(OraclePool, BackwardAgreesWithDifferences) {
  using oracle::PoolGate;
  using oracle::PoolReduce;
  Rng rng;
  for (const auto reduce : {PoolReduce::sum, PoolReduce::mean, PoolReduce::max}) {
    for (const auto gate : {PoolGate::none, PoolGate::softmax, PoolGate::sigmoid, PoolGate::raw}) {
      if (reduce == PoolReduce::max && gate != PoolGate::none) continue;
      oracle::Pool in{{0, 3, 3, 8, 9}, reduce, gate, 3, rng.distinct(27), rng.reals(9)};
      const Reals dy = rng.reals(12);
      const auto gradients = oracle::pool_backward(in, dy);
      const auto loss = [&](Reals oracle::Pool::*argument) {
        return [&, argument](const Reals& value) {
          oracle::Pool shifted = in;
          shifted.*argument = value;
          return dot(dy, oracle::pool(shifted).y.value);
        };
      };
      expect_gradient(loss(&oracle::Pool::x), in.x, gradients.dx.value, "dx");
      if (gate != PoolGate::none) {
        expect_gradient(loss(&oracle::Pool::score), in.score, gradients.dscore.value, "dscore");
      }
    }
  }
}

TEST(OracleDense, Linear) {
  const Reals x{1, 2}, weight{3, 4, 5, 6};
  expect_near(oracle::linear(x, weight, {10, 20}, 1, 2, 2).value, {21, 37});
  expect_near(oracle::linear(x, weight, {}, 1, 2, 2).value, {11, 17});
  const auto gradients = oracle::linear_backward(x, weight, {1, -1}, 1, 2, 2);
  expect_near(gradients.dx.value, {-2, -2});
  expect_near(gradients.dweight.value, {1, 2, -1, -2});
  expect_near(gradients.dbias.value, {1, -1});
}

TEST(OracleDense, Activations) {
  using oracle::Activation;
  EXPECT_EQ(oracle::activation(Activation::relu, 0, -2), 0);
  EXPECT_EQ(oracle::activation(Activation::leaky_relu, 0.25, -2), -0.5);
  EXPECT_NEAR(oracle::activation(Activation::elu, 2, -kLog3), -4.0 / 3, 1e-15);
  EXPECT_NEAR(oracle::activation(Activation::tanh, 0, kLog3 / 2), 0.5, 1e-15);
  EXPECT_NEAR(oracle::activation(Activation::sigmoid, 0, kLog3), 0.75, 1e-15);
  EXPECT_EQ(oracle::activation_derivative(Activation::relu, 0, 0), 0);
  EXPECT_EQ(oracle::activation_derivative(Activation::leaky_relu, 0.25, 0), 0.25);
  for (const auto kind :
       {Activation::relu, Activation::leaky_relu, Activation::elu, Activation::tanh, Activation::sigmoid}) {
    for (const double at : {-1.3, 0.7}) {
      const auto loss = [&](const Reals& x) { return oracle::activation(kind, 0.3, x[0]); };
      if (kind == Activation::relu && at < 0) continue;
      expect_gradient(loss, {at}, {oracle::activation_derivative(kind, 0.3, at)}, "derivative");
    }
  }
}

TEST(OracleDense, BatchNorm) {
  const auto out = oracle::batch_norm_training({1, 3}, {2}, {10}, {0}, {1}, 0, 0.1);
  expect_near(out.y.value, {8, 12});
  expect_near(out.mean, {2});
  expect_near(out.inv_std, {1});
  expect_near(out.running_mean, {0.2});
  expect_near(out.running_var, {1.1});
  expect_near(oracle::batch_norm_training({5}, {2}, {10}, {0}, {7}, 1, 0.1).running_var, {7});
  expect_near(oracle::batch_norm_evaluation({1, 3}, {2}, {10}, {3}, {4}, 0).value, {8, 10});
}

TEST(OracleDense, BatchNormBackwardAgreesWithDifferences) {
  Rng rng;
  const Reals x = rng.reals(15), gamma = rng.reals(3), beta = rng.reals(3), dy = rng.reals(15);
  const auto gradients = oracle::batch_norm_backward(x, gamma, dy, 0.1);
  const auto loss = [&](const Reals& at, const Reals& g, const Reals& b) {
    return dot(dy, oracle::batch_norm_training(at, g, b, {0, 0, 0}, {1, 1, 1}, 0.1, 0.1).y.value);
  };
  expect_gradient([&](const Reals& v) { return loss(v, gamma, beta); }, x, gradients.dx.value, "dx");
  expect_gradient([&](const Reals& v) { return loss(x, v, beta); }, gamma, gradients.dgamma.value, "dgamma");
  expect_gradient([&](const Reals& v) { return loss(x, gamma, v); }, beta, gradients.dbeta.value, "dbeta");
}

TEST(OracleDense, SoftCrossEntropy) {
  const auto out = oracle::soft_cross_entropy({0, kLog3, 1, 1}, {1, 3, 0, 0}, 2);
  EXPECT_NEAR(out.loss, (std::log(4.0) + 3 * std::log(4.0 / 3)) / 4, 1e-15);
  EXPECT_EQ(out.total_weight, 4);
  expect_near(out.dlogits, {0, 0, 0, 0});
  Rng rng;
  const Reals logits = rng.reals(12), target{0, 1, 2, 0.5, 0, 0.5, 0, 0, 0, 0, 3, 0};
  const auto loss = [&](const Reals& x) { return oracle::soft_cross_entropy(x, target, 3).loss; };
  expect_gradient(loss, logits, oracle::soft_cross_entropy(logits, target, 3).dlogits, "dlogits");
}

TEST(OracleDense, PointwiseLosses) {
  EXPECT_EQ(oracle::squared_loss(3, 1).loss, 4);
  EXPECT_EQ(oracle::absolute_loss(-3, 1).loss, 4);
  EXPECT_EQ(oracle::huber_loss(0.5, 0, 1).loss, 0.125);
  EXPECT_EQ(oracle::huber_loss(-3, 0, 1).loss, 2.5);
  EXPECT_NEAR(oracle::binary_cross_entropy(kLog3, 1).loss, std::log(4.0 / 3), 1e-15);
  EXPECT_NEAR(oracle::binary_cross_entropy(kLog3, 0.25).derivative, 0.5, 1e-15);
  const Reals prediction{0.3, -2, 1.5, 0.1}, target{0.25, 0.5, 1, 0}, weight{1, 0.5, 0, 2};
  for (const auto& loss : std::vector<std::function<oracle::Pointwise(double, double)>>{
           oracle::squared_loss, oracle::absolute_loss, oracle::binary_cross_entropy,
           [](double x, double t) { return oracle::huber_loss(x, t, 0.4); }}) {
    const auto mean = [&](const Reals& x) { return oracle::pointwise_mean(x, target, weight, loss).loss; };
    expect_gradient(mean, prediction, oracle::pointwise_mean(prediction, target, weight, loss).dprediction, "dx");
  }
}

TEST(OracleDense, CrossEntropy) {
  const auto out = oracle::cross_entropy({0, kLog3}, {0}, 2);
  EXPECT_NEAR(out.loss, std::log(4.0), 1e-15);
  expect_near(out.probability, {0.25, 0.75});
  expect_near(oracle::cross_entropy_backward({0, kLog3}, {0}, 2), {-0.75, 0.75});
  Rng rng;
  const Reals logits = rng.reals(12);
  const Ids label{2, 0, 1, 2};
  const auto loss = [&](const Reals& l) { return oracle::cross_entropy(l, label, 3).loss; };
  expect_gradient(loss, logits, oracle::cross_entropy_backward(logits, label, 3), "dlogits");
  const oracle::ClassOptions options{0.3, 1, {0.5, 1, 2}};
  const auto weighted = [&](const Reals& l) { return oracle::cross_entropy(l, label, 3, options).loss; };
  EXPECT_EQ(oracle::cross_entropy(logits, label, 3, options).total_weight, 2 + 0.5 + 2);
  expect_gradient(weighted, logits, oracle::cross_entropy_backward(logits, label, 3, options), "dlogits");
}

TEST(OracleDense, Adam) {
  oracle::AdamState state{{1}, {0}, {0}, 0};
  const oracle::Adam settings{0.5, 0.5, 0.75, 0, 1};
  oracle::adam_step(settings, {1}, state);  // g = 2, both moments corrected to 2 and 4
  expect_near({state.value[0], state.first_moment[0], state.second_moment[0]}, {0.5, 1, 1});
  oracle::adam_step(settings, {-0.5}, state);  // g = 0: m = 1/2 over 3/4, v = 3/4 over 7/16
  expect_near({state.value[0]}, {0.5 - 0.5 * (2.0 / 3) / std::sqrt(12.0 / 7)});
  EXPECT_EQ(state.step, 2);
}

// The known-answer vectors that come with Random123.
TEST(OracleRandom, PhiloxKnownAnswers) {
  EXPECT_THAT(oracle::philox4x32({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(oracle::philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(oracle::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(OracleRandom, Dropout) {
  expect_near(oracle::dropout({1, 1, 1, 1}, 4, 0.5, 0), {0, 2, 2, 2});  // words 0x66.., 0xe1.., 0xbc.., 0x9b..
  expect_near(oracle::dropout({3, 3, 3, 3}, 4, 0.75, 0), {0, 12, 0, 0});
  expect_near(oracle::dropout({3, -3}, 1, 0, 5), {3, -3});
}

}  // namespace
}  // namespace warpgnn::test
