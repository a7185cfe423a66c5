// SPDX-License-Identifier: MIT
// best_by_validation.py, which reads logs.

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "core/epoch_log.hpp"
#include "draw/child_process.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train {
namespace {

class BestByValidation : public testing::Test {
 protected:
  /// A log of one fold after another, each with the epochs' (validation accuracy, validation loss, test accuracy).
  std::string log(const std::string& name, const std::vector<std::vector<std::array<double, 3>>>& folds) {
    std::string path = (folder.path() / name).string();
    EpochLog written(path);
    const RunRules rules{.repeats = 1,
                         .folds = 2,
                         .epochs = {.most = 9, .has_valid = true, .metrics = {{.key = "accuracy", .name = "accuracy"}}},
                         .findings = {}};
    RunResult run;
    for (const auto& epochs : folds) {
      run.epochs.clear();
      for (const auto& [accuracy, loss, test] : epochs) {
        run.epochs.push_back({.train = {}, .valid = Score{loss, {accuracy}}, .test = Score{0, {test}}});
        written.write(log_line(rules, run, run.epochs.size() - 1));
      }
      ++run.fold;
    }
    return path;
  }

  ChildOutput run(const std::vector<std::string>& logs) {
    std::vector<std::string> arguments{EXAMPLES_FOLDER "/train/best_by_validation.py"};
    arguments.insert(arguments.end(), logs.begin(), logs.end());
    return run_program("python3", arguments, "/dev/null");
  }

  TemporaryFolder folder;
};

TEST_F(BestByValidation, TakesInEachFoldWhatValidationSays) {
  // The higher test accuracies stand where validation is worse; the tie of the second fold is decided by the loss.
  const std::string a = log("a", {{{0.5, 1, 0.9}, {0.8, 1, 0.6}}, {{0.7, 0.5, 0.9}, {0.7, 0.4, 0.5}}});
  const std::string b = log("b", {{{0.7, 1, 0.9}}, {{0.7, 0.3, 0.8}, {0.6, 0.1, 1}}});
  const ChildOutput both = run({a, b});
  if (!both.found) GTEST_SKIP() << "no python3";
  EXPECT_TRUE(both.succeeded);
  EXPECT_EQ(both.standard_output.substr(0, both.standard_output.find('\n')), "70.0 +- 14.1 %");
  EXPECT_EQ(run({a}).standard_output.substr(0, 14), "55.0 +- 7.1 %\n");
}

TEST_F(BestByValidation, RefusesLogsOfOtherFolds) {
  const std::string a = log("a", {{{0.5, 1, 0.9}}}), b = log("b", {{{0.5, 1, 0.9}}, {{0.5, 1, 0.9}}});
  const ChildOutput mixed = run({a, b});
  if (!mixed.found) GTEST_SKIP() << "no python3";
  EXPECT_FALSE(mixed.succeeded);
}

}  // namespace
}  // namespace train
