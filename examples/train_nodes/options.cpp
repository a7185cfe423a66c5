// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <optional>

#include "block_generator.hpp"
#include "common/command_line.hpp"

namespace examples::train_nodes {
namespace {

/// What the command line says before the model's defaults fill the rest.
struct Given {
  std::optional<std::int64_t> hidden, heads, epochs, patience;
  std::optional<double> dropout, attention_dropout, learning_rate, weight_decay;
  std::optional<Selection> select;
};

void add_data_options(CLI::App& app, Options& options) {
  app.add_option("--dataset", options.settings.dataset,
                 "a data set in OGB's raw layout by its folder's name, or blocks, which is generated")
      ->check(plain_name())
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Data");
  app.add_option("--split", options.settings.split, "the folder of DIR/split to take")
      ->check(plain_name())
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Data");
  app.add_option(
         "--data", options.data,
         "the folder with raw/edge.csv.gz or NAME/raw/edge.csv.gz; else $WARPGNN_DATA, examples/data, ../shared/data "
         "and ~/.cache/warpgnn are searched")
      ->check(not_empty())
      ->type_name("DIR")
      ->group("Data");
}

void add_model_options(CLI::App& app, Settings& settings, Given& given) {
  const auto add = [&](const std::string& name, auto& target, const std::string& help) {
    return app.add_option(name, target, help)->group("Model");
  };
  add_choice(app, "--model", kModels, settings.model, "two graph layers")->default_str("gcn")->group("Model");
  add("--hidden", given.hidden, "width of the hidden layer; with attention, of each head")
      ->check(whole_number(1, 65536))
      ->type_name("N")
      ->default_str("gcn: 16; others: 8");
  add("--heads", given.heads, "attention heads of the hidden layer")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->default_str("8");
  add("--dropout", given.dropout, "dropout of the input of both layers")
      ->check(number(0, 0.99))
      ->type_name("P")
      ->default_str("gcn: 0.5; others: 0.6");
  add("--attention-dropout", given.attention_dropout, "dropout of the attention of both layers")
      ->check(number(0, 0.99))
      ->type_name("P")
      ->default_str("0.6");
}

void add_training_options(CLI::App& app, Settings& settings, Given& given) {
  const auto add = [&](const std::string& name, auto& target, const std::string& help) {
    return app.add_option(name, target, help)->group("Training");
  };
  const auto count = whole_number(1);
  add("--epochs", given.epochs, "the most steps on the whole graph")
      ->check(count)
      ->type_name("N")
      ->default_str("gcn: 200; others: 2000");
  add("--patience", given.patience,
      "stop after so many epochs without a better validation accuracy or loss; 0: go to the end")
      ->check(whole_number(0))
      ->type_name("N")
      ->default_str("gcn: 0; others: 100");
  add("--lr", given.learning_rate, "Adam's learning rate")
      ->check(number(0, kMaxRate))
      ->type_name("R")
      ->default_str("gcn: 0.01; others: 0.005");
  add("--weight-decay", given.weight_decay, "L2 penalty; gcn: of the first layer only")
      ->check(number(0, kMaxRate))
      ->type_name("R")
      ->default_str("0.0005");
  add_choice(app, "--select", kSelections, given.select, "the epoch whose test accuracy counts, by validation")
      ->default_str("gcn: last; others: both")
      ->group("Training");
  add("--repeats", settings.repeats, "trainings with fresh weights")
      ->check(count)
      ->type_name("N")
      ->capture_default_str();
  add_seed(app, settings.seed, "of weights and dropout, and of the generated graph");
}

/// What was given, but has no use with the rest.
void refuse_unused(const Options& options) {
  const Settings& settings = options.settings;
  for (const char* name : {"heads", "attention-dropout"}) {
    if (has_edge_attention(settings.model) || !options.was_given(name)) continue;
    throw UsageError("--" + std::string(name) + " is for models with attention, not " +
                     name_in(kModels, settings.model));
  }
  for (const char* name : {"data", "split"}) {
    if (settings.dataset != kBlockDatasetName || !options.was_given(name)) continue;
    throw UsageError("--" + std::string(name) + " is of no use: " + settings.dataset + " is generated");
  }
}

void settle(Settings& settings, const Given& given) {
  const Settings standard = settings_of(settings.model);
  settings.hidden = given.hidden.value_or(standard.hidden);
  settings.heads = given.heads.value_or(standard.heads);
  settings.dropout = given.dropout.value_or(standard.dropout);
  settings.attention_dropout = given.attention_dropout.value_or(standard.attention_dropout);
  settings.epochs = given.epochs.value_or(standard.epochs);
  settings.patience = given.patience.value_or(standard.patience);
  settings.learning_rate = given.learning_rate.value_or(standard.learning_rate);
  settings.weight_decay = given.weight_decay.value_or(standard.weight_decay);
  settings.select = given.select.value_or(standard.select);
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
  Options options;
  Given given;
  CLI::App app(
      "Trains a node classifier, with or without attention, and shows what it looks at.\n"
      "Without options: GCN on Cora's public split, ten times.",
      "train_nodes");
  add_data_options(app, options);
  add_model_options(app, options.settings, given);
  add_training_options(app, options.settings, given);
  add_machine_options(app, options, options.settings.dtype);
  add_output_options(app, options, "test nodes of the first training");
  if (parse_command_line(app, argc, argv, options) && options.resume.empty()) {
    settle(options.settings, given);
    refuse_unused(options);
  }
  return options;
}

Settings settings_from_json(const nlohmann::json& stored) {
  Settings settings = parse_words("train_nodes", words_of(stored), parse_options).settings;
  expect_same_settings(to_json(settings), stored);
  return settings;
}

void adopt_settings(Options& options, const Settings& stored) {
  const nlohmann::json kept = to_json(stored);
  refuse_other_settings(to_json(parse_words("train_nodes", words_of(kept, options), parse_options).settings), kept);
  options.settings = stored;
  refuse_unused(options);
}

}  // namespace examples::train_nodes
