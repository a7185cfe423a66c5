// SPDX-License-Identifier: MIT
// Options, and that an interrupted training goes on to the same result.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/errors.hpp"
#include "tests/support/temporary_folder.hpp"
#include "train_graphs/features.hpp"
#include "train_graphs/motif_generator.hpp"
#include "train_graphs/options.hpp"
#include "train_graphs/report.hpp"
#include "train_graphs/trainer.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace examples::train_graphs {
namespace {

Options parse(std::vector<const char*> words) {
  words.insert(words.begin(), "train_graphs");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST(Options, DefaultsAreTheAttentionModelOnMutag) {
  const Settings settings = parse({}).settings;
  EXPECT_EQ(settings, Settings{});
  EXPECT_EQ(settings.widths, (std::vector<std::int64_t>{32, 64}));
  EXPECT_EQ(settings.gate, warpgnn::PoolGate::raw);
}

TEST(Options, ModelsBringTheirOwnDefaults) {
  const Settings gin = parse({"--model", "gin"}).settings;
  EXPECT_EQ(gin.pool, warpgnn::PoolReduce::sum);
  EXPECT_EQ(gin.gate, warpgnn::PoolGate::none);
  EXPECT_EQ(gin.widths.size(), 3u);
  EXPECT_EQ(parse({"--model", "gine"}).settings.pool, warpgnn::PoolReduce::sum);
  EXPECT_EQ(parse({"--model", "set"}).settings.pool, warpgnn::PoolReduce::sum);
  EXPECT_EQ(parse({"--hidden", "16", "--layers", "4"}).settings.widths, (std::vector<std::int64_t>{16, 16, 16, 16}));
  EXPECT_EQ(parse({"--hidden", "8,16,24"}).settings.widths, (std::vector<std::int64_t>{8, 16, 24}));
  EXPECT_EQ(parse({"--pool", "max"}).settings.gate, warpgnn::PoolGate::none);
}

TEST(Options, RefuseWhatMakesNoSense) {
  const std::vector<std::vector<const char*>> wrong{{"--model", "cnn"},
                                                    {"--epochs", "0"},
                                                    {"--epochs", "1.5"},
                                                    {"--lr", "nan"},
                                                    {"--seed", "-1"},
                                                    {"--split", "0.5,0.5"},
                                                    {"--split", "0.5,0.5,0.5"},
                                                    {"--folds", "1"},
                                                    {"--heads", "3", "--model", "gat"},
                                                    {"--heads", "3", "--model", "transformer"},
                                                    {"--unknown"},
                                                    {"--pool", "max", "--gate", "raw"},
                                                    {"stray"},
                                                    {"--hidden", "8,8", "--layers", "3"},
                                                    {"--folds", "5", "--split", "0.8,0.1,0.1"},
                                                    {"--select", "valid", "--split", "0.8,0,0.2"},
                                                    {"--readout", "first"},
                                                    {"--model", "gcn", "--heads", "4"},
                                                    {"--attention-dropout", "0"},
                                                    {"--dataset", "ba2motifs", "--data", "somewhere"},
                                                    {"--dataset", "../MUTAG"},
                                                    {"--dataset", ""},
                                                    {"--data", ""},
                                                    {"--out", ""},
                                                    {"--log", ""},
                                                    {"--checkpoint", ""},
                                                    {"--resume", ""},
                                                    {"--checkpoint-every", "5"},
                                                    {"--device", "cuda", "--threads", "2"},
                                                    {"--patience", "10"}};
  for (const auto& words : wrong) EXPECT_THROW(parse(words), UsageError) << words[0];
}

TEST(Options, HelpNamesEveryGroup) {
  const std::string help = parse({"--help"}).help;
  for (const char* part : {"--dataset", "--gate", "--folds", "--device", "--checkpoint-every", "[0.01]"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part;
  }
}

TEST(Options, SettingsSurviveJson) {
  for (const Settings& settings :
       {parse({}).settings,
        parse({"--split", "0.7,0.1,0.2", "--model", "gat", "--lr", "0.003", "--label-width", "17"}).settings,
        parse({"--readout", "all", "--select", "valid", "--patience", "7", "--lr-halve-every", "20"}).settings}) {
    EXPECT_EQ(settings_from_json(to_json(settings)), settings);
  }
  EXPECT_THROW(settings_from_json({{"dataset", "MUTAG"}}), DataError);
}

TEST(Options, AResumedRunKeepsItsSettings) {
  const Settings stored = parse({"--model", "gin", "--lr", "0.005"}).settings;
  const auto parse_resumed = [](std::vector<const char*> words) {
    words.insert(words.end(), {"--resume", "a.safetensors"});
    return parse(words);
  };
  // What is given is read beside the checkpoint's settings, not beside the defaults of a new run.
  for (const auto& words : {std::vector{"--lr", "0.005"}, {"--hidden", "32"}, {"--layers", "3"}, {"--folds", "10"}}) {
    Options same = parse_resumed(words);
    adopt_settings(same, stored);
    EXPECT_EQ(same.settings, stored) << words[0];
  }
  for (const auto& words : {std::vector{"--lr", "0.01"},
                            {"--hidden", "16"},
                            {"--layers", "2"},
                            {"--heads", "4"},
                            {"--split", "0.8,0.1,0.1"},
                            {"--model", "gcn"}}) {
    Options other = parse_resumed(words);
    EXPECT_THROW(adopt_settings(other, stored), UsageError) << words[0];
  }
  const Settings attends = parse({"--model", "gat", "--select", "valid", "--patience", "5", "--heads", "2"}).settings;
  Options more = parse_resumed({"--heads", "2", "--patience", "5"});
  adopt_settings(more, attends);
  EXPECT_EQ(more.settings, attends);
}

/// Trains on a small generated set, with all that makes a resume hard: dropout, running statistics, a last small batch.
class Training : public testing::TestWithParam<const char*> {
 protected:
  Training() : dataset(generate_ba2motifs(4, 30)), features(make_features(dataset)) {}

  Options options(std::vector<const char*> more) const {
    std::vector<const char*> words{"--dataset", "ba2motifs",    "--model", GetParam(),  "--epochs", "3",      "--folds",
                                   "3",         "--batch-size", "6",       "--dropout", "0.3",      "--seed", "9"};
    const std::string model = GetParam();
    if (model == "gat" || model == "gatv2" || model == "transformer") {
      words.insert(words.end(), {"--attention-dropout", "0.2", "--gate", "sigmoid"});
    }
    words.insert(words.end(), more.begin(), more.end());
    Options parsed = parse(words);
    parsed.out = folder.path().string();
    return parsed;
  }

  Results train(const Options& given, int steps, std::optional<TrainingState> resumed, bool& completed) const {
    const warpgnn::Context context = warpgnn::Context::cpu(1);
    const DeviceData data(context, given.settings.dtype, dataset, features, needs_of(given.settings.model));
    int asked = 0;
    Trainer trainer(given, dataset, data, {.stop = [&] { return ++asked > steps; }, .epoch_done = {}, .run_done = {}},
                    std::move(resumed));
    completed = trainer.train();
    return trainer.results();
  }

  static nlohmann::json without_times(Results results) {
    for (RunResult& run : results.runs) {
      for (EpochRecord& epoch : run.epochs) epoch.milliseconds = 0;
    }
    return to_json(results);
  }

  TemporaryFolder folder;
  Dataset dataset;
  Features features;
};

TEST_P(Training, GoesOnToTheSameResultFromWhereverItStopped) {
  constexpr int kForever = std::numeric_limits<int>::max();
  bool completed = false;
  const Options whole = options({});
  const nlohmann::json expected = without_times(train(whole, kForever, std::nullopt, completed));
  ASSERT_TRUE(completed);
  for (const int steps : {0, 2, 4, 11, 17, 23}) {
    Options part = options({});
    part.checkpoint = (folder.path() / "stop.safetensors").string();
    train(part, steps, std::nullopt, completed);
    ASSERT_FALSE(completed);
    Options rest = options({});
    rest.resume = part.checkpoint;
    TrainingState state = read_checkpoint(rest.resume);
    adopt_settings(rest, state.settings);
    const Results results = train(rest, kForever, std::move(state), completed);
    EXPECT_TRUE(completed);
    EXPECT_EQ(without_times(results), expected) << "stopped after " << steps << " steps";
  }
}

TEST_P(Training, EveryReadoutGoesOnToTheSameResult) {
  constexpr int kForever = std::numeric_limits<int>::max();
  const std::vector<const char*> more{"--readout", "all", "--lr-halve-every", "2"};
  bool completed = false;
  const nlohmann::json expected = without_times(train(options(more), kForever, std::nullopt, completed));
  Options part = options(more);
  part.checkpoint = (folder.path() / "stop.safetensors").string();
  train(part, 10, std::nullopt, completed);
  ASSERT_FALSE(completed);
  Options rest = options(more);
  rest.resume = part.checkpoint;
  EXPECT_EQ(without_times(train(rest, kForever, read_checkpoint(rest.resume), completed)), expected);
  EXPECT_NE(without_times(train(options({}), kForever, std::nullopt, completed)), expected);
}

/// Moves every parameter a little along its gradient: a wrong gradient of any head or layer would show in the loss.
TEST_P(Training, ReadoutOfAllLayersHasTheRightGradient) {
  Options given = options({"--readout", "all", "--dtype", "float64", "--layers", "3"});
  given.settings.dropout = given.settings.attention_dropout = 0;
  const warpgnn::Context context = warpgnn::Context::cpu(1);
  const DeviceData data(context, given.settings.dtype, dataset, features, needs_of(given.settings.model));
  warpgnn::nn::Session session(context, given.settings.dtype, 5);
  Model model(session, given.settings, data, dataset.num_classes());
  warpgnn::nn::CrossEntropy loss(session);
  Batcher batcher(data, 6);
  batcher.choose(std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  const Batch& batch = batcher.cut();
  const std::vector<std::int32_t> labels{0, 1, 0, 1, 0, 1};
  const warpgnn::Tensor label = warpgnn::Tensor::from(context, std::span(labels), {6});
  const auto loss_now = [&] { return download(loss.forward(model.forward(batch), label), context)[0]; };

  loss_now();
  model.backward(loss.backward());
  for (warpgnn::nn::Parameter* parameter : model.parameters()) {
    if (!parameter->trainable) continue;
    const auto squares = [&] {
      double sum = 0;
      for (const double value : parameter->gradient.to_host<double>()) sum += value * value;
      return sum;
    }();
    const double step = 1e-6 / std::max(1e-3, std::sqrt(squares));  // short, or it would cross the kinks of ReLU
    const auto move = [&](double scale) {
      warpgnn::add_scaled(context, {.scale = scale, .source = parameter->gradient, .target = parameter->value});
    };
    move(step);
    const double above = loss_now();
    move(-2 * step);
    const double below = loss_now();
    move(step);
    EXPECT_NEAR((above - below) / (2 * step), squares, 1e-3 * squares + 1e-8) << parameter->name;
  }
}

TEST_P(Training, StopsWhenValidationGetsNoBetter) {
  constexpr int kForever = std::numeric_limits<int>::max();
  bool completed = false;
  const std::vector<const char*> more{"--select", "valid", "--patience", "2", "--lr", "0.05"};
  Options given = options(more);
  given.settings.epochs = 200;
  const Results results = train(given, kForever, std::nullopt, completed);
  EXPECT_TRUE(completed);
  bool stopped_early = false;
  for (const RunResult& run : results.runs) {
    EXPECT_EQ(run.epochs.size(), std::min<std::size_t>(200, run.chosen_epoch(Selection::valid) + 3));
    stopped_early |= run.epochs.size() < 200;
  }
  EXPECT_TRUE(stopped_early);
}

TEST_P(Training, WhatIsNotFiniteEndsIt) {
  bool completed = false;
  Options given = options({"--lr", "1e6", "--layers", "5"});
  given.checkpoint_every = 1;
  given.settings.epochs = 300;
  given.checkpoint = (folder.path() / "run.safetensors").string();
  const std::string model = GetParam();
  const bool normalises = model == "gin" || model == "gine";  // and so survives
  try {
    train(given, std::numeric_limits<int>::max(), std::nullopt, completed);
    EXPECT_TRUE(normalises) << "it went on to its end";
  } catch (const TrainingError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find("fold 1, epoch "), 0u) << message;
    EXPECT_NE(message.find("try a smaller --lr (it is 1000000) or --dtype float64"), std::string::npos) << message;
    EXPECT_FALSE(completed);
  }
  if (fs::exists(given.checkpoint)) read_checkpoint(given.checkpoint);  // of the last sound epoch
}

TEST_P(Training, AnyStateThatIsNotFiniteEndsIt) {
  const Options given = options({});
  const warpgnn::Context context = warpgnn::Context::cpu(1);
  const DeviceData data(context, given.settings.dtype, dataset, features, needs_of(given.settings.model));
  const Split split = make_folds(dataset.graph_labels, 3, 1, false)[0];
  const auto never = [] { return false; };
  const std::size_t count = TrainingRun(data, dataset, given.settings, split, 0, 0).tensors().size();
  for (std::size_t k = 0; k < count; ++k) {
    TrainingRun run(data, dataset, given.settings, split, 0, 0);
    ASSERT_TRUE(run.train_epoch(never));
    const warpgnn::nn::NamedTensor spoilt = run.tensors()[k];
    // The sums of an epoch begin anew with it.
    if (spoilt.tensor->view().dtype != warpgnn::Dtype::float32 || spoilt.name == "epoch.probabilities") continue;
    std::vector<float> values = spoilt.tensor->to_host<float>();
    values.back() = std::numeric_limits<float>::quiet_NaN();
    spoilt.tensor->copy_from_host(values.data(), spoilt.tensor->bytes());
    EXPECT_THROW(run.train_epoch(never), TrainingError) << spoilt.name;
    EXPECT_EQ(run.result().epochs.size(), 1u);
  }
}

TEST_P(Training, WritesAllOutputs) {
  bool completed = false;
  const Options whole = options({"--pictures", "2"});
  const Results results = train(whole, std::numeric_limits<int>::max(), std::nullopt, completed);
  write_report(folder.path(), {.settings = whole.settings,
                               .dataset = dataset,
                               .features = features,
                               .results = results,
                               .device = "test <device>",
                               .threads = 1,
                               .parameters = 1,
                               .seconds = 1});
  for (const char* file : {"metrics.json", "loss.svg", "accuracy.svg", "index.html"}) {
    EXPECT_GT(fs::file_size(folder.path() / file), 100u) << file;
  }
  const nlohmann::json metrics = nlohmann::json::parse(std::ifstream(folder.path() / "metrics.json"));
  for (const char* key : {"dataset", "device", "model", "folds", "test_accuracy_mean", "test_accuracy_std",
                          "epoch_ms_median", "parameters"}) {
    EXPECT_TRUE(metrics.contains(key)) << key;
  }
  EXPECT_EQ(metrics.contains("motif_attention_auc"), whole.settings.gate != warpgnn::PoolGate::none);
  const fs::directory_iterator pictures(folder.path() / "pictures");
  EXPECT_EQ(std::count_if(begin(pictures), end(pictures),
                          [](const auto& entry) { return entry.path().extension() == ".dot"; }),
            2);
}

TEST_P(Training, RefusesACheckpointOfOtherData) {
  bool completed = false;
  Options part = options({});
  part.checkpoint = (folder.path() / "stop.safetensors").string();
  train(part, 2, std::nullopt, completed);
  TrainingState state = read_checkpoint(part.checkpoint);
  state.data += "x";
  EXPECT_THROW(train(part, 2, state, completed), DataError);
  folder.write("broken.safetensors", "no checkpoint");
  EXPECT_ANY_THROW(read_checkpoint(folder.path() / "broken.safetensors"));
}

TEST_P(Training, SeesEdgeLabelsWhereItReadsThem) {
  const auto trained = [&](std::int64_t period) {
    std::vector<std::int64_t> labels;
    for (std::int64_t e = 0; e < dataset.num_edges(); ++e) labels.push_back(e / period % 2);
    dataset.edge_labels = {categorise(labels)};
    features = make_features(dataset);
    bool completed = false;
    return without_times(train(options({}), std::numeric_limits<int>::max(), std::nullopt, completed));
  };
  const nlohmann::json by_direction = trained(1), by_link = trained(2);
  EXPECT_EQ(by_direction != by_link, reads_edge_features(*find_in(kModels, GetParam())));
}

INSTANTIATE_TEST_SUITE_P(Models, Training,
                         testing::Values("attention", "gcn", "gat", "gin", "gatv2", "transformer", "gine", "set"));

}  // namespace
}  // namespace examples::train_graphs
