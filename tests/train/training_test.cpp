// SPDX-License-Identifier: MIT
// What short trainings of every task and model reach, that an interrupted one goes on to the same result, what ends
// one, and what is written of it.

#include "graphs/training.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "core/errors.hpp"
#include "core/report.hpp"
#include "nodes/training.hpp"
#include "small_tasks.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train {
namespace {

using nlohmann::json;
using test::kForever;
using test::Outcome;
using test::SmallTask;
using test::Words;
using test::operator+;

struct Case {
  const SmallTask& (*task)();
  const char* model;
};

class TrainingOf : public testing::TestWithParam<Case> {
 protected:
  static const SmallTask& small() { return GetParam().task(); }
  static std::string model() { return GetParam().model; }
  static bool attends() { return model() == "gat" || model() == "gatv2" || model() == "transformer"; }
  static bool is(const char* task) { return small().name == std::string(task); }

  Words words(const Words& more = {}) const {
    Words all = small().words + Words{"--model", model(), "--out", folder.path().string()};
    if (is("graphs") && attends()) all = all + Words{"--attention-dropout", "0.2", "--gate", "sigmoid"};
    return all + more;
  }
  std::string at(const char* name) const { return (folder.path() / name).string(); }

  /// What a training comes to that was stopped when it was asked for the `questions`th time, and went on.
  Outcome interrupted(const Words& more, int questions) const {
    const Outcome part = test::train(small(), words(more + Words{"--checkpoint", at("stop.safetensors")}), questions);
    EXPECT_FALSE(part.completed);
    return test::train(small(), {"--resume", at("stop.safetensors"), "--out", folder.path().string()});
  }

  TemporaryFolder folder;
};

TEST_P(TrainingOf, GoesOnToTheSameResultFromWhereverItStopped) {
  const Outcome whole = test::train(small(), words());
  ASSERT_TRUE(whole.completed);
  for (const int questions : is("graphs") ? std::vector{0, 2, 4, 11, 17, 23} : std::vector{0, 1, 3, 4}) {
    const Outcome rest = interrupted({}, questions);
    EXPECT_TRUE(rest.completed);
    EXPECT_EQ(rest.comparable(), whole.comparable()) << "stopped after " << questions << " steps";
  }
}

TEST_P(TrainingOf, GoesOnToTheSameEpochThatCounts) {
  const Words more{"--select", "loss", "--evaluate-every", "2"};
  EXPECT_EQ(interrupted(more, is("graphs") ? 10 : 3).comparable(), test::train(small(), words(more)).comparable());
}

TEST_P(TrainingOf, DependsOnItsSeed) {
  const Words one{"--patience", "0", "--select", "last"};
  const auto losses = [&](const char* seed) {
    return test::train(small(), words(one + Words{"--seed", seed})).comparable().at("runs");
  };
  EXPECT_EQ(losses("3"), losses("3"));
  EXPECT_NE(losses("3"), losses("4"));
}

TEST_P(TrainingOf, StopsWhenValidationGetsNoBetter) {
  const Outcome outcome =
      test::train(small(), words({"--select", "valid", "--patience", "2", "--lr", "0.1", "--epochs", "200"}));
  EXPECT_TRUE(outcome.completed);
  const Metric metric = outcome.task->metrics()[0];
  bool stopped_early = false;
  for (const RunResult& run : outcome.results.runs) {
    const bool is_whole = run.epochs.size() == 200;
    stopped_early |= !is_whole;
    EXPECT_TRUE(is_whole || is_out_of_patience(run.epochs, 2, metric));
    const Epochs before(run.epochs.begin(), run.epochs.end() - 1);
    EXPECT_FALSE(is_out_of_patience(before, 2, metric));
  }
  EXPECT_TRUE(stopped_early);
}

TEST_P(TrainingOf, EvaluatesAsOftenAsItIsTold) {
  const Outcome outcome = test::train(small(), words({"--evaluate-every", "2", "--patience", "0", "--repeats", "1"}));
  for (const RunResult& run : outcome.results.runs) {
    for (std::size_t epoch = 0; epoch < run.epochs.size(); ++epoch) {
      const bool is_due = epoch % 2 == 1 || epoch + 1 == run.epochs.size();
      EXPECT_EQ(run.epochs[epoch].test.has_value(), is_due) << epoch;
    }
  }
}

TEST_P(TrainingOf, WhatIsNotFiniteEndsIt) {
  const std::string checkpoint = at("run.safetensors");
  const Words more{"--lr",     "1e6",  "--epochs",     "300",      "--patience",         "0",
                   "--select", "last", "--checkpoint", checkpoint, "--checkpoint-every", "1"};
  // Some normalise, and two layers of GCN are too few to overflow.
  const bool survives =
      model() == "gin" || model() == "gine" || model() == "embedding" || (!is("graphs") && model() == "gcn");
  try {
    test::train(small(), words(is("graphs") ? more + Words{"--layers", "5"} : more));
    EXPECT_TRUE(survives) << "it went on to its end";
  } catch (const TrainingError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find(is("graphs") ? "fold 1, epoch " : "training 1, epoch "), 0u) << message;
    EXPECT_NE(message.find("try a smaller --lr (it is 1000000) or --dtype float64"), std::string::npos) << message;
  }
  if (fs::exists(checkpoint)) {  // of the last sound epoch
    EXPECT_FALSE(read_checkpoint(checkpoint, *small().make()).present.epochs.empty());
  }
}

TEST_P(TrainingOf, AnyStateThatIsNotFiniteEndsIt) {
  const std::unique_ptr<Task> task = small().make();
  test::parse(*task, words());
  small().use_data(*task, small().seed);
  task->move_to(warpgnn::Context::cpu(1));
  const auto epoch = [](Training& training, std::int64_t number) {
    training.begin_epoch(number);
    for (std::int64_t step = 0; step < training.steps(); ++step) training.step(step);
    training.scores(true);
    expect_finite(training.tensors());
  };
  const std::size_t count = task->begin(0, 0)->tensors().size();
  for (std::size_t k = 0; k < count; ++k) {
    const std::unique_ptr<Training> training = task->begin(0, 0);
    epoch(*training, 0);
    const warpgnn::nn::NamedTensor spoilt = training->tensors()[k];
    // The sums of an epoch begin anew with it.
    if (spoilt.tensor->view().dtype != warpgnn::Dtype::float32 || spoilt.name == "epoch.probabilities" ||
        spoilt.name == "epoch.loss_sum") {
      continue;
    }
    std::vector<float> values = spoilt.tensor->to_host<float>();
    values.back() = std::numeric_limits<float>::quiet_NaN();
    spoilt.tensor->copy_from_host(values.data(), spoilt.tensor->bytes());
    EXPECT_THROW(epoch(*training, 1), TrainingError) << spoilt.name;
  }
}

TEST_P(TrainingOf, RefusesACheckpointOfOtherData) {
  const std::string checkpoint = at("stop.safetensors");
  test::train(small(), words({"--checkpoint", checkpoint}), 2);
  EXPECT_THROW(test::train(small(), {"--resume", checkpoint}, test::kForever, 6), DataError);
  folder.write("broken.safetensors", "no checkpoint");
  EXPECT_ANY_THROW(read_checkpoint(folder.path() / "broken.safetensors", *small().make()));
}

TEST_P(TrainingOf, WritesAllOutputs) {
  const Outcome outcome = test::train(small(), words({"--pictures", "2"}));
  const Summary summary{.task = *outcome.task,
                        .results = outcome.results,
                        .device = "test <device>",
                        .threads = 1,
                        .parameters = 1,
                        .seconds = 1};
  const Report report = write_report(folder.path(), summary);
  EXPECT_EQ(report.files.size(), 5u);
  for (const char* file : {"metrics.json", "loss.svg", "score.svg", "index.html"}) {
    EXPECT_GT(fs::file_size(folder.path() / file), 100u) << file;
  }
  const json metrics = json::parse(std::ifstream(folder.path() / "metrics.json"));
  const std::string metric = "test_" + outcome.task->metrics()[0].key;
  for (const std::string& key :
       std::vector<std::string>{"task", "dataset", "device", "model", "folds", metric + "_mean", metric + "_std",
                                "epoch_ms_median", "parameters", "settings"}) {
    EXPECT_TRUE(metrics.contains(key)) << key;
  }
  EXPECT_EQ(metrics.at(metric).size(), outcome.results.runs.size());
  const json& gate = metrics.at("settings").value("gate", json("none"));
  EXPECT_EQ(metrics.contains("motif_attention_auc"), gate != "none");
  const std::string table = result_table(summary);
  EXPECT_NE(table.find("test " + outcome.task->metrics()[0].name), std::string::npos) << table;
  EXPECT_EQ(table.find("best validation loss") != std::string::npos,
            is("links") || is("relations") || is("series") || (is("nodes") && attends()))
      << table;
  std::set<std::string> pictures;
  for (const auto& entry : fs::directory_iterator(folder.path() / "pictures")) {
    pictures.insert(entry.path().stem().string());
  }
  EXPECT_EQ(pictures.size(), 2u);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* model : {"attention", "gcn", "gat", "gin", "gatv2", "transformer", "gine", "set"}) {
    all.push_back({test::graphs_task, model});
  }
  for (const char* model : {"gcn", "gat", "gatv2", "transformer"}) {
    all.push_back({test::nodes_task, model});
    all.push_back({test::links_task, model});
  }
  for (const char* model : {"gcn", "gat", "set"}) all.push_back({test::series_task, model});
  for (const char* model : {"embedding", "gat", "gatv2", "transformer"}) all.push_back({test::relations_task, model});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, TrainingOf, testing::ValuesIn(cases()), [](const testing::TestParamInfo<Case>& each) {
  return std::string(each.param.task().name) + "_" + each.param.model;
});

TEST(Program, OfOneTaskReadsNoCheckpointOfAnother) {
  const TemporaryFolder folder;
  const std::string checkpoint = (folder.path() / "graphs.safetensors").string();
  test::train(test::graphs_task(), test::graphs_task().words + Words{"--checkpoint", checkpoint}, 2);
  try {
    read_checkpoint(checkpoint, *test::nodes_task().make());
    ADD_FAILURE() << "it was read";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("expected a \"warpgnn-train nodes checkpoint 1\""), std::string::npos);
  }
}

}  // namespace
}  // namespace train
