// SPDX-License-Identifier: MIT
#include "task.hpp"

#include "core/errors.hpp"
#include "core/fingerprint.hpp"
#include "data/random_bits.hpp"
#include "draw/svg.hpp"
#include "guesses.hpp"
#include "training.hpp"

namespace train::relations {

RelationsTask::RelationsTask() {
  training_.epochs = 100;
  training_.learning_rate = 0.003;
  training_.select = Selection::valid;
  training_.evaluate_every = 5;
}

std::string RelationsTask::about() const {
  return "answers questions that a knowledge graph leaves open: a head and a relation, which tail?\n"
         "Without options: learnt states on UMLS.";
}

Metrics RelationsTask::metrics() const {
  return {{.key = "mrr", .name = "mean reciprocal rank", .digits = 2},
          {.key = "hits_1", .name = "first place", .digits = 2},
          {.key = "hits_10", .name = "first ten", .digits = 2}};
}

void RelationsTask::settle() {
  if (has_encoder(settings_.model)) expect_heads_divide(settings_.heads, settings_.width, "--width");
}

void RelationsTask::load(const RunOptions& options) {
  const auto folder =
      folder_of_data(options, settings_.dataset, kClockName, "train.ids.tsv or train.txt", find_dataset);
  const auto seed = static_cast<std::uint64_t>(training_.seed);
  use(folder ? read_knowledge(*folder, settings_.dataset) : generate_clock(seed));
}

void RelationsTask::use(Knowledge data) {
  if (data.train.empty() || data.valid.empty() || data.test.empty()) {
    throw DataError(data.name + ": expected facts to learn from, to choose by and to be judged by, found " +
                    std::to_string(data.train.size()) + ", " + std::to_string(data.valid.size()) + " and " +
                    std::to_string(data.test.size()));
  }
  data_ = std::move(data);
}

std::string RelationsTask::describe_data() const {
  return data_.name + ": " + std::to_string(data_.entities.size()) + " entities, " +
         std::to_string(data_.relations.size()) + " relations, " + std::to_string(data_.train.size()) + " + " +
         std::to_string(data_.valid.size()) + " + " + std::to_string(data_.test.size()) + " facts";
}

std::string RelationsTask::fingerprint() const {
  Fingerprint hash;
  for (const auto* part : {&data_.train, &data_.valid, &data_.test}) hash.add(*part);
  return describe_data() + ", hash " + std::to_string(hash.value());
}

std::string RelationsTask::describe_size() const {
  return "a model of width " + std::to_string(settings_.width) + " for " + std::to_string(data_.entities.size()) +
         " entities, and " + std::to_string(settings_.batch_size) +
         " questions at a time (--width and --batch-size make it smaller)";
}

std::vector<std::int64_t> RelationsTask::widths() const {
  const std::int64_t tables = settings_.decoder == Decoder::cp ? 2 : 1;
  return {tables * data_.num_entities() + 2 * data_.num_relations(), settings_.width};
}

/// Logits, their gradients and targets; with attention, what each edge has.
double RelationsTask::more_bytes() const {
  const auto entities = static_cast<double>(data_.num_entities());
  const double edges = has_encoder(settings_.model) ? entities + 2 * static_cast<double>(data_.train.size()) : 0;
  return static_cast<double>(warpgnn::size_of(training_.dtype)) *
         (4 * entities * static_cast<double>(settings_.batch_size) +
          2 * edges * static_cast<double>(settings_.relation_width * settings_.layers));
}

std::unique_ptr<Training> RelationsTask::begin(std::int64_t repeat, std::int64_t) {
  const std::uint64_t seed = mix_seed({static_cast<std::uint64_t>(training_.seed), static_cast<std::uint64_t>(repeat)});
  return std::make_unique<RelationTraining>(context_, data_, settings_, training_, seed);
}

std::string RelationsTask::describe_model() const {
  return "Model " + name_in(kModels, settings_.model) + ", decoder " + name_in(kDecoders, settings_.decoder);
}

nlohmann::json RelationsTask::facts() const {
  return {{"dataset", data_.name},
          {"entities", data_.entities.size()},
          {"relations", data_.relations.size()},
          {"facts", data_.train.size() + data_.valid.size() + data_.test.size()},
          {"model", name_in(kModels, settings_.model)}};
}

std::vector<std::pair<std::string, std::string>> RelationsTask::describe() const {
  std::string model = name_in(kModels, settings_.model) + ", width " + std::to_string(settings_.width) + ", dropout " +
                      format_number(settings_.dropout, 4);
  if (has_encoder(settings_.model)) {
    model += ", " + std::to_string(settings_.layers) + " layers of " + std::to_string(settings_.heads) +
             " heads, attention dropout " + format_number(settings_.attention_dropout, 4);
  }
  return {{"data set", describe_data()},
          {"model", model},
          {"decoder", name_in(kDecoders, settings_.decoder)},
          {"steps", std::to_string(settings_.batch_size) + " questions each"}};
}

nlohmann::json RelationsTask::look(Training& training, std::int64_t count, std::map<std::string, double>&) {
  if (count == 0) return nlohmann::json::array();
  return to_json(make_guesses(dynamic_cast<RelationTraining&>(training), data_, count));
}

void RelationsTask::expect_seen(const nlohmann::json& seen) const {
  guesses_from_json(seen, data_);
}

Gallery RelationsTask::draw(const nlohmann::json& seen, const std::filesystem::path& folder) const {
  std::vector<Picture> pictures;
  for (const Guess& guess : guesses_from_json(seen, data_)) pictures.push_back(make_picture(data_, guess));
  return write_gallery(folder, "fact_", pictures);
}

std::string RelationsTask::how_to_read() const {
  const std::string common =
      "Test facts of the first training: head, relation, tail, and the place of the tail among all entities that do "
      "not "
      "answer the question elsewhere in the data. The head and the true tail have a bold rim. ";
  return common + (has_encoder(settings_.model)
                       ? "Around the head are the entities that its state is gathered from, coloured by its attention."
                       : "Around the head are the surest answers, coloured by their chances.");
}

}  // namespace train::relations
