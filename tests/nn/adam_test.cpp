// SPDX-License-Identifier: MIT
// Adam over the parameters of a model.

#include "warpgnn/nn/adam.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <limits>

#include "tests/oracle/dense.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/nn_files.hpp"
#include "tests/support/nn_subject.hpp"

namespace warpgnn::test {
namespace {

using nn::Adam;
using nn::AdamOptions;
using nn::Parameter;
using nn::ParameterList;
using nn::Session;
using oracle::Reals;

constexpr std::size_t kCount = 41;
constexpr double kFactor = 200;

/// More parameters than one launch takes at once, of different shapes, every seventh of them a buffer.
struct Parameters {
  std::deque<Parameter> owned;
  ParameterList list;

  Parameters(Session& session, std::uint64_t seed) {
    Rng rng(seed);
    for (std::size_t k = 0; k < kCount; ++k) {
      const std::int64_t rows = 1 + static_cast<std::int64_t>(k) % 5;
      const std::int64_t columns = k == 20 ? 700 : 1 + static_cast<std::int64_t>(k * k) % 17;
      owned.push_back(nn::zeros(session, "p" + std::to_string(k), {rows, columns}));
      owned.back().trainable = k % 7 != 3;
      assign(owned.back().value, rng.reals(static_cast<std::size_t>(rows * columns)));
      list.push_back(&owned.back());
    }
  }
  void set_gradients(std::uint64_t seed) {
    Rng rng(seed);
    for (Parameter* each : list) {
      const auto count = static_cast<std::size_t>(each->gradient.view().count());
      assign(each->gradient, rng.reals(count, -0.1, 0.1));
    }
  }
};

class NnAdamTest : public OpTest {
 protected:
  Session session() const { return {context(), dtype(), 1}; }

  void expect_follows(const AdamOptions& options, int steps, bool change_rate = false) const {
    Session mine = session();
    Parameters parameters(mine, 4);
    std::vector<oracle::AdamState> states;
    for (const Parameter* each : parameters.list) {
      const Reals values = reals_of(each->value);
      states.push_back({values, Reals(values.size(), 0), Reals(values.size(), 0), 0});
    }
    oracle::Adam twin{options.learning_rate, options.beta1,        options.beta2,
                      options.epsilon,       options.weight_decay, options.decoupled};
    Adam adam(mine, parameters.list, options);
    for (int step = 0; step < steps; ++step) {
      parameters.set_gradients(static_cast<std::uint64_t>(step));
      if (change_rate && step == 2) {
        twin.learning_rate = 0.3;
        adam.set_learning_rate(0.3);
      }
      adam.step();
      for (std::size_t k = 0; k < kCount; ++k) {
        if (parameters.list[k]->trainable) {
          oracle::adam_step(twin, reals_of(parameters.list[k]->gradient), states[k]);
        }
        expect_values(reals_of(parameters.list[k]->value), states[k].value, dtype(),
                      parameters.list[k]->trainable ? kFactor : 0, "p" + std::to_string(k));
      }
    }
    const auto saved = adam.state();
    std::size_t at = 1;
    for (std::size_t k = 0; k < kCount; ++k) {
      if (!parameters.list[k]->trainable) continue;
      ASSERT_LT(at + 1, saved.size());
      EXPECT_EQ(saved[at].name, "adam.first_moment.p" + std::to_string(k));
      expect_values(reals_of(*saved[at++].tensor), states[k].first_moment, dtype(), kFactor, "first moment");
      EXPECT_EQ(saved[at].name, "adam.second_moment.p" + std::to_string(k));
      expect_values(reals_of(*saved[at++].tensor), states[k].second_moment, dtype(), kFactor, "second moment");
    }
    EXPECT_EQ(at, saved.size());
    EXPECT_EQ(saved[0].name, "adam.step");
    EXPECT_EQ(saved[0].tensor->to_host<std::int64_t>(), std::vector<std::int64_t>{steps});
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(NnAdamTest);

TEST_P(NnAdamTest, FollowsTheFormula) {
  expect_follows({.learning_rate = 0.01}, 6);
}

TEST_P(NnAdamTest, FollowsTheFormulaWithEveryOption) {
  expect_follows({.learning_rate = 0.05, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.1}, 5, true);
}

TEST_P(NnAdamTest, DecoupledDecayShrinksTheValues) {
  expect_follows({.learning_rate = 0.05, .weight_decay = 0.1, .decoupled = true}, 5, true);
}

TEST_P(NnAdamTest, GroupsOfParametersEndOneStep) {
  Session mine = session(), other = session();
  Parameters apart(mine, 9), together(other, 9);
  apart.set_gradients(3);
  together.set_gradients(3);
  const auto half = apart.list.begin() + kCount / 2;
  Adam first(mine, {apart.list.begin(), half}, {}), second(mine, {half, apart.list.end()}, {});
  Adam all(other, together.list, {});
  first.update();
  EXPECT_EQ(mine.step(), 0u);
  second.step();
  all.step();
  EXPECT_EQ(mine.step(), 1u);
  for (std::size_t k = 0; k < kCount; ++k) {
    EXPECT_EQ(reals_of(apart.list[k]->value), reals_of(together.list[k]->value)) << k;
  }
}

TEST_P(NnAdamTest, FirstStepMovesByTheLearningRate) {
  Session mine = session();
  Parameter parameter = nn::zeros(mine, "p", {3});
  assign(parameter.gradient, {2, -0.5, 1e-3});
  const ParameterList list{&parameter};
  Adam adam(mine, list, {.learning_rate = 0.125});
  adam.step();
  const Reals values = reals_of(parameter.value);
  EXPECT_NEAR(values[0], -0.125, 1e-6);
  EXPECT_NEAR(values[1], 0.125, 1e-6);
  EXPECT_NEAR(values[2], -0.125, 1e-5);  // epsilon is 1e-5 of this gradient
}

TEST_P(NnAdamTest, GradientsAreOnlyRead) {
  Session mine = session();
  Parameters parameters(mine, 4);
  parameters.set_gradients(9);
  const Reals before = reals_of(parameters.list[20]->gradient);
  Adam adam(mine, parameters.list, {.weight_decay = 0.5});
  adam.step();
  EXPECT_EQ(reals_of(parameters.list[20]->gradient), before);
}

TEST_P(NnAdamTest, RestoredStateGoesOnBitIdentically) {
  const AdamOptions options{.learning_rate = 0.02, .weight_decay = 0.01};
  const TestFolder folder;
  const auto steps = [](Adam& adam, Parameters& parameters, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t step = from; step < to; ++step) {
      parameters.set_gradients(step);
      adam.step();
    }
  };
  Session first_session = session();
  Parameters first(first_session, 4);
  Adam adam(first_session, first.list, options);
  steps(adam, first, 0, 3);
  const auto values = nn::named_values(first.list);
  nn::save_safetensors(folder / "values", values);
  nn::save_safetensors(folder / "adam", adam.state());
  steps(adam, first, 3, 7);

  Session second_session = session();
  Parameters second(second_session, 5);
  Adam restored(second_session, second.list, options);
  nn::load_safetensors(folder / "values", nn::named_values(second.list));
  nn::load_safetensors(folder / "adam", restored.state());
  steps(restored, second, 3, 7);
  for (std::size_t k = 0; k < kCount; ++k) {
    EXPECT_EQ(reals_of(second.list[k]->value), reals_of(first.list[k]->value)) << k;
  }
  const auto end = adam.state(), restored_end = restored.state();
  ASSERT_EQ(end.size(), restored_end.size());
  for (std::size_t k = 1; k < end.size(); ++k) {
    EXPECT_EQ(reals_of(*restored_end[k].tensor), reals_of(*end[k].tensor)) << end[k].name;
  }
}

TEST_P(NnAdamTest, TakesNoParametersAtAll) {
  Session mine = session();
  Adam adam(mine, {}, {});
  adam.step();
  EXPECT_EQ(adam.state().size(), 1U);
}

TEST_P(NnAdamTest, RefusesWrongOptions) {
  Session mine = session();
  Parameter parameter = nn::zeros(mine, "p", {3});
  const ParameterList list{&parameter};
  const auto step = [&](const AdamOptions& options) { Adam(mine, list, options).step(); };
  expect_error(ErrorCode::invalid_argument, {"beta1", "1"}, [&] { step({.beta1 = 1}); });
  expect_error(ErrorCode::invalid_argument, {"beta2", "-0.5"}, [&] { step({.beta2 = -0.5}); });
  expect_error(ErrorCode::invalid_argument, {"epsilon", "-1"}, [&] { step({.epsilon = -1}); });
  expect_error(ErrorCode::invalid_argument, {"learning_rate"},
               [&] { step({.learning_rate = std::numeric_limits<double>::infinity()}); });
}

}  // namespace
}  // namespace warpgnn::test
