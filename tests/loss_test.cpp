// The loss and the optimiser.

#include <gtest/gtest.h>

#include <limits>

#include "oracle/dense.hpp"
#include "support/backends.hpp"
#include "support/compare.hpp"
#include "support/refusals.hpp"
#include "support/seeds.hpp"
#include "warpgnn/dense.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

class CrossEntropyTest : public OpTest {
 protected:
  struct Forward {
    TestTensor loss, probability, total_weight;
  };
  using Options = oracle::ClassOptions;

  static Shape shape(const Ids& label, std::int64_t classes) {
    return {static_cast<std::int64_t>(label.size()), classes};
  }
  TestTensor labels(const Ids& label, Place place) const {
    return TestTensor::input_ids(context(), Dtype::int32, {static_cast<std::int64_t>(label.size())}, label, place);
  }
  TestTensor class_weight(const Options& options) const {
    if (options.weight.empty()) return {};
    return TestTensor::input(context(), dtype(), {static_cast<std::int64_t>(options.weight.size())}, options.weight);
  }

  Forward forward(const Reals& logits, const Ids& label, std::int64_t classes, Place place = Place::contiguous,
                  const Options& options = {}) const {
    const auto input = TestTensor::input(context(), dtype(), shape(label, classes), logits, place);
    const auto truth = labels(label, place);
    const auto weight = class_weight(options);
    Forward out{TestTensor::output(context(), dtype(), {1}),
                TestTensor::output(context(), dtype(), shape(label, classes), place),
                TestTensor::output(context(), dtype(), {1})};
    run(context(), cross_entropy_forward,
        CrossEntropyForward{.label_smoothing = options.smoothing,
                            .ignore_index = static_cast<std::int32_t>(options.ignored),
                            .logits = input,
                            .label = truth,
                            .class_weight = weight,
                            .loss = out.loss,
                            .probability = out.probability,
                            .total_weight = out.total_weight});
    return out;
  }

  /// From what the oracle's forward saves.
  TestTensor backward(const Reals& logits, const Ids& label, std::int64_t classes, Place place = Place::contiguous,
                      const Options& options = {}) const {
    const auto saved = oracle::cross_entropy(logits, label, static_cast<std::size_t>(classes), options);
    const auto input = TestTensor::input(context(), dtype(), shape(label, classes), saved.probability, place);
    const auto total_weight = TestTensor::input(context(), dtype(), {1}, {saved.total_weight});
    const auto truth = labels(label, place);
    const auto weight = class_weight(options);
    auto dlogits = TestTensor::output(context(), dtype(), shape(label, classes), place);
    run(context(), cross_entropy_backward,
        CrossEntropyBackward{.label_smoothing = options.smoothing,
                             .ignore_index = static_cast<std::int32_t>(options.ignored),
                             .probability = input,
                             .label = truth,
                             .class_weight = weight,
                             .total_weight = total_weight,
                             .dlogits = dlogits});
    return dlogits;
  }

  void check(const Reals& logits, const Ids& label, std::int64_t classes, Place place, const Options& options) const {
    const auto count = static_cast<std::size_t>(classes);
    const auto want = oracle::cross_entropy(logits, label, count, options);
    const Forward got = forward(logits, label, classes, place, options);
    expect_relative(got.loss, {want.loss}, 16, "loss", classes == 1 ? 1.0 : 0.1);
    expect_relative(got.probability, want.probability, 16, "probability");
    expect_relative(got.total_weight, {want.total_weight}, 4, "total_weight");
    expect_relative(backward(logits, label, classes, place, options),
                    oracle::cross_entropy_backward(logits, label, count, options), 16, "dlogits",
                    1.0 / static_cast<double>(label.size()));
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(CrossEntropyTest);

class CrossEntropyDifferencesTest : public CrossEntropyTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(CrossEntropyDifferencesTest);

Ids random_labels(Rng& rng, std::size_t rows, std::int64_t classes) {
  Ids label(rows);
  for (std::int64_t& l : label) l = rng.below(classes);
  return label;
}

TEST_P(CrossEntropyTest, EverySizeAndLayout) {
  Rng rng;
  for (const std::size_t rows : {1u, 2u, 33u, 1000u}) {
    for (const std::int64_t classes : {1, 2, 3, 7, 33, 128}) {
      for (const Place place : kPlaces) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(classes) + " " + name_of(place));
        const Reals logits = rng.reals(rows * static_cast<std::size_t>(classes), -3, 3);
        check(logits, random_labels(rng, rows, classes), classes, place, {});
      }
    }
  }
}

TEST_P(CrossEntropyTest, IgnoredRowsClassWeightsAndSmoothing) {
  Rng rng;
  std::size_t turn = 0;
  for (const std::int64_t classes : {2, 5, 33}) {
    const auto count = static_cast<std::size_t>(classes);
    for (const double smoothing : {0.0, 0.1, 1.0}) {
      for (const std::int64_t ignored : {-100, -1, 1}) {  // the last is a class
        SCOPED_TRACE(std::to_string(classes) + " classes, smoothing " + std::to_string(smoothing) + ", ignored " +
                     std::to_string(ignored));
        Options options{smoothing, ignored};
        if (turn % 2 == 0) options.weight = rng.reals(count, 0.25, 2);
        Ids label = random_labels(rng, 70, classes);
        for (std::size_t n = 0; n < label.size(); n += 3) label[n] = ignored;
        check(rng.reals(70 * count, -3, 3), label, classes, kPlaces[turn++ % 3], options);
      }
    }
  }
}

TEST_P(CrossEntropyTest, NoRowThatCounts) {
  const Ids label(3, -100);
  const Forward got = forward(Reals(6, 0.5), label, 2);
  expect_exact(got.loss, {0}, "loss");
  expect_exact(got.total_weight, {0}, "total_weight");
  expect_exact(got.probability, Reals(6, 0.5), "probability");
  expect_exact(backward(Reals(6, 0.5), label, 2), Reals(6, 0.0), "dlogits");
}

TEST_P(CrossEntropyTest, LargeAndDistantLogits) {
  const double far = dtype() == Dtype::float32 ? 105 : 800;
  const Reals logits{1e4, 1e4 + 0.5, 0, far, -1e4, -1e4};
  const Forward got = forward(logits, {1, 1, 0}, 2);
  const auto want = oracle::cross_entropy(logits, {1, 1, 0}, 2);
  expect_relative(got.loss, {want.loss}, 16, "loss");
  expect_relative(got.probability, want.probability, 16, "probability");
  EXPECT_EQ(got.probability.reals()[2], 0.0);
  expect_relative(forward({0, -1000}, {1}, 2).loss, {1000}, 2, "loss");
}

TEST_P(CrossEntropyTest, NoRows) {
  expect_exact(forward({}, {}, 3).loss, {0}, "loss");
  backward({}, {}, 3);
}

// Where the host sees the labels it says which is wrong; on a device the results do.
TEST_P(CrossEntropyTest, LabelsOutOfRange) {
  for (const std::int64_t wrong : {std::int64_t{-1}, std::int64_t{3}, std::int64_t{1} << 30}) {
    SCOPED_TRACE(wrong);
    const Reals logits(12, 0.5);
    const Ids label{0, wrong, 2, 1};
    const auto input = TestTensor::input(context(), dtype(), {4, 3}, logits);
    const auto truth = labels(label, Place::contiguous);
    const auto total_weight = TestTensor::input(context(), dtype(), {1}, {4});
    const auto loss = TestTensor::output(context(), dtype(), {1}), weight = TestTensor::output(context(), dtype(), {1});
    const auto probability = TestTensor::output(context(), dtype(), {4, 3}),
               dlogits = TestTensor::output(context(), dtype(), {4, 3});
    const auto run_forward = [&] {
      run(context(), cross_entropy_forward,
          CrossEntropyForward{
              .logits = input, .label = truth, .loss = loss, .probability = probability, .total_weight = weight});
    };
    const auto run_backward = [&] {
      run(context(), cross_entropy_backward,
          CrossEntropyBackward{.probability = input, .label = truth, .total_weight = total_weight, .dlogits = dlogits});
    };
    if (!context().is_cuda()) {
      const std::initializer_list<std::string> words{"label:", "[0, 3)", "-100", std::to_string(wrong), "row 1"};
      expect_error(ErrorCode::out_of_range, words, run_forward);
      expect_error(ErrorCode::out_of_range, words, run_backward);
      continue;
    }
    run_forward();
    run_backward();
    EXPECT_TRUE(std::isnan(loss.reals()[0]));
    const Reals gradient = dlogits.reals();
    for (std::size_t k = 0; k < 12; ++k) EXPECT_EQ(std::isnan(gradient[k]), k / 3 == 1) << k;
  }
}

TEST_P(CrossEntropyTest, ManyRows) {
  Rng rng;
  const Reals logits = rng.reals(100000 * 2, -2, 2);
  const Ids label = random_labels(rng, 100000, 2);
  const double factor = hub_factor(dtype());
  expect_relative(forward(logits, label, 2).loss, {oracle::cross_entropy(logits, label, 2).loss}, factor, "loss");
}

TEST_P(CrossEntropyDifferencesTest, GradientAgreesWithDifferences) {
  Rng rng;
  const Reals logits = rng.reals(20, -2, 2);
  const Ids label = random_labels(rng, 5, 4);
  const auto loss = [&](const Reals& l) { return forward(l, label, 4).loss.reals()[0]; };
  expect_gradient(loss, logits, backward(logits, label, 4).reals(), "dlogits");
}

TEST_P(CrossEntropyTest, RerunsAreBitIdentical) {
  Rng rng;
  const Reals logits = rng.reals(7000 * 3, -2, 2);
  const Ids label = random_labels(rng, 7000, 3);
  const Forward first = forward(logits, label, 3), second = forward(logits, label, 3);
  expect_same_bits(second.loss, first.loss, "loss");
  expect_same_bits(second.probability, first.probability, "probability");
}

class AdamTest : public OpTest {
 protected:
  TestTensor inout(const Shape& shape, const Reals& values) const {
    return TestTensor::inout(context(), dtype(), shape, values, Place::misaligned);
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(AdamTest);

TEST_P(AdamTest, SeveralSlotsOverSeveralSteps) {
  Rng rng;
  const oracle::Adam settings{0.05, 0.9, 0.99, 1e-6, 0.1};
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
        AdamStep{settings.learning_rate, settings.beta1, settings.beta2, settings.epsilon, settings.weight_decay, slots,
                 step});
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
  run(context(), adam_step, AdamStep{1e-3, 0.9, 0.999, 1e-8, 0, {&slot, 1}, step});
  oracle::adam_step(settings, {1, -1}, state);
  EXPECT_EQ(step.to_host<std::int64_t>()[0], 1001);
  expect_relative(value, state.value, 2, "value");
  expect_relative(first, state.first_moment, 4, "first_moment");
  expect_relative(second, state.second_moment, 4, "second_moment");
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
  run(context(), adam_step, AdamStep{0.25, 0.5, 0.75, 0, 0, slots, step});
  for (std::size_t s = 0; s < kSlots; ++s) {
    expect_exact(values[s], Reals(3, s % 2 == 0 ? 1.25 : 0.75), "value of slot " + std::to_string(s));
  }
  EXPECT_EQ(step.to_host<std::int64_t>()[0], 1);
}

}  // namespace
}  // namespace warpgnn::test
