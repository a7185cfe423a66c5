// SPDX-License-Identifier: MIT
#include "task.hpp"

#include "block_generator.hpp"
#include "core/errors.hpp"
#include "core/memory.hpp"
#include "data/random_bits.hpp"
#include "draw/svg.hpp"
#include "neighbourhoods.hpp"
#include "ogb_reader.hpp"
#include "training.hpp"

namespace train::nodes {

NodesTask::NodesTask() {
  training_.weight_decay = 5e-4;
  training_.repeats = 10;
}

std::string NodesTask::about() const {
  return "classifies nodes of one graph, such as papers by what they cite\n"
         "Without options: GCN on Cora's public split, ten times.";
}

bool NodesTask::is_generated() const {
  return settings_.dataset == kBlockDatasetName;
}

void NodesTask::load(const RunOptions& options) {
  const auto folder = folder_of_data(options, settings_.dataset, kBlockDatasetName, "raw/edge.csv.gz", find_dataset);
  const auto seed = static_cast<std::uint64_t>(training_.seed);
  use(folder ? read_ogb(*folder, settings_.dataset, settings_.split, training_.dtype) : generate_blocks(seed));
}

void NodesTask::use(NodeData data) {
  if (data.num_classes() < 2) throw DataError(data.name + ": all nodes have the same class, nothing to learn");
  data_ = std::move(data);
  features_ = data_.features;
  has_unit_rows_ = normalise_rows(features_);
}

void NodesTask::move_to(const warpgnn::Context& context) {
  const double bytes = static_cast<double>(features_.rows) * static_cast<double>(features_.columns) *
                       static_cast<double>(warpgnn::size_of(training_.dtype));
  const std::string what =
      "the features of shape [" + std::to_string(features_.rows) + ", " + std::to_string(features_.columns) + "]";
  graph_ = naming_memory(what, bytes,
                         [&] { return std::make_unique<DeviceGraph>(context, training_.dtype, data_, features_); });
  features_ = {};
}

std::vector<std::int64_t> NodesTask::widths() const {
  return {data_.features.columns, settings_.hidden_width(), data_.num_classes()};
}

std::string NodesTask::describe_size() const {
  const std::vector<std::int64_t> layers = widths();
  return "a model of widths " + std::to_string(layers[0]) + " x " + std::to_string(layers[1]) + " x " +
         std::to_string(layers[2]) + " on " + std::to_string(data_.num_nodes()) +
         " nodes (--hidden and --heads make it smaller)";
}

/// Every node has states behind the layers, and their gradients.
double NodesTask::more_bytes() const {
  const std::vector<std::int64_t> layers = widths();
  return 2 * static_cast<double>(warpgnn::size_of(training_.dtype)) * static_cast<double>(data_.num_nodes()) *
         static_cast<double>(layers[1] + layers[2]);
}

std::unique_ptr<Training> NodesTask::begin(std::int64_t repeat, std::int64_t) {
  const std::uint64_t seed = mix_seed({static_cast<std::uint64_t>(training_.seed), static_cast<std::uint64_t>(repeat)});
  return std::make_unique<NodeTraining>(*graph_, data_, settings_, training_, seed);
}

std::string NodesTask::describe_model() const {
  return "Model " + name_in(kModels, settings_.model) + "; features " +
         (has_unit_rows_ ? "with rows of sum 1" : "as in the file");
}

nlohmann::json NodesTask::facts() const {
  return {{"dataset", data_.name},          {"nodes", data_.num_nodes()},
          {"edges", data_.num_edges()},     {"features", data_.features.columns},
          {"classes", data_.num_classes()}, {"model", name_in(kModels, settings_.model)}};
}

std::vector<std::pair<std::string, std::string>> NodesTask::describe() const {
  const bool attends = has_edge_attention(settings_.model);
  std::string model = name_in(kModels, settings_.model) + ", two layers, hidden " +
                      (attends ? std::to_string(settings_.heads) + " heads of " : "") +
                      std::to_string(settings_.hidden) + ", dropout " + format_number(settings_.dropout, 4);
  if (attends) model += ", attention dropout " + format_number(settings_.attention_dropout, 4);
  return {{"data set", describe_data()},
          {"split", settings_.split},
          {"model", model},
          {"weight decay", attends ? "of all weights" : "of the first layer's weights"}};
}

nlohmann::json NodesTask::look(Training& training, std::int64_t count, std::map<std::string, double>&) {
  if (count == 0) return nlohmann::json::array();
  return to_json(choose_for_pictures(dynamic_cast<NodeTraining&>(training).look_around(), data_, count));
}

void NodesTask::expect_seen(const nlohmann::json& seen) const {
  neighbourhoods_from_json(seen, data_);
}

Gallery NodesTask::draw(const nlohmann::json& seen, const std::filesystem::path& folder) const {
  std::vector<Picture> pictures;
  for (const Neighbourhood& item : neighbourhoods_from_json(seen, data_)) {
    pictures.push_back(make_picture(data_, item, settings_.model));
  }
  return write_gallery(folder, "node_", pictures);
}

std::string NodesTask::how_to_read() const {
  const std::string weight = has_edge_attention(settings_.model)
                                 ? "its attention in the last layer: how much the node in the middle takes from it."
                                 : "GCN's fixed weight of the edge, which depends on the degrees of its ends alone.";
  return "Test nodes of the first training with all their neighbours. The number in a node is its class, \"?\" where "
         "it has none. The colour is " +
         weight +
         " The node in the middle attends to itself too. A bold rim marks the class of the node in the middle.";
}

}  // namespace train::nodes
