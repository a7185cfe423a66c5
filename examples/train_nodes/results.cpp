// SPDX-License-Identifier: MIT
#include "results.hpp"

#include <limits>

#include "common/errors.hpp"
#include "common/json_values.hpp"
#include "common/run_options.hpp"

namespace examples::train_nodes {

using nlohmann::json;

namespace {

EpochRules rules_of(const Settings& settings) {
  return {.most = settings.epochs, .has_valid = true, .may_stop = settings.patience > 0};
}

Neighbourhood neighbourhood_from_json(const json& value) {
  constexpr std::int32_t kLargest = std::numeric_limits<std::int32_t>::max();
  Neighbourhood item;
  item.predicted = static_cast<std::int32_t>(whole_number_in(member(value, "predicted"), "predicted", 0, kLargest));
  item.probability = number_in(member(value, "probability"), "probability", 0, 1);
  for (const json& node : array_in(member(value, "nodes"), "nodes")) {
    item.nodes.push_back(static_cast<std::int32_t>(whole_number_in(node, "nodes", 0, kLargest)));
  }
  item.weight = numbers_in(member(value, "weight"), "weight");
  return item;
}

}  // namespace

std::vector<double> Results::test_accuracies(Selection selection) const {
  std::vector<double> accuracies;
  for (const auto& epochs : runs) accuracies.push_back(epochs[chosen_epoch(epochs, selection)].test.accuracy);
  return accuracies;
}

std::vector<double> Results::epoch_milliseconds() const {
  std::vector<double> milliseconds;
  for (const auto& epochs : runs) {
    for (const EpochRecord& epoch : epochs) milliseconds.push_back(epoch.milliseconds);
  }
  return milliseconds;
}

json to_json(const Results& results) {
  json runs = json::array(), neighbourhoods = json::array();
  for (const auto& epochs : results.runs) runs.push_back(to_json(epochs));
  for (const Neighbourhood& item : results.neighbourhoods) {
    neighbourhoods.push_back({{"predicted", item.predicted},
                              {"probability", item.probability},
                              {"nodes", item.nodes},
                              {"weight", item.weight}});
  }
  return {{"runs", std::move(runs)}, {"neighbourhoods", std::move(neighbourhoods)}};
}

Results results_from_json(const json& value, const Settings& settings) {
  Results results;
  const json& runs = array_in(member(value, "runs"), "runs");
  if (static_cast<std::int64_t>(runs.size()) >= settings.repeats) {
    throw DataError("runs: expected fewer finished ones than the " + std::to_string(settings.repeats) +
                    " of the settings, found " + std::to_string(runs.size()));
  }
  for (const json& epochs : runs) results.runs.push_back(finished_epochs_from_json(epochs, rules_of(settings)));
  for (const json& item : array_in(member(value, "neighbourhoods"), "neighbourhoods")) {
    results.neighbourhoods.push_back(neighbourhood_from_json(item));
  }
  const std::size_t most = results.runs.empty() ? 0 : kMostPictures;
  if (results.neighbourhoods.size() > most) {
    throw DataError("neighbourhoods: expected at most " + std::to_string(most) + ", found " +
                    std::to_string(results.neighbourhoods.size()));
  }
  return results;
}

std::vector<EpochRecord> present_from_json(const json& value, const Settings& settings) {
  return epochs_from_json(value, rules_of(settings));
}

}  // namespace examples::train_nodes
