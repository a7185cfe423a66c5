// SPDX-License-Identifier: MIT
// Every task of the trainer on the device: two steps in float64 end where those on the CPU do.

#include <gtest/gtest.h>

#include <cmath>

#include "tests/train/small_tasks.hpp"

namespace train {
namespace {

struct TaskCase {
  const test::SmallTask& (*task)();
  const char* model;
};

class TaskOnTheDevice : public testing::TestWithParam<TaskCase> {
 protected:
  /// Train, validation and test losses and metrics, then what is seen.
  static std::pair<std::vector<double>, nlohmann::json> run(const warpgnn::Context& context) {
    const test::SmallTask& small = GetParam().task();
    const std::unique_ptr<Task> task = small.make();
    test::parse(*task, test::operator+(small.words, {"--model", GetParam().model, "--dtype", "float64"}));
    small.use_data(*task, small.seed);
    task->move_to(context);
    const std::unique_ptr<Training> training = task->begin(0, 0);
    training->begin_epoch(0);
    for (std::int64_t step = 0; step < std::min<std::int64_t>(2, training->steps()); ++step) training->step(step);
    const Scores scores = training->scores(true);
    std::vector<double> numbers{scores.train.loss};
    for (const auto& score : {scores.valid, scores.test}) {
      if (!score) continue;
      numbers.push_back(score->loss);
      numbers.insert(numbers.end(), score->metrics.begin(), score->metrics.end());
    }
    std::map<std::string, double> findings;
    return {numbers, task->look(*training, 2, findings)};
  }
};

TEST_P(TaskOnTheDevice, LearnsAsOnTheCpu) {
  const auto [want, seen] = run(warpgnn::Context::cpu(1));
  const auto [got, seen_there] = run(warpgnn::Context::cuda());
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t k = 0; k < want.size(); ++k) EXPECT_NEAR(got[k], want[k], 1e-8 * (1 + std::abs(want[k]))) << k;
  EXPECT_EQ(seen_there.size(), seen.size());
}

INSTANTIATE_TEST_SUITE_P(All, TaskOnTheDevice,
                         testing::Values(TaskCase{test::graphs_task, "gat"}, TaskCase{test::nodes_task, "gcn"},
                                         TaskCase{test::links_task, "gcn"}, TaskCase{test::relations_task, "embedding"},
                                         TaskCase{test::relations_task, "gatv2"}, TaskCase{test::series_task, "gat"}),
                         [](const testing::TestParamInfo<TaskCase>& each) {
                           return std::string(each.param.task().name) + "_" + each.param.model;
                         });

}  // namespace
}  // namespace train
