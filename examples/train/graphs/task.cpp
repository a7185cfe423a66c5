// SPDX-License-Identifier: MIT
#include "task.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "core/fingerprint.hpp"
#include "data/random_bits.hpp"
#include "draw/svg.hpp"
#include "explanation.hpp"
#include "motif_generator.hpp"
#include "training.hpp"
#include "tu_reader.hpp"

namespace train::graphs {

bool GraphsTask::is_generated() const {
  return settings_.dataset == kMotifDatasetName;
}

std::string GraphsTask::about() const {
  return "classifies graphs, such as molecules by what they do\n"
         "Without options: MUTAG, attention model, 10-fold cross-validation.";
}

TrainingWords GraphsTask::training_words() const {
  return {.repeats_help = "repetitions of all folds, with fresh splits and weights"};
}

void GraphsTask::settle() {
  graphs::settle(settings_);
  const bool by_validation = training_.select != Selection::last;
  if (by_validation && !settings_.split.empty() && settings_.split[1] == 0) {
    throw UsageError("--select " + name_in(kSelections, training_.select) + " needs a validation part in --split");
  }
}

bool GraphsTask::has_valid() const {
  return settings_.split.empty() ? training_.select != Selection::last : settings_.split[1] > 0;
}

std::vector<Finding> GraphsTask::findings() const {
  return {{"motif_attention_auc", "motif AUC", "node attention against the true motif"}};
}

void GraphsTask::load(const RunOptions& options) {
  const auto folder =
      folder_of_data(options, settings_.dataset, kMotifDatasetName, settings_.dataset + "_A.txt", find_dataset);
  const auto seed = static_cast<std::uint64_t>(training_.seed);
  use(folder ? read_tu(*folder, settings_.dataset) : generate_ba2motifs(seed));
}

void GraphsTask::use(Dataset dataset) {
  if (dataset.num_classes() < 2) throw DataError(dataset.name + ": all graphs have the same label, nothing to learn");
  dataset_ = std::move(dataset);
  features_ = make_features(dataset_, settings_.label_width, reads_edge_features(settings_.encoder()));
}

std::string GraphsTask::describe_data() const {
  std::string text = dataset_.name + ": " + std::to_string(dataset_.num_graphs()) + " graphs, " +
                     std::to_string(dataset_.num_nodes()) + " nodes, " + std::to_string(dataset_.num_edges()) +
                     " directed edges, " + std::to_string(dataset_.num_classes()) + " classes";
  if (dataset_.duplicate_edges != 0) {
    text += " (" + std::to_string(dataset_.duplicate_edges) + " edges that the file lists again were left out)";
  }
  return text;
}

std::string GraphsTask::fingerprint() const {
  Fingerprint hash;
  hash.add(dataset_.graph_offsets);
  hash.add(dataset_.source);
  hash.add(dataset_.destination);
  hash.add(dataset_.graph_labels.index);
  for (const Categories& column : dataset_.node_labels) hash.add(column.index);
  for (const Categories& column : dataset_.edge_labels) hash.add(column.index);
  hash.add(dataset_.node_attributes.values);
  hash.add(dataset_.edge_attributes.values);
  return dataset_.name + ", " + std::to_string(dataset_.num_graphs()) + " graphs, " +
         std::to_string(dataset_.num_nodes()) + " nodes, " + std::to_string(dataset_.num_edges()) + " edges, hash " +
         std::to_string(hash.value());
}

void GraphsTask::move_to(const warpgnn::Context& context) {
  data_ = std::make_unique<DeviceData>(context, training_.dtype, dataset_, features_, needs_of(settings_.encoder()));
  features_.node = features_.edge = {};  // they are on the device
}

std::string GraphsTask::describe_size() const {
  const std::vector<std::int64_t>& layers = settings_.widths;
  return "a model of " + std::to_string(layers.size()) + " layers up to " +
         std::to_string(*std::max_element(layers.begin(), layers.end())) + " wide, on " +
         std::to_string(data_->node_features()) + " features, and a step of " + std::to_string(settings_.batch_size) +
         " graphs (--hidden, --layers and --batch-size make them smaller)";
}

std::vector<std::int64_t> GraphsTask::widths() const {
  std::vector<std::int64_t> widths{data_->node_features()};
  widths.insert(widths.end(), settings_.widths.begin(), settings_.widths.end());
  widths.push_back(dataset_.num_classes());
  return widths;
}

std::vector<Split> GraphsTask::splits_of(std::int64_t repeat) const {
  const std::uint64_t seed =
      mix_seed({static_cast<std::uint64_t>(training_.seed), static_cast<std::uint64_t>(repeat), 0x5B117});
  const std::vector<double>& split = settings_.split;
  if (!split.empty()) return {make_split(dataset_.graph_labels, {split[0], split[1], split[2]}, seed)};
  return make_folds(dataset_.graph_labels, settings_.folds, seed, has_valid());
}

std::unique_ptr<Training> GraphsTask::begin(std::int64_t repeat, std::int64_t fold) {
  const std::uint64_t seed = mix_seed({static_cast<std::uint64_t>(training_.seed), static_cast<std::uint64_t>(repeat),
                                       static_cast<std::uint64_t>(fold)});
  return std::make_unique<GraphTraining>(*data_, dataset_, settings_, training_,
                                         splits_of(repeat)[static_cast<std::size_t>(fold)], seed);
}

std::string GraphsTask::describe_model() const {
  return "Model " + name_in(kModels, settings_.model) + ", pool " + name_in(kPools, *settings_.pool) + ", gate " +
         name_in(kGates, *settings_.gate) + "; node features: " + features_.node_source;
}

nlohmann::json GraphsTask::facts() const {
  return {{"dataset", dataset_.name},          {"graphs", dataset_.num_graphs()},
          {"nodes", dataset_.num_nodes()},     {"edges", dataset_.num_edges()},
          {"classes", dataset_.num_classes()}, {"model", name_in(kModels, settings_.model)}};
}

std::vector<std::pair<std::string, std::string>> GraphsTask::describe() const {
  std::vector<std::pair<std::string, std::string>> rows{{"data set", describe_data()},
                                                        {"node features", features_.node_source}};
  if (!features_.edge_source.empty()) {
    const bool used = reads_edge_features(settings_.encoder());
    rows.emplace_back("edge features", features_.edge_source + (used ? "" : " (not used by this model)"));
  }
  std::string widths;
  for (const std::int64_t width : settings_.widths) widths += (widths.empty() ? "" : ", ") + std::to_string(width);
  std::string model = name_in(kModels, settings_.model) + ", layer widths " + widths;
  if (has_edge_attention(settings_.encoder())) model += ", " + std::to_string(settings_.heads) + " heads";
  if (settings_.dropout > 0) model += ", dropout " + format_number(settings_.dropout, 4);
  if (settings_.attention_dropout > 0) {
    model += ", attention dropout " + format_number(settings_.attention_dropout, 4);
  }
  rows.emplace_back("model", model);
  rows.emplace_back(
      "read-out", std::string(settings_.readout == Readout::last ? "of the last layer" : "of all layers") + ", pool " +
                      name_in(kPools, *settings_.pool) + ", gate " + name_in(kGates, *settings_.gate));
  std::string steps = "batches of " + std::to_string(settings_.batch_size);
  if (settings_.halve_rate_every > 0) {
    steps += ", learning rate halved every " + std::to_string(settings_.halve_rate_every) + " epochs";
  }
  rows.emplace_back("steps", steps);
  const std::vector<double>& split = settings_.split;
  rows.emplace_back("test", split.empty() ? std::to_string(settings_.folds) + "-fold stratified cross-validation"
                                          : "one stratified split " + format_number(split[0], 4) + ", " +
                                                format_number(split[1], 4) + ", " + format_number(split[2], 4));
  return rows;
}

nlohmann::json GraphsTask::look(Training& training, std::int64_t count, std::map<std::string, double>& findings) {
  std::vector<Explanation> explanations = dynamic_cast<GraphTraining&>(training).explain();
  if (const auto area = motif_area(explanations, dataset_)) findings["motif_attention_auc"] = *area;
  return to_json(choose_for_pictures(std::move(explanations), dataset_, count));
}

void GraphsTask::expect_seen(const nlohmann::json& seen) const {
  explanations_from_json(seen, settings_, dataset_);
}

Gallery GraphsTask::draw(const nlohmann::json& seen, const std::filesystem::path& folder) const {
  std::vector<Picture> pictures;
  for (const Explanation& explanation : explanations_from_json(seen, settings_, dataset_)) {
    pictures.push_back(make_picture(dataset_, explanation));
  }
  return write_gallery(folder, "graph_", pictures);
}

std::string GraphsTask::how_to_read() const {
  const bool weighs_nodes = settings_.gate != warpgnn::PoolGate::none;
  const bool attends = has_edge_attention(settings_.encoder());
  std::string text = "Test graphs of the first training, drawn as the model saw them.";
  if (weighs_nodes) {
    text += " A node's colour is its weight in the pool";
    text += settings_.gate == warpgnn::PoolGate::raw
                ? ": orange adds its state, blue subtracts it, white leaves it out."
                : ": the stronger the orange, the more its state counts.";
  }
  if (attends) {
    text += " A link's colour and width are the last layer's attention, mean over heads and both directions.";
  }
  if (!weighs_nodes && !attends) text += " This model has no attention to show.";
  if (!dataset_.motif_nodes.empty()) text += " Nodes with a bold rim belong to the true motif.";
  return text;
}

}  // namespace train::graphs
