// SPDX-License-Identifier: MIT
// The loss and the optimiser.

#include "warpgnn/ops/loss.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/dense.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/refusals.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/ops/adam.hpp"

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
        CrossEntropy{.label_smoothing = options.smoothing,
                     .ignore_index = static_cast<std::int32_t>(options.ignored),
                     .logits = input,
                     .label = truth,
                     .class_weight = weight},
        CrossEntropyResult{.loss = out.loss, .probability = out.probability, .total_weight = out.total_weight});
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
        CrossEntropy{.label_smoothing = options.smoothing,
                     .ignore_index = static_cast<std::int32_t>(options.ignored),
                     .label = truth,
                     .class_weight = weight},
        CrossEntropyResult{.probability = input, .total_weight = total_weight},
        CrossEntropyGradients{.dlogits = dlogits});
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
      run(context(), cross_entropy_forward, CrossEntropy{.logits = input, .label = truth},
          CrossEntropyResult{.loss = loss, .probability = probability, .total_weight = weight});
    };
    const auto run_backward = [&] {
      run(context(), cross_entropy_backward, CrossEntropy{.label = truth},
          CrossEntropyResult{.probability = input, .total_weight = total_weight},
          CrossEntropyGradients{.dlogits = dlogits});
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

}  // namespace
}  // namespace warpgnn::test
