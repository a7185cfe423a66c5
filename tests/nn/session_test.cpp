// SPDX-License-Identifier: MIT
// Sessions and the initial values of parameters.

#include "warpgnn/nn/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/nn_subject.hpp"
#include "warpgnn/nn/nn.hpp"
#include "warpgnn/random.hpp"

namespace warpgnn::test {
namespace {

using nn::Parameter;
using nn::Session;
using oracle::Reals;

class NnSessionTest : public OpTest {};
WARPGNN_INSTANTIATE_OP_TESTS(NnSessionTest);

/// The values of one layer of every kind, one after the other.
Reals initial_values(const Context& context, Dtype dtype, std::uint64_t seed) {
  Session session(context, dtype, seed);
  nn::Linear linear(session, "linear", 5, 4);
  nn::GCNConv gcn(session, "gcn", 3, 2);
  nn::GATConv gat(session, "gat", 3, {.heads = 2, .channels = 3, .edge_features = 2});
  nn::GINConv gin(session, "gin", 3, 4);
  nn::AttentionPool pool(session, "pool", 3, 4, PoolReduce::mean, PoolGate::raw);
  nn::ParameterList list;
  linear.collect(list);
  gcn.collect(list);
  gat.collect(list);
  gin.collect(list);
  pool.collect(list);
  Reals all;
  for (const Parameter* each : list) {
    const Reals values = reals_of(each->value);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST_P(NnSessionTest, InitialValuesDependOnTheSeedAlone) {
  const Reals values = initial_values(context(), dtype(), 17);
  EXPECT_EQ(values, initial_values(context(), dtype(), 17));
  EXPECT_EQ(values, initial_values(Context::cpu(2), dtype(), 17));
  EXPECT_NE(values, initial_values(context(), dtype(), 18));
  Reals rounded = initial_values(Context::cpu(1), Dtype::float64, 17);
  if (dtype() == Dtype::float32) {
    for (double& value : rounded) value = static_cast<float>(value);
  }
  EXPECT_EQ(values, rounded);
}

TEST_P(NnSessionTest, UniformFillsItsInterval) {
  Session session(context(), dtype(), 5);
  const Parameter parameter = nn::uniform(session, "p", {40, 50}, 0.25);
  EXPECT_EQ(parameter.name, "p");
  EXPECT_TRUE(parameter.trainable);
  EXPECT_EQ(parameter.value.view().dtype, dtype());
  EXPECT_EQ(parameter.value.view().ndim, 2);
  EXPECT_EQ(parameter.value.view().shape[1], 50);
  const Reals values = reals_of(parameter.value);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*low, -0.25);
  EXPECT_LE(*high, 0.25);
  EXPECT_LT(*low, -0.24);
  EXPECT_GT(*high, 0.24);
  double mean = 0, square = 0;
  for (const double value : values) {
    mean += value / 2000;
    square += value * value / 2000;
  }
  EXPECT_NEAR(mean, 0, 0.015);                  // deviation of the mean: 0.0032
  EXPECT_NEAR(square, 0.25 * 0.25 / 3, 0.002);  // of the mean square: 0.0004
  EXPECT_GT(std::set<double>(values.begin(), values.end()).size(), 1990U);
  EXPECT_EQ(reals_of(parameter.gradient), Reals(2000, 0));
}

TEST_P(NnSessionTest, BoundsOfTheLayers) {
  Session session(context(), dtype(), 5);
  const auto largest = [](const Parameter& parameter) {
    double result = 0;
    for (const double value : reals_of(parameter.value)) result = std::max(result, std::abs(value));
    return result;
  };
  const auto expect_bound = [&](const Parameter& parameter, double bound) {
    EXPECT_LE(largest(parameter), bound * (1 + 1e-7)) << parameter.name;
    EXPECT_GT(largest(parameter), bound * 0.97) << parameter.name;
  };
  expect_bound(nn::glorot(session, "g", {30, 20}, 20, 30), std::sqrt(6.0 / 50));
  nn::ParameterList list;
  nn::Linear linear(session, "linear", 16, 400);
  nn::GCNConv gcn(session, "gcn", 30, 20);
  nn::GATConv gat(session, "gat", 10, {.heads = 4, .channels = 50, .edge_features = 60});
  linear.collect(list);
  gcn.collect(list);
  gat.collect(list);
  expect_bound(nn::find(list, "linear.weight"), 0.25);
  expect_bound(nn::find(list, "linear.bias"), 0.25);
  expect_bound(nn::find(list, "gcn.weight"), std::sqrt(6.0 / 50));
  expect_bound(nn::find(list, "gat.weight"), std::sqrt(6.0 / 210));
  expect_bound(nn::find(list, "gat.att_src"), std::sqrt(6.0 / 51));
  expect_bound(nn::find(list, "gat.att_dst"), std::sqrt(6.0 / 51));
  expect_bound(nn::find(list, "gat.att_edge"), std::sqrt(6.0 / 61));
  EXPECT_EQ(largest(nn::find(list, "gcn.bias")), 0);
  EXPECT_EQ(largest(nn::find(list, "gat.bias")), 0);
}

TEST_P(NnSessionTest, ZerosAndOnes) {
  Session session(context(), dtype(), 5);
  const std::mt19937_64 before = session.generator();
  EXPECT_EQ(reals_of(nn::zeros(session, "z", {2, 3}).value), Reals(6, 0));
  EXPECT_EQ(reals_of(nn::ones(session, "o", {4}).value), Reals(4, 1));
  EXPECT_EQ(session.generator(), before) << "constants need no random numbers";
}

TEST_P(NnSessionTest, DropoutSeedsGoOnFromASavedState) {
  Session session(context(), dtype(), 5), other(context(), dtype(), 6);
  std::set<std::uint64_t> seeds{other.next_dropout_seed()};
  for (int k = 0; k < 100; ++k) seeds.insert(session.next_dropout_seed());
  EXPECT_EQ(seeds.size(), 101U);
  other.set_dropout_state(session.dropout_state());
  EXPECT_EQ(other.next_dropout_seed(), session.next_dropout_seed());
}

TEST_P(NnSessionTest, StepsRepeatTheirSeedsAndCountOnTheDevice) {
  Session session(context(), dtype(), 5);
  const auto step = [&] {
    return std::vector<std::uint64_t>{session.next_dropout_seed(), session.next_dropout_seed()};
  };
  const auto seeds = step();
  std::set<std::uint64_t> in_force{session.dropout_state()};
  EXPECT_EQ(session.dropout_state(), seeds[1]);
  for (std::int64_t ended = 1; ended < 5; ++ended) {
    session.end_step();
    EXPECT_EQ(step(), seeds);
    EXPECT_EQ(session.dropout_state(), dropout_seed(seeds[1], ended));
    in_force.insert(session.dropout_state());
  }
  EXPECT_EQ(in_force.size(), 5U);
}

TEST_P(NnSessionTest, StepsWithoutMasksAreNotCounted) {
  Session session(context(), dtype(), 5);
  const std::uint64_t before = session.dropout_state();
  session.end_step();
  EXPECT_EQ(session.dropout_state(), before);
}

TEST_P(NnSessionTest, ARestoredSessionEndsTheSameSteps) {
  Session session(context(), dtype(), 5), other(context(), dtype(), 6);
  const auto in_force = [](Session& from) {
    std::vector<std::uint64_t> seeds;
    for (int step = 0; step < 3; ++step) {
      for (int mask = 0; mask < 2; ++mask) {
        from.next_dropout_seed();
        seeds.push_back(from.dropout_state());
      }
      from.end_step();
    }
    return seeds;
  };
  in_force(session);
  in_force(other);
  other.set_dropout_state(session.dropout_state());
  EXPECT_EQ(in_force(other), in_force(session));
}

TEST_P(NnSessionTest, FindsParametersByName) {
  Session session(context(), dtype(), 3);
  nn::Linear head(session, "head", 2, 3), twin(session, "head", 2, 3, {.bias = false});
  nn::GATConv gat(session, "gat", 3, {.heads = 2});
  nn::ParameterList list;
  expect_error(ErrorCode::invalid_argument, {"name: ", "\"head.bias\"", "empty"}, [&] { nn::find(list, "head.bias"); });
  head.collect(list);
  gat.collect(list);
  EXPECT_EQ(&nn::find(list, "head.weight"), &head.weight());
  EXPECT_EQ(nn::find(list, "gat.att_dst").name, "gat.att_dst");
  expect_error(ErrorCode::invalid_argument, {"name: ", "\"gat.wieght\"", "nearest are gat.weight, "},
               [&] { nn::find(list, "gat.wieght"); });
  expect_error(ErrorCode::invalid_argument, {"name: ", "\"gat.att\"", "nearest are gat.att_dst, gat.att_src, gat.bias"},
               [&] { nn::find(list, "gat.att"); });
  expect_error(ErrorCode::invalid_argument, {"name: ", "\"\"", "head.bias"}, [&] { nn::find(list, ""); });
  twin.collect(list);
  expect_error(ErrorCode::invalid_argument, {"name: ", "\"head.weight\"", "several"},
               [&] { nn::find(list, "head.weight"); });
}

TEST_P(NnSessionTest, RefusesWrongArguments) {
  constexpr auto kInvalid = ErrorCode::invalid_argument;
  expect_error(kInvalid, {"dtype", "int32"}, [&] { Session(context(), Dtype::int32, 1); });
  Session session(context(), dtype(), 5);
  expect_error(kInvalid, {"shape", "-3"}, [&] { nn::zeros(session, "z", {2, -3}); });
  expect_error(kInvalid, {"shape", "-1"}, [&] { nn::uniform(session, "u", {-1}, 1); });
  expect_error(kInvalid, {"shape", "4"}, [&] { nn::ones(session, "o", {1, 1, 1, 1}); });
}

}  // namespace
}  // namespace warpgnn::test
