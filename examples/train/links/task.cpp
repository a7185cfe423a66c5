// SPDX-License-Identifier: MIT
#include "task.hpp"

#include "core/errors.hpp"
#include "core/fingerprint.hpp"
#include "data/random_bits.hpp"
#include "draw/svg.hpp"
#include "surroundings.hpp"
#include "training.hpp"

namespace train::links {

LinksTask::LinksTask() {
  settings_.split = {0.85, 0.05, 0.1};
  training_.epochs = 400;
  training_.patience = 100;
  training_.learning_rate = 0.003;
  training_.weight_decay = 3e-3;
  training_.select = Selection::valid;
  training_.repeats = 5;
}

std::string LinksTask::about() const {
  return "tells which pairs of nodes are linked, from the other links\n"
         "Without options: GCN on Cora, 85 % of the links to learn from, five times.";
}

TrainingWords LinksTask::training_words() const {
  return {.repeats_help = "trainings with fresh splits and weights"};
}

void LinksTask::settle() {
  expect_sums_to_one(settings_.split, "0.85,0.05,0.1");
  if (has_edge_attention(settings_.model)) expect_heads_divide(settings_.heads, settings_.hidden, "--hidden");
}

void LinksTask::load(const RunOptions& options) {
  const auto folder = folder_of_data(options, settings_.dataset, kSmallWorldName,
                                     settings_.dataset + ".txt or raw/edge.csv.gz", find_dataset);
  const auto seed = static_cast<std::uint64_t>(training_.seed);
  use(folder ? read_links(*folder, settings_.dataset, training_.dtype) : generate_small_world(seed));
}

void LinksTask::use(LinkData data) {
  if (data.links.size() < 10) throw DataError(data.name + ": expected 10 links at least, to split them");
  data_ = std::move(data);
}

std::string LinksTask::describe_data() const {
  const std::int64_t features = data_.features.columns;
  return data_.name + ": " + std::to_string(data_.num_nodes) + " nodes, " + std::to_string(data_.links.size()) +
         " links, " + (features == 0 ? "no features" : std::to_string(features) + " features");
}

std::string LinksTask::fingerprint() const {
  Fingerprint hash;
  std::vector<std::int32_t> ends;
  for (const auto& [a, b] : data_.links) ends.insert(ends.end(), {a, b});
  hash.add(ends);
  hash.add(data_.features.values);
  return data_.name + ", " + std::to_string(data_.num_nodes) + " nodes, " + std::to_string(data_.links.size()) +
         " links, hash " + std::to_string(hash.value());
}

std::string LinksTask::describe_size() const {
  return "a model of widths " + std::to_string(num_features()) + " x " + std::to_string(settings_.hidden) + " x " +
         std::to_string(settings_.states) + " on " + std::to_string(data_.num_nodes) + " nodes and " +
         std::to_string(data_.links.size()) + " links (--hidden, --states and --embedding make it smaller)";
}

std::vector<std::int64_t> LinksTask::widths() const {
  return {num_features(), settings_.hidden, settings_.states};
}

double LinksTask::more_bytes() const {
  const auto pairs = 12 * static_cast<double>(data_.links.size());  // five times to learn from, and twice as many
  const auto nodes = static_cast<double>(data_.num_nodes);
  return static_cast<double>(warpgnn::size_of(training_.dtype)) *
         (pairs * static_cast<double>(settings_.states) +
          2 * nodes * static_cast<double>(settings_.hidden + settings_.states + num_features()));
}

std::unique_ptr<Training> LinksTask::begin(std::int64_t repeat, std::int64_t) {
  const std::uint64_t seed = mix_seed({static_cast<std::uint64_t>(training_.seed), static_cast<std::uint64_t>(repeat)});
  const std::vector<double>& split = settings_.split;
  return std::make_unique<LinkTraining>(context_, data_,
                                        split_links(data_, {split[0], split[1], split[2]}, mix_seed({seed, 0x5B117})),
                                        settings_, training_, seed);
}

std::string LinksTask::describe_model() const {
  return "Model " + name_in(kModels, settings_.model) + ", decoder " + name_in(kDecoders, settings_.decoder) +
         "; node features: " + (data_.features.columns == 0 ? "learned" : "given");
}

nlohmann::json LinksTask::facts() const {
  return {{"dataset", data_.name},
          {"nodes", data_.num_nodes},
          {"links", data_.links.size()},
          {"features", data_.features.columns},
          {"model", name_in(kModels, settings_.model)}};
}

std::vector<std::pair<std::string, std::string>> LinksTask::describe() const {
  const bool attends = has_edge_attention(settings_.model);
  std::string model = name_in(kModels, settings_.model) + ", widths " + std::to_string(settings_.hidden) + " and " +
                      std::to_string(settings_.states) + ", dropout " + format_number(settings_.dropout, 4);
  if (attends) {
    model += ", " + std::to_string(settings_.heads) + " heads, attention dropout " +
             format_number(settings_.attention_dropout, 4);
  }
  const std::vector<double>& split = settings_.split;
  return {{"data set", describe_data()},
          {"model", model},
          {"decoder", name_in(kDecoders, settings_.decoder)},
          {"split", format_number(split[0], 4) + ", " + format_number(split[1], 4) + ", " + format_number(split[2], 4) +
                        " of the links; as many pairs without one"}};
}

nlohmann::json LinksTask::look(Training& training, std::int64_t count, std::map<std::string, double>&) {
  if (count == 0) return nlohmann::json::array();
  return to_json(find_surroundings(dynamic_cast<LinkTraining&>(training), count));
}

void LinksTask::expect_seen(const nlohmann::json& seen) const {
  surroundings_from_json(seen, data_);
}

Gallery LinksTask::draw(const nlohmann::json& seen, const std::filesystem::path& folder) const {
  std::vector<Picture> pictures;
  for (const Surroundings& item : surroundings_from_json(seen, data_)) {
    pictures.push_back(make_picture(data_, item, has_edge_attention(settings_.model) ? "attention" : "weight"));
  }
  return write_gallery(folder, "pair_", pictures);
}

std::string LinksTask::how_to_read() const {
  return "Test pairs of the first training, with a bold rim, and the nodes that are linked to either. The colour is "
         "how "
         "much the nearer node of the pair takes from a node in the last layer: " +
         std::string(has_edge_attention(settings_.model)
                         ? "its attention."
                         : "GCN's fixed weight of the link, which depends on the degrees of its ends alone.");
}

}  // namespace train::links
