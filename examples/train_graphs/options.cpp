// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <cmath>

#include "common/command_line.hpp"
#include "motif_generator.hpp"

namespace examples::train_graphs {
namespace {

/// What the command line says before the model's defaults fill the rest.
struct Given {
  std::optional<warpgnn::PoolReduce> pool;
  std::optional<warpgnn::PoolGate> gate;
  std::vector<std::int64_t> hidden;
  std::optional<std::int64_t> layers;
  std::vector<double> split;
};

void add_data_options(CLI::App& app, Options& options) {
  app.add_option("--dataset", options.settings.dataset,
                 "a TU data set by name (MUTAG, PROTEINS, NCI1, ...), or ba2motifs, which is generated")
      ->check(plain_name())
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Data");
  app.add_option("--data", options.data,
                 "the folder with NAME_A.txt or NAME/NAME_A.txt; else $WARPGNN_DATA, examples/data, ../shared/data "
                 "and ~/.cache/warpgnn are searched")
      ->check(not_empty())
      ->type_name("DIR")
      ->group("Data");
}

void add_label_width(CLI::App& app, Settings& settings) {
  app.add_option(
         "--label-width", settings.label_width,
         "the most numbers for a node's or edge's label: one-hot up to so many labels, a fixed random code above")
      ->check(whole_number(1, 65536))
      ->type_name("N")
      ->capture_default_str()
      ->group("Data");
}

void add_model_options(CLI::App& app, Settings& settings, Given& given) {
  const auto group = [](CLI::Option* option) { return option->group("Model"); };
  group(add_choice(app, "--model", kModels, settings.model, "graph layers and read-out"))->default_str("attention");
  group(add_choice(app, "--pool", kPools, given.pool, "how nodes are reduced to a graph"))
      ->default_str("gin, gine, set: sum; others: mean");
  group(add_choice(app, "--gate", kGates, given.gate, "node attention in the pool"))
      ->default_str("attention: raw; others: none");
  group(add_choice(app, "--readout", kReadouts, settings.readout,
                   "read a graph from the last layer, or from the features and all layers, logits summed"))
      ->default_str("last");
  group(app.add_option("--hidden", given.hidden, "width of the graph layers: one for all, or one for each"))
      ->delimiter(',')
      ->check(whole_number(1, 65536))
      ->type_name("N,...")
      ->default_str("attention, gcn: 32,64; others: 32");
  group(app.add_option("--layers", given.layers, "number of graph layers"))
      ->check(whole_number(1, 64))
      ->type_name("N")
      ->default_str("gin, gine: 3; others: 2");
  group(
      app.add_option("--heads", settings.heads, "attention heads of gat, gatv2 and transformer; they share the width"))
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  group(app.add_option("--dropout", settings.dropout, "dropout before the classifier"))
      ->check(number(0, 0.99))
      ->type_name("P")
      ->capture_default_str();
  group(app.add_option("--attention-dropout", settings.attention_dropout, "dropout of the attention along edges"))
      ->check(number(0, 0.99))
      ->type_name("P")
      ->capture_default_str();
}

void add_training_options(CLI::App& app, Settings& settings, Given& given) {
  const auto add = [&](const std::string& name, auto& target, const std::string& help) {
    return app.add_option(name, target, help)->capture_default_str()->group("Training");
  };
  const auto count = whole_number(1);
  add("--epochs", settings.epochs, "passes over the training graphs")->check(count)->type_name("N");
  add("--patience", settings.patience,
      "stop after so many epochs without a better validation; 0: go to the end; needs --select valid")
      ->check(whole_number(0))
      ->type_name("N");
  add("--batch-size", settings.batch_size, "graphs in a step")->check(count)->type_name("N");
  add("--lr", settings.learning_rate, "Adam's learning rate")->check(number(0, kMaxRate))->type_name("R");
  add("--lr-halve-every", settings.halve_rate_every, "halve the learning rate after every so many epochs; 0: never")
      ->check(whole_number(0))
      ->type_name("N");
  add("--weight-decay", settings.weight_decay, "L2 penalty")->check(number(0, kMaxRate))->type_name("R");
  CLI::Option* const folds = add("--folds", settings.folds, "stratified cross-validation with so many parts");
  folds->check(whole_number(2))->type_name("K");
  app.add_option("--split", given.split, "one stratified split in place of folds: train,valid,test fractions")
      ->delimiter(',')
      ->expected(3)
      ->check(number(0, 1))
      ->type_name("A,B,C")
      ->excludes(folds)
      ->group("Training");
  add("--repeats", settings.repeats, "repetitions with fresh splits and weights")->check(count)->type_name("N");
  add_choice(app, "--select", kSelections, settings.select,
             "the epoch whose test accuracy counts; valid takes one part for validation")
      ->default_str("last")
      ->group("Training");
  add_seed(app, settings.seed, "of splits, weights, order and dropout");
}

std::vector<std::int64_t> layer_widths(ModelKind model, const Given& given) {
  if (given.hidden.size() > 1) {
    if (given.layers && *given.layers != static_cast<std::int64_t>(given.hidden.size())) {
      throw UsageError("--layers " + std::to_string(*given.layers) + " does not fit the " +
                       std::to_string(given.hidden.size()) + " widths of --hidden");
    }
    return given.hidden;
  }
  const std::int64_t layers = given.layers.value_or(is_isomorphism_network(model) ? 3 : 2);
  std::vector<std::int64_t> widths(static_cast<std::size_t>(layers), given.hidden.empty() ? 32 : given.hidden[0]);
  const bool widens = model == ModelKind::attention || model == ModelKind::gcn;
  if (given.hidden.empty() && widens) widths.back() = 64;
  return widths;
}

/// What was given, but has no use with the rest.
void refuse_unused(const Options& options) {
  const Settings& settings = options.settings;
  for (const char* name : {"heads", "attention-dropout"}) {
    if (has_edge_attention(settings.model) || !options.was_given(name)) continue;
    throw UsageError("--" + std::string(name) +
                     " is for models with attention along edges, gat, gatv2 and transformer, not " +
                     name_in(kModels, settings.model));
  }
  if (options.was_given("data") && settings.dataset == kMotifDatasetName) {
    throw UsageError("--data is of no use: " + settings.dataset + " is generated");
  }
}

void settle(Settings& settings, const Given& given) {
  using warpgnn::PoolGate;
  using warpgnn::PoolReduce;
  settings.pool = given.pool.value_or(sums_nodes(settings.model) ? PoolReduce::sum : PoolReduce::mean);
  const bool attends = settings.model == ModelKind::attention && settings.pool != PoolReduce::max;
  settings.gate = given.gate.value_or(attends ? PoolGate::raw : PoolGate::none);
  if (settings.pool == PoolReduce::max && settings.gate != PoolGate::none) {
    throw UsageError("--pool max takes no gate: use --gate none, or --pool sum or mean");
  }
  settings.widths = layer_widths(settings.model, given);
  if (has_edge_attention(settings.model)) {
    for (const std::int64_t width : settings.widths) {
      if (width % settings.heads == 0) continue;
      throw UsageError("--heads " + std::to_string(settings.heads) + " does not divide the layer width " +
                       std::to_string(width));
    }
  }
  if (settings.patience > 0 && settings.select != Selection::valid) {
    throw UsageError("--patience waits for a better validation: it needs --select valid");
  }
  if (!given.split.empty()) {
    settings.split = std::array{given.split[0], given.split[1], given.split[2]};
    if (std::abs(given.split[0] + given.split[1] + given.split[2] - 1) > 1e-6) {
      throw UsageError("--split takes three fractions that sum to 1, such as 0.8,0.1,0.1");
    }
    if (settings.select == Selection::valid && given.split[1] == 0) {
      throw UsageError("--select valid needs a validation part in --split");
    }
  }
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
  Options options;
  Given given;
  CLI::App app(
      "Trains a graph classifier, with or without attention, and shows what it looks at.\n"
      "Without options: MUTAG, attention model, 10-fold cross-validation.",
      "train_graphs");
  add_data_options(app, options);
  add_label_width(app, options.settings);
  add_model_options(app, options.settings, given);
  add_training_options(app, options.settings, given);
  add_machine_options(app, options, options.settings.dtype);
  add_output_options(app, options, "test graphs of the first fold");
  if (parse_command_line(app, argc, argv, options) && options.resume.empty()) {
    settle(options.settings, given);
    refuse_unused(options);
  }
  return options;
}

Settings settings_from_json(const nlohmann::json& stored) {
  Settings settings = parse_words("train_graphs", words_of(stored), parse_options).settings;
  expect_same_settings(to_json(settings), stored);
  return settings;
}

void adopt_settings(Options& options, const Settings& stored) {
  const nlohmann::json kept = to_json(stored);
  refuse_other_settings(to_json(parse_words("train_graphs", words_of(kept, options), parse_options).settings), kept);
  options.settings = stored;
  refuse_unused(options);
}

}  // namespace examples::train_graphs
