// SPDX-License-Identifier: MIT
// What a step of `make demo` asks of a GPU: how much it launches, allocates and waits for, and that it is replayed.

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "graphs/training.hpp"
#include "graphs/tu_reader.hpp"
#include "simt/simt.hpp"

namespace train::graphs {
namespace {

constexpr std::size_t kMostWork = 32;  // launches, products and copies

/// MUTAG with half of its graphs to train on, so that sizes of batches come again soon.
class TrainingStepTest : public ::testing::Test {
 protected:
  ~TrainingStepTest() override { simt::options().log_work = false; }

  static Split split() {
    Split split;
    split.train.resize(96);
    split.test.resize(20);
    std::iota(split.train.begin(), split.train.end(), 0);
    std::iota(split.test.begin(), split.test.end(), 96);
    return split;
  }

  TrainingStepTest() { settle(settings_); }

  DeviceData on(const warpgnn::Context& context) const {
    return {context, training_.dtype, dataset_, make_features(dataset_), needs_of(settings_.encoder())};
  }

  Settings settings_;
  TrainingSettings training_;
  warpgnn::Context context_ = warpgnn::Context::cuda();
  Dataset dataset_ = read_tu(MUTAG_FOLDER, "MUTAG");
};

TEST_F(TrainingStepTest, OfTheDemoNeitherAllocatesNorWaits) {
  const DeviceData data = on(context_);
  GraphTraining training(data, dataset_, settings_, training_, split(), 0);
  simt::options().log_work = true;
  std::vector<simt::WorkLog> steps;
  for (int epoch = 0; epoch < 8; ++epoch) {
    training.begin_epoch(epoch);
    steps.clear();
    for (std::int64_t step = 0; step < training.steps(); ++step) {
      simt::take_work_log();
      training.step(step);
      steps.push_back(simt::take_work_log());
    }
    training.scores(true);
  }
  ASSERT_EQ(steps.size(), 3u);
  for (const simt::WorkLog& step : steps) {
    EXPECT_EQ(step.allocations, 0u);
    EXPECT_EQ(step.waits, 0u);
    EXPECT_LE(step.work.size(), kMostWork) << ::testing::PrintToString(step.work);
  }
}

/// Padded and replayed it computes what the CPU does with the graphs alone.
TEST_F(TrainingStepTest, TrainsAsOnTheCpu) {
  training_.dtype = warpgnn::Dtype::float64;
  settings_.batch_size = 20;  // the last batch of an epoch is smaller
  const auto losses = [&](const warpgnn::Context& context) {
    const DeviceData data = on(context);
    GraphTraining training(data, dataset_, settings_, training_, split(), 0);
    std::vector<double> loss;
    for (int epoch = 0; epoch < 6; ++epoch) {
      training.begin_epoch(epoch);
      for (std::int64_t step = 0; step < training.steps(); ++step) training.step(step);
      const Scores scores = training.scores(true);
      loss.insert(loss.end(), {scores.train.loss, scores.train.metrics[0], scores.test->loss, scores.test->metrics[0]});
    }
    return loss;
  };
  const std::vector<double> want = losses(warpgnn::Context::cpu(1)), got = losses(context_);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t k = 0; k < want.size(); ++k) EXPECT_NEAR(got[k], want[k], 1e-9 * std::abs(want[k]) + 1e-12) << k;
}

}  // namespace
}  // namespace train::graphs
