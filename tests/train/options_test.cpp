// SPDX-License-Identifier: MIT
// Command lines, and settings on their way through a checkpoint.

#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "small_tasks.hpp"

namespace train {
namespace {

using nlohmann::json;
using test::graphs_task;
using test::nodes_task;
using test::parse;
using test::SmallTask;
using test::Words;

/// The settings that a command line makes.
json settings_of(const SmallTask& small, const Words& words) {
  const std::unique_ptr<Task> task = small.make();
  parse(*task, words);
  return to_json(task->fields());
}

void expect_refused(const SmallTask& small, const std::vector<Words>& wrong) {
  for (const Words& words : wrong) {
    EXPECT_THROW(settings_of(small, words), UsageError) << words[0] << " " << words.back();
  }
}

TEST(Options, OfGraphsAreTheAttentionModelOnMutag) {
  const json settings = settings_of(graphs_task(), {});
  EXPECT_EQ(settings.at("dataset"), "MUTAG");
  EXPECT_EQ(settings.at("model"), "attention");
  EXPECT_EQ(settings.at("hidden"), json({32, 64}));
  EXPECT_EQ(settings.at("gate"), "raw");
  EXPECT_EQ(settings.at("epochs"), 300);
  EXPECT_EQ(settings.at("folds"), 10);
  EXPECT_EQ(settings.at("split"), nullptr);
  EXPECT_EQ(settings.at("heads"), nullptr);
}

TEST(Options, OfGraphModelsHangOnTheModel) {
  const auto of = [](const Words& words) { return settings_of(graphs_task(), words); };
  const json gin = of({"--model", "gin"});
  EXPECT_EQ(gin.at("pool"), "sum");
  EXPECT_EQ(gin.at("gate"), "none");
  EXPECT_EQ(gin.at("hidden").size(), 3u);
  EXPECT_EQ(of({"--model", "gine"}).at("pool"), "sum");
  EXPECT_EQ(of({"--model", "set"}).at("pool"), "sum");
  EXPECT_EQ(of({"--model", "gat"}).at("hidden"), json({32, 32}));
  EXPECT_EQ(of({"--hidden", "16", "--layers", "4"}).at("hidden"), json({16, 16, 16, 16}));
  EXPECT_EQ(of({"--hidden", "8,16,24"}).at("hidden"), json({8, 16, 24}));
  EXPECT_EQ(of({"--layers", "3"}).at("hidden"), json({32, 32, 64}));
  EXPECT_EQ(of({"--pool", "max"}).at("gate"), "none");
}

TEST(Options, OfNodeModelsAreThoseOfTheirPapers) {
  const auto of = [](const Words& words) { return settings_of(nodes_task(), words); };
  const json gcn = of({}), gat = of({"--model", "gat"});
  EXPECT_EQ(gcn.at("hidden"), 16);
  EXPECT_EQ(gcn.at("weight-decay"), 5e-4);
  EXPECT_EQ(gcn.at("select"), "last");
  EXPECT_EQ(gcn.at("repeats"), 10);
  EXPECT_EQ(gat.at("heads"), 8);
  EXPECT_EQ(gat.at("attention-dropout"), 0.6);
  EXPECT_EQ(gat.at("patience"), 100);
  EXPECT_EQ(gat.at("select"), "both");
  EXPECT_EQ(of({"--model", "gatv2", "--lr", "0.1"}).at("lr"), 0.1);
  EXPECT_EQ(of({"--lr", "0.1", "--model", "gatv2"}).at("lr"), 0.1);
}

TEST(Options, ThatMakeNoSenseAreRefused) {
  const std::vector<Words> everywhere{{"--epochs", "0"},
                                      {"--epochs", "1.5"},
                                      {"--evaluate-every", "0"},
                                      {"--patience", "-1"},
                                      {"--lr", "nan"},
                                      {"--seed", "-1"},
                                      {"--dropout", "1"},
                                      {"--select", "best"},
                                      {"--model", "cnn"},
                                      {"--heads", "4"},
                                      {"--attention-dropout", "0"},
                                      {"--unknown"},
                                      {"stray"},
                                      {"--dataset", "../MUTAG"},
                                      {"--dataset", ""},
                                      {"--data", ""},
                                      {"--out", ""},
                                      {"--log", ""},
                                      {"--checkpoint", ""},
                                      {"--resume", ""},
                                      {"--checkpoint-every", "5"},
                                      {"--device", "tpu"},
                                      {"--device", "cuda", "--threads", "2"}};
  expect_refused(graphs_task(), everywhere);
  expect_refused(nodes_task(), everywhere);
  expect_refused(graphs_task(), {{"--split", "0.5,0.5"},
                                 {"--split", "0.5,0.5,0.5"},
                                 {"--folds", "1"},
                                 {"--heads", "3", "--model", "gat"},
                                 {"--heads", "3", "--model", "transformer"},
                                 {"--pool", "max", "--gate", "raw"},
                                 {"--hidden", "8,8", "--layers", "3"},
                                 {"--folds", "5", "--split", "0.8,0.1,0.1"},
                                 {"--select", "valid", "--split", "0.8,0,0.2"},
                                 {"--readout", "first"},
                                 {"--dataset", "ba2motifs", "--data", "somewhere"},
                                 {"--patience", "10"}});
  expect_refused(nodes_task(), {{"--model", "gin"},
                                {"--split", "../x"},
                                {"--dataset", "blocks", "--split", "public"},
                                {"--dataset", "blocks", "--data", "x"}});
}

TEST(Options, AreNamedByHelpWithTheirDefaults) {
  const auto help_of = [](const SmallTask& small) { return parse(*small.make(), {"--help"}).help; };
  const std::string graphs = help_of(graphs_task()), nodes = help_of(nodes_task());
  for (const char* part : {"--dataset", "--gate", "--folds", "--device", "--checkpoint-every", "[0.01]", "[300]"}) {
    EXPECT_NE(graphs.find(part), std::string::npos) << part;
  }
  for (const char* part : {"--split", "--heads", "--patience", "--resume", "[0.0005]", "[gcn: 200; others: 2000]"}) {
    EXPECT_NE(nodes.find(part), std::string::npos) << part;
  }
}

TEST(Settings, SurviveACheckpoint) {
  const auto expect_kept = [](const SmallTask& small, const Words& words) {
    const json stored = settings_of(small, words);
    const std::unique_ptr<Task> task = small.make();
    take_settings(*task, stored);
    EXPECT_EQ(to_json(task->fields()), stored);
    EXPECT_THROW(take_settings(*small.make(), {{"dataset", "MUTAG"}}), DataError);
  };
  expect_kept(graphs_task(), {});
  expect_kept(graphs_task(), {"--split", "0.7,0.1,0.2", "--model", "gat", "--lr", "0.003", "--label-width", "17"});
  expect_kept(graphs_task(), {"--readout", "all", "--select", "valid", "--patience", "7", "--lr-halve-every", "20"});
  expect_kept(nodes_task(), {"--model", "transformer", "--lr", "0.003", "--select", "loss"});
}

/// What is given beside --resume is read beside the checkpoint's settings, not beside the defaults of a new run.
TEST(Settings, OfAResumedRunStay) {
  const auto check = [](const SmallTask& small, const Words& stored, const std::vector<Words>& same,
                        const std::vector<Words>& other) {
    const json settings = settings_of(small, stored);
    const auto read_beside = [&](const Words& words) {
      RunOptions options;
      for (std::size_t k = 0; k + 1 < words.size(); k += 2) options.given[words[k].substr(2)] = words[k + 1];
      expect_kept_settings(*small.make(), options, settings);
    };
    for (const Words& words : same) EXPECT_NO_THROW(read_beside(words)) << words[0];
    for (const Words& words : other) EXPECT_THROW(read_beside(words), UsageError) << words[0];
  };
  check(graphs_task(), {"--model", "gin", "--lr", "0.005"},
        {{"--lr", "0.005"}, {"--hidden", "32"}, {"--layers", "3"}, {"--folds", "10"}, {"--threads", "2"}},
        {{"--lr", "0.01"},
         {"--hidden", "16"},
         {"--layers", "2"},
         {"--heads", "4"},
         {"--split", "0.8,0.1,0.1"},
         {"--model", "gcn"}});
  check(graphs_task(), {"--model", "gat", "--select", "valid", "--patience", "5", "--heads", "2"},
        {{"--heads", "2", "--patience", "5"}}, {{"--heads", "4"}});
  check(graphs_task(), {"--dataset", "ba2motifs"}, {}, {{"--data", "somewhere"}});
  check(nodes_task(), {"--model", "transformer", "--lr", "0.003", "--select", "loss"},
        {{"--lr", "0.003"}, {"--heads", "8", "--patience", "100"}},
        {{"--lr", "0.01"}, {"--model", "gcn"}, {"--heads", "4"}});
}

}  // namespace
}  // namespace train
