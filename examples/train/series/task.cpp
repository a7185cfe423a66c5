// SPDX-License-Identifier: MIT
#include "task.hpp"

#include "core/errors.hpp"
#include "core/fingerprint.hpp"
#include "data/random_bits.hpp"
#include "draw/svg.hpp"
#include "sightings.hpp"
#include "training.hpp"

namespace train::series {

namespace {

/// "RMSE to 15, 30, 45 and 60 minutes 3.1, ..., at 60 minutes 7.2"
std::string describe_errors(const Errors& errors) {
  std::string text = "RMSE to 15, 30, 45 and 60 minutes";
  for (const std::int64_t ahead : {3, 6, 9, 12}) text += " " + format_fixed(errors.up_to(ahead), 2);
  text += ", at these";
  for (const std::int64_t ahead : {3, 6, 9, 12}) text += " " + format_fixed(errors.at(ahead), 2);
  return text + ", mean error " + format_fixed(errors.mean_absolute(), 2);
}

}  // namespace

SeriesTask::SeriesTask() {
  settings_.split = {0.7, 0.1, 0.2};
  training_.epochs = 60;
  training_.patience = 15;
  training_.learning_rate = 0.002;
  training_.select = Selection::valid;
}

std::string SeriesTask::about() const {
  return "tells what sensors on a network will measure, such as the traffic of the next hour\n"
         "Without options: GAT and GRU on a week of Los Angeles' speeds.";
}

Metrics SeriesTask::metrics() const {
  Metrics metrics;
  for (const char* how : {"to", "at"}) {
    for (const char* minutes : {"60", "45", "30", "15"}) {
      metrics.push_back({.key = std::string("rmse_") + how + "_" + minutes,
                         .name = std::string("RMSE ") + how + " " + minutes + " min",
                         .is_fraction = false,
                         .more_is_better = false,
                         .digits = 2});
    }
  }
  metrics.push_back({.key = "mae", .name = "mean error", .is_fraction = false, .more_is_better = false, .digits = 2});
  return metrics;
}

void SeriesTask::settle() {
  expect_sums_to_one(settings_.split, "0.7,0.1,0.2");
  if (has_edge_attention(settings_.model)) expect_heads_divide(settings_.heads, settings_.hidden, "--hidden");
}

void SeriesTask::load(const RunOptions& options) {
  const auto folder = folder_of_data(options, settings_.dataset, kWaveName, "los_speed.csv", find_dataset);
  const auto seed = static_cast<std::uint64_t>(training_.seed);
  use(folder ? read_series(*folder, settings_.dataset) : generate_wave(seed));
}

void SeriesTask::use(SeriesData data) {
  data_ = std::move(data);
  const auto [train, valid, test] = parts();
  last_value_ = describe_errors(last_value_errors(data_, test));
  daily_mean_ = describe_errors(daily_mean_errors(data_, test, DailyMean(data_, train)));
}

std::string SeriesTask::describe_data() const {
  return data_.name + ": " + std::to_string(data_.sensors()) + " sensors, " + std::to_string(data_.source.size()) +
         " edges, " + std::to_string(data_.steps()) + " steps";
}

std::string SeriesTask::fingerprint() const {
  Fingerprint hash;
  hash.add(data_.values.values);
  hash.add(data_.source);
  hash.add(data_.destination);
  hash.add(data_.weight);
  return describe_data() + ", hash " + std::to_string(hash.value());
}

std::string SeriesTask::describe_size() const {
  return "a model of width " + std::to_string(settings_.hidden) + " for " + std::to_string(data_.sensors()) +
         " sensors, " + std::to_string(settings_.batch_size) +
         " forecasts at a time (--hidden and --batch-size make it smaller)";
}

std::vector<std::int64_t> SeriesTask::widths() const {
  std::vector<std::int64_t> widths(static_cast<std::size_t>(settings_.layers) + 1, settings_.hidden);
  widths.push_back(3 * settings_.hidden);  // a GRU's three parts, of the input and of the state
  widths.push_back(settings_.hidden);
  return widths;
}

/// Of every input step, its states, the GRU's parts and their gradients.
double SeriesTask::more_bytes() const {
  const auto rows = static_cast<double>(settings_.batch_size * data_.sensors() * kInputs);
  return static_cast<double>(warpgnn::size_of(training_.dtype)) * rows *
         static_cast<double>(settings_.hidden * (14 + 2 * settings_.layers));
}

std::unique_ptr<Training> SeriesTask::begin(std::int64_t repeat, std::int64_t) {
  const std::uint64_t seed = mix_seed({static_cast<std::uint64_t>(training_.seed), static_cast<std::uint64_t>(repeat)});
  return std::make_unique<SeriesTraining>(context_, data_, parts(), settings_, training_, seed);
}

std::string SeriesTask::describe_model() const {
  return "Model " + name_in(kModels, settings_.model) + ", GRU and attention over time" +
         "\nOn the test, the last value: " + last_value_ + "\nwhat is usual at the time: " + daily_mean_;
}

nlohmann::json SeriesTask::facts() const {
  return {{"dataset", data_.name},
          {"sensors", data_.sensors()},
          {"steps", data_.steps()},
          {"edges", data_.source.size()},
          {"last_value", last_value_},
          {"daily_mean", daily_mean_},
          {"model", name_in(kModels, settings_.model)}};
}

std::vector<std::pair<std::string, std::string>> SeriesTask::describe() const {
  std::string model = name_in(kModels, settings_.model) + ", " + std::to_string(settings_.layers) +
                      " layers of width " + std::to_string(settings_.hidden);
  if (has_edge_attention(settings_.model)) model += " and " + std::to_string(settings_.heads) + " heads";
  if (settings_.dropout > 0) model += ", dropout " + format_number(settings_.dropout, 4);
  const std::vector<double>& split = settings_.split;
  return {{"data set", describe_data()},
          {"model", model + "; a GRU of that width over time, weighed by attention"},
          {"split", format_number(split[0], 4) + ", " + format_number(split[1], 4) + ", " + format_number(split[2], 4) +
                        " of the time"},
          {"steps", "batches of " + std::to_string(settings_.batch_size)},
          {"the last value", last_value_},
          {"what is usual at the time", daily_mean_}};
}

nlohmann::json SeriesTask::look(Training& training, std::int64_t count, std::map<std::string, double>&) {
  if (count == 0) return nlohmann::json::array();
  return to_json(find_sightings(dynamic_cast<SeriesTraining&>(training), data_, parts()[2], count));
}

void SeriesTask::expect_seen(const nlohmann::json& seen) const {
  sightings_from_json(seen, data_, parts()[2]);
}

Gallery SeriesTask::draw(const nlohmann::json& seen, const std::filesystem::path& folder) const {
  return draw_sightings(sightings_from_json(seen, data_, parts()[2]), data_, parts()[2], folder);
}

std::string SeriesTask::how_to_read() const {
  return "Forecasts of the first training on the test: where they are wrong, what they look at in time, and a day of "
         "the "
         "sensors whose values differ most.";
}

}  // namespace train::series
