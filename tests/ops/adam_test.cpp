// SPDX-License-Identifier: MIT
#include "warpgnn/ops/adam.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/dense.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/refusals.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

class AdamTest : public OpTest {
 protected:
  void follows_the_oracle(bool decoupled) const;

  TestTensor inout(const Shape& shape, const Reals& values) const {
    return TestTensor::inout(context(), dtype(), shape, values, Place::misaligned);
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(AdamTest);

TEST_P(AdamTest, SeveralSlotsOverSeveralSteps) {
  for (const bool decoupled : {false, true}) follows_the_oracle(decoupled);
}

void AdamTest::follows_the_oracle(bool decoupled) const {
  SCOPED_TRACE(decoupled ? "decoupled" : "L2");
  Rng rng;
  const oracle::Adam settings{0.05, 0.9, 0.99, 1e-6, 0.1, decoupled};
  const Shape shapes[] = {{1}, {1500}, {13, 7}, {3, 4, 5}, {0}};
  std::vector<oracle::AdamState> states;
  std::vector<std::array<TestTensor, 3>> tensors;
  for (const Shape& shape : shapes) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    states.push_back({rng.reals(count), Reals(count, 0.0), Reals(count, 0.0), 0});
    tensors.push_back(
        {inout(shape, states.back().value), inout(shape, Reals(count, 0.0)), inout(shape, Reals(count, 0.0))});
  }
  Tensor step(context(), Dtype::int64, {1});
  step.fill_zero();
  for (int t = 1; t <= 5; ++t) {
    std::vector<TestTensor> gradients;
    std::vector<AdamSlot> slots;
    for (std::size_t s = 0; s < states.size(); ++s) {
      const Reals gradient = rng.reals(states[s].value.size());
      gradients.push_back(TestTensor::input(context(), dtype(), shapes[s], gradient));
      slots.push_back({tensors[s][0], gradients.back(), tensors[s][1], tensors[s][2]});
      oracle::adam_step(settings, gradient, states[s]);
    }
    run(context(), adam_step,
        AdamStep{settings.learning_rate, settings.beta1, settings.beta2, settings.epsilon, settings.weight_decay,
                 decoupled, slots, step});
    EXPECT_EQ(step.to_host<std::int64_t>()[0], t);
  }
  for (std::size_t s = 0; s < states.size(); ++s) {
    SCOPED_TRACE("slot " + std::to_string(s));
    expect_relative(tensors[s][0], states[s].value, 32, "value", 1.0);
    expect_relative(tensors[s][1], states[s].first_moment, 32, "first_moment", 1.0);
    expect_relative(tensors[s][2], states[s].second_moment, 32, "second_moment", 1.0);
  }
}

// 1 - 0.999 in float32 is off by 5e-5 of itself, and at the first steps nothing hides it.
TEST_P(AdamTest, FirstStepWithTheUsualSettings) {
  oracle::AdamState state{{1, -2, 3}, {0, 0, 0}, {0, 0, 0}, 0};
  const auto value = inout({3}, state.value), first = inout({3}, state.first_moment),
             second = inout({3}, state.second_moment);
  const Reals gradients{0.5, 1.25, -3};
  const auto gradient = TestTensor::input(context(), dtype(), {3}, gradients);
  Tensor step(context(), Dtype::int64, {1});
  step.fill_zero();
  const AdamSlot slot{value, gradient, first, second};
  run(context(), adam_step, AdamStep{.slots = {&slot, 1}, .step = step});
  oracle::adam_step({}, gradients, state);
  expect_relative(value, state.value, 2, "value");
  expect_relative(first, state.first_moment, 4, "first_moment");
  expect_relative(second, state.second_moment, 4, "second_moment");
}

TEST_P(AdamTest, ContinuesFromALateStep) {
  const oracle::Adam settings;
  oracle::AdamState state{{1, -2}, {0.5, 0.25}, {0.125, 0.5}, 1000};
  const auto value = inout({2}, state.value), first = inout({2}, state.first_moment),
             second = inout({2}, state.second_moment);
  const auto gradient = TestTensor::input(context(), dtype(), {2}, {1, -1});
  const auto step = Tensor::from<std::int64_t>(context(), std::vector<std::int64_t>{1000}, {1});
  const AdamSlot slot{value, gradient, first, second};
  run(context(), adam_step, AdamStep{1e-3, 0.9, 0.999, 1e-8, 0, false, {&slot, 1}, step});
  oracle::adam_step(settings, {1, -1}, state);
  EXPECT_EQ(step.to_host<std::int64_t>()[0], 1001);
  expect_relative(value, state.value, 2, "value");
  expect_relative(first, state.first_moment, 4, "first_moment");
  expect_relative(second, state.second_moment, 4, "second_moment");
}

/// Moments of a parameter without gradient would decay among them for ever.
TEST_P(AdamTest, SubnormalMomentsBecomeZero) {
  const double smallest = dtype() == Dtype::float32 ? 0x1p-126 : 0x1p-1022;
  const auto value = inout({2}, {1, 1}), first = inout({2}, {smallest, -4 * smallest}),
             second = inout({2}, {smallest, 4 * smallest});
  const auto gradient = TestTensor::input(context(), dtype(), {2}, {0, 0});
  Tensor step(context(), Dtype::int64, {1});
  step.fill_zero();
  const AdamSlot slot{value, gradient, first, second};
  run(context(), adam_step, AdamStep{0, 0.5, 0.5, 1, 0, false, {&slot, 1}, step});
  expect_exact(first, {0, -2 * smallest}, "first_moment");
  expect_exact(second, {0, 2 * smallest}, "second_moment");
}

TEST_P(AdamTest, WithoutSlotsNothingHappens) {
  Tensor step(context(), Dtype::int64, {1});
  step.fill_zero();
  run(context(), adam_step, AdamStep{.slots = {}, .step = step});
  EXPECT_EQ(step.to_host<std::int64_t>()[0], 0);
}

TEST_P(AdamTest, MoreSlotsThanAnyFixedBatch) {
  constexpr std::size_t kSlots = 300;
  std::vector<TestTensor> values, gradients, firsts, seconds;
  std::vector<AdamSlot> slots;
  for (std::size_t s = 0; s < kSlots; ++s) {
    values.push_back(inout({3}, {1, 1, 1}));
    gradients.push_back(TestTensor::input(context(), dtype(), {3}, Reals(3, static_cast<double>(s % 2) * 2 - 1)));
    firsts.push_back(inout({3}, {0, 0, 0}));
    seconds.push_back(inout({3}, {0, 0, 0}));
    slots.push_back({values[s], gradients[s], firsts[s], seconds[s]});
  }
  Tensor step(context(), Dtype::int64, {1});
  step.fill_zero();
  run(context(), adam_step, AdamStep{0.25, 0.5, 0.75, 0, 0, false, slots, step});
  for (std::size_t s = 0; s < kSlots; ++s) {
    expect_exact(values[s], Reals(3, s % 2 == 0 ? 1.25 : 0.75), "value of slot " + std::to_string(s));
  }
  EXPECT_EQ(step.to_host<std::int64_t>()[0], 1);
}

}  // namespace
}  // namespace warpgnn::test
