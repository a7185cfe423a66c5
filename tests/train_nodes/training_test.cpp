// SPDX-License-Identifier: MIT
// Options, what a short training reaches, that an interrupted one goes on to the same result, and its outputs.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "common/errors.hpp"
#include "tests/support/temporary_folder.hpp"
#include "train_nodes/block_generator.hpp"
#include "train_nodes/neighbourhoods.hpp"
#include "train_nodes/options.hpp"
#include "train_nodes/report.hpp"
#include "train_nodes/trainer.hpp"

namespace examples::train_nodes {
namespace {

constexpr int kForever = std::numeric_limits<int>::max();

Options parse(std::vector<const char*> words) {
  words.insert(words.begin(), "train_nodes");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST(NodeOptions, ModelsBringTheSettingsOfTheirPapers) {
  const Settings gcn = parse({}).settings;
  EXPECT_EQ(gcn, Settings{});
  EXPECT_EQ(gcn.hidden, 16);
  EXPECT_EQ(gcn.weight_decay, 5e-4);
  const Settings gat = parse({"--model", "gat"}).settings;
  EXPECT_EQ(gat, settings_of(ModelKind::gat));
  EXPECT_EQ(gat.heads, 8);
  EXPECT_EQ(gat.attention_dropout, 0.6);
  EXPECT_EQ(gat.patience, 100);
  EXPECT_EQ(parse({"--model", "gatv2", "--lr", "0.1"}).settings.learning_rate, 0.1);
}

TEST(NodeOptions, RefuseWhatMakesNoSense) {
  const std::vector<std::vector<const char*>> wrong{{"--model", "gin"},   {"--epochs", "0"},
                                                    {"--patience", "-1"}, {"--lr", "nan"},
                                                    {"--dropout", "1"},   {"--select", "best"},
                                                    {"--unknown"},        {"stray"},
                                                    {"--heads", "4"},     {"--attention-dropout", "0.5"},
                                                    {"--resume", ""},     {"--checkpoint-every", "5"},
                                                    {"--split", "../x"},  {"--dataset", "blocks", "--split", "public"},
                                                    {"--dataset", ""},    {"--dataset", "blocks", "--data", "x"}};
  for (const auto& words : wrong) EXPECT_THROW(parse(words), UsageError) << words[0];
}

TEST(NodeOptions, HelpNamesEveryGroup) {
  const std::string help = parse({"--help"}).help;
  for (const char* part : {"--split", "--heads", "--patience", "--device", "--checkpoint-every", "[0.0005]"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part;
  }
}

TEST(NodeOptions, SettingsSurviveJsonAndAResumedRunKeepsThem) {
  const Settings stored = parse({"--model", "transformer", "--lr", "0.003", "--select", "loss"}).settings;
  EXPECT_EQ(settings_from_json(to_json(stored)), stored);
  EXPECT_THROW(settings_from_json({{"dataset", "cora"}}), DataError);
  const auto parse_resumed = [](std::vector<const char*> words) {
    words.insert(words.end(), {"--resume", "a.safetensors"});
    return parse(words);
  };
  Options same = parse_resumed({"--lr", "0.003"});
  adopt_settings(same, stored);
  EXPECT_EQ(same.settings, stored);
  for (const auto& words : {std::vector{"--lr", "0.01"}, {"--model", "gcn"}, {"--heads", "4"}}) {
    Options other = parse_resumed(words);
    EXPECT_THROW(adopt_settings(other, stored), UsageError) << words[0];
  }
  // What is given is read beside the checkpoint's model and selection, not beside those of a new run.
  Options more = parse_resumed({"--heads", "8", "--patience", "100"});
  adopt_settings(more, stored);
  EXPECT_EQ(more.settings, stored);
}

class NodeTraining : public testing::TestWithParam<const char*> {
 protected:
  NodeTraining() : data(generate_blocks(5)), features(data.features) { normalise_rows(features); }

  Options options(std::vector<const char*> more) const {
    std::vector<const char*> words{"--dataset", "blocks", "--model", GetParam(), "--seed", "9"};
    words.insert(words.end(), more.begin(), more.end());
    Options parsed = parse(words);
    parsed.out = folder.path().string();
    return parsed;
  }

  Results train(const Options& given, int epochs, std::optional<TrainingState> resumed, bool& completed) const {
    const warpgnn::Context context = warpgnn::Context::cpu(1);
    const DeviceGraph graph(context, given.settings.dtype, data, features);
    int asked = 0;
    Trainer trainer(given, data, graph, {.stop = [&] { return ++asked > epochs; }, .epoch_done = {}, .run_done = {}},
                    std::move(resumed));
    completed = trainer.train();
    return trainer.results();
  }

  static nlohmann::json without_times(Results results) {
    for (auto& run : results.runs) {
      for (EpochRecord& epoch : run) epoch.milliseconds = 0;
    }
    return to_json(results);
  }

  TemporaryFolder folder;
  NodeData data;
  Matrix features;
};

TEST_P(NodeTraining, ReachesAKnownAccuracy) {
  bool completed = false;
  const Options given = options({"--epochs", "60", "--lr", "0.02", "--repeats", "1"});
  const Results results = train(given, kForever, std::nullopt, completed);
  EXPECT_TRUE(completed);
  EXPECT_GT(results.test_accuracies(Selection::accuracy)[0], 0.8);
  EXPECT_LT(results.runs[0].back().train.loss, 0.8 * results.runs[0].front().train.loss);
}

TEST_P(NodeTraining, GoesOnToTheSameResultFromWhereverItStopped) {
  bool completed = false;
  const std::vector<const char*> few{"--epochs", "5", "--repeats", "2", "--patience", "2"};
  const nlohmann::json expected = without_times(train(options(few), kForever, std::nullopt, completed));
  ASSERT_TRUE(completed);
  for (const int epochs : {0, 1, 3, 4}) {
    Options part = options(few);
    part.checkpoint = (folder.path() / "stop.safetensors").string();
    train(part, epochs, std::nullopt, completed);
    ASSERT_FALSE(completed);
    Options rest = options(few);
    rest.resume = part.checkpoint;
    TrainingState state = read_checkpoint(rest.resume);
    adopt_settings(rest, state.settings);
    const Results results = train(rest, kForever, std::move(state), completed);
    EXPECT_TRUE(completed);
    EXPECT_EQ(without_times(results), expected) << "stopped after " << epochs << " epochs";
  }
}

TEST_P(NodeTraining, RefusesACheckpointOfOtherData) {
  bool completed = false;
  Options part = options({"--epochs", "3"});
  part.checkpoint = (folder.path() / "stop.safetensors").string();
  train(part, 2, std::nullopt, completed);
  TrainingState state = read_checkpoint(part.checkpoint);
  state.data += "x";
  EXPECT_THROW(train(part, 2, state, completed), DataError);
  folder.write("broken.safetensors", "no checkpoint");
  EXPECT_ANY_THROW(read_checkpoint(folder.path() / "broken.safetensors"));
}

TEST_P(NodeTraining, WritesAllOutputs) {
  bool completed = false;
  const Options given = options({"--epochs", "4", "--repeats", "2", "--pictures", "3"});
  const Results results = train(given, kForever, std::nullopt, completed);
  ASSERT_EQ(results.neighbourhoods.size(), 3u);
  for (const Neighbourhood& item : results.neighbourhoods) {
    EXPECT_TRUE(std::binary_search(data.split.test.begin(), data.split.test.end(), item.nodes[0]));
    const double sum = std::accumulate(item.weight.begin(), item.weight.end(), 0.0);
    if (given.settings.model != ModelKind::gcn) {
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
  const Summary summary{.settings = given.settings,
                        .data = data,
                        .results = results,
                        .device = "test",
                        .threads = 1,
                        .parameters = 1,
                        .seconds = 1};
  write_report(folder.path(), summary);
  for (const char* file : {"metrics.json", "loss.svg", "accuracy.svg", "index.html"}) {
    EXPECT_GT(fs::file_size(folder.path() / file), 100u) << file;
  }
  EXPECT_NE(result_table(summary).find("best validation loss"), std::string::npos);
  const nlohmann::json metrics = nlohmann::json::parse(std::ifstream(folder.path() / "metrics.json"));
  EXPECT_EQ(metrics.at("test_accuracies").size(), 2u);
  const fs::directory_iterator pictures(folder.path() / "pictures");
  EXPECT_EQ(std::count_if(begin(pictures), end(pictures),
                          [](const auto& entry) { return entry.path().extension() == ".dot"; }),
            3);
}

TEST_P(NodeTraining, WhatIsNotFiniteEndsIt) {
  bool completed = false;
  Options given = options({"--lr", "1e6", "--epochs", "400", "--repeats", "1"});
  given.checkpoint = (folder.path() / "run.safetensors").string();
  given.checkpoint_every = 1;
  const std::string model = GetParam();
  try {
    train(given, kForever, std::nullopt, completed);
    EXPECT_EQ(model, "gcn");  // two layers of it are too few to overflow
  } catch (const TrainingError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find("training 1, epoch "), 0u) << message;
    EXPECT_NE(message.find("try a smaller --lr (it is 1000000) or --dtype float64"), std::string::npos) << message;
  }
  EXPECT_EQ(completed, model == "gcn");
  if (fs::exists(given.checkpoint)) {
    EXPECT_FALSE(read_checkpoint(given.checkpoint).present.empty());  // the last sound epoch
  }
}

TEST_P(NodeTraining, AnyStateThatIsNotFiniteEndsIt) {
  const Options given = options({});
  const warpgnn::Context context = warpgnn::Context::cpu(1);
  const DeviceGraph graph(context, given.settings.dtype, data, features);
  const std::size_t count = TrainingRun(graph, data, given.settings, 0).tensors().size();
  for (std::size_t k = 0; k < count; ++k) {
    TrainingRun run(graph, data, given.settings, 0);
    run.train_epoch();
    const warpgnn::nn::NamedTensor spoilt = run.tensors()[k];
    if (spoilt.tensor->view().dtype != warpgnn::Dtype::float32 || spoilt.name.starts_with("chosen.")) continue;
    std::vector<float> values = spoilt.tensor->to_host<float>();
    values.back() = std::numeric_limits<float>::quiet_NaN();
    spoilt.tensor->copy_from_host(values.data(), spoilt.tensor->bytes());
    EXPECT_THROW(run.train_epoch(), TrainingError) << spoilt.name;
    EXPECT_EQ(run.epochs().size(), 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, NodeTraining, testing::Values("gcn", "gat", "gatv2", "transformer"));

TEST(NodeEarlyStop, EndsATrainingBeforeItsLastEpoch) {
  const NodeData data = generate_blocks(5);
  const warpgnn::Context context = warpgnn::Context::cpu(1);
  const DeviceGraph graph(context, warpgnn::Dtype::float32, data, data.features);
  Options options =
      parse({"--dataset", "blocks", "--epochs", "500", "--patience", "5", "--lr", "0.1", "--repeats", "1"});
  Trainer trainer(options, data, graph, {}, std::nullopt);
  EXPECT_TRUE(trainer.train());
  const std::size_t epochs = trainer.results().runs[0].size();
  EXPECT_LT(epochs, 500u);
  EXPECT_GT(epochs, 5u);
}

TEST(NodePictures, ShowTheNodeInTheMiddleOfItsNeighbours) {
  const NodeData data = generate_blocks(1);
  const Picture picture = make_picture(
      data, {.predicted = 1, .probability = 0.9, .nodes = {4, 8, 5}, .weight = {0.5, 0.3, 0.2}}, ModelKind::gat);
  EXPECT_EQ(picture.name, "node_4");
  EXPECT_EQ(picture.title, "Node 4 is of class 0, predicted 1 (90 %)");
  EXPECT_FALSE(picture.is_right);
  ASSERT_EQ(picture.nodes.size(), 3u);
  EXPECT_TRUE(picture.nodes[1].in_motif);
  EXPECT_FALSE(picture.nodes[2].in_motif);
  ASSERT_EQ(picture.links.size(), 2u);
  EXPECT_EQ(picture.links[1].weight, 0.2);
  EXPECT_EQ(picture.weight_name, "attention");
  EXPECT_EQ(make_picture(data, {.nodes = {4}, .weight = {1}}, ModelKind::gcn).weight_name, "weight");
}

TEST(NodePictures, ANeighbourMayHaveNoClass) {
  NodeData data = generate_blocks(1);
  data.labels.index[8] = -1;
  const Picture picture = make_picture(data, {.predicted = 0, .nodes = {4, 8}, .weight = {0.5, 0.5}}, ModelKind::gat);
  EXPECT_EQ(picture.nodes[1].text, "?");
  EXPECT_FALSE(picture.nodes[1].in_motif);
}

TEST(NodeScore, IsMeanCrossEntropyAndAccuracy) {
  NodeData data;
  data.features = {2, 0, {}};
  data.labels = categorise({0, 1});
  const Score score = score_of({1000, 1000, 0, 1}, data, {0, 1}, "test");
  EXPECT_NEAR(score.loss, (std::log(2.0) + std::log(1 + std::exp(-1.0))) / 2, 1e-12);
  EXPECT_EQ(score.accuracy, 1);
}

}  // namespace
}  // namespace examples::train_nodes
