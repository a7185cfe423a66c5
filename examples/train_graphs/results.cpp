// SPDX-License-Identifier: MIT
#include "results.hpp"

#include <limits>
#include <tuple>

#include "common/errors.hpp"
#include "common/json_values.hpp"
#include "common/run_options.hpp"

namespace examples::train_graphs {

using nlohmann::json;

namespace {

EpochRules rules_of(const Settings& settings) {
  return {.most = settings.epochs, .has_valid = settings.has_valid(), .may_stop = settings.patience > 0};
}

/// A run that stands at place `index` of all, without its epochs.
RunResult place_from_json(const json& value, const Settings& settings, std::size_t index) {
  const auto place = static_cast<std::int64_t>(index), per_repeat = settings.runs_per_repeat();
  RunResult run;
  run.repeat = whole_number_in(member(value, "repeat"), "repeat", place / per_repeat, place / per_repeat);
  run.fold = whole_number_in(member(value, "fold"), "fold", place % per_repeat, place % per_repeat);
  return run;
}

Explanation explanation_from_json(const json& value) {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
  Explanation explanation;
  explanation.graph = whole_number_in(member(value, "graph"), "graph", 0, kLargest);
  explanation.label = whole_number_in(member(value, "label"), "label", 0, kLargest);
  explanation.predicted = whole_number_in(member(value, "predicted"), "predicted", 0, kLargest);
  explanation.probability = number_in(member(value, "probability"), "probability", 0, 1);
  explanation.node_weight = numbers_in(member(value, "node_weight"), "node_weight");
  explanation.edge_weight = numbers_in(member(value, "edge_weight"), "edge_weight");
  return explanation;
}

}  // namespace

std::size_t RunResult::chosen_epoch(Selection selection) const {
  std::size_t best = epochs.size() - 1;
  if (selection == Selection::last || !epochs[best].valid) return best;
  const auto rank = [&](std::size_t epoch) {
    return std::tuple(-epochs[epoch].valid->accuracy, epochs[epoch].valid->loss, epoch);
  };
  for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    if (rank(epoch) < rank(best)) best = epoch;
  }
  return best;
}

std::vector<double> Results::test_accuracies(Selection selection) const {
  std::vector<double> accuracies;
  for (const RunResult& run : runs) accuracies.push_back(run.test_accuracy(selection));
  return accuracies;
}

std::vector<std::vector<EpochRecord>> Results::histories() const {
  std::vector<std::vector<EpochRecord>> histories;
  for (const RunResult& run : runs) histories.push_back(run.epochs);
  return histories;
}

std::vector<double> Results::epoch_milliseconds() const {
  std::vector<double> milliseconds;
  for (const RunResult& run : runs) {
    for (const EpochRecord& epoch : run.epochs) milliseconds.push_back(epoch.milliseconds);
  }
  return milliseconds;
}

std::vector<double> Results::motif_aucs() const {
  std::vector<double> aucs;
  for (const RunResult& run : runs) {
    if (run.motif_auc) aucs.push_back(*run.motif_auc);
  }
  return aucs;
}

json to_json(const RunResult& run) {
  return {{"repeat", run.repeat},
          {"fold", run.fold},
          {"epochs", to_json(run.epochs)},
          {"motif_auc", run.motif_auc ? json(*run.motif_auc) : json(nullptr)}};
}

json to_json(const Results& results) {
  json runs = json::array(), explanations = json::array();
  for (const RunResult& run : results.runs) runs.push_back(to_json(run));
  for (const Explanation& explanation : results.explanations) {
    explanations.push_back({{"graph", explanation.graph},
                            {"label", explanation.label},
                            {"predicted", explanation.predicted},
                            {"probability", explanation.probability},
                            {"node_weight", explanation.node_weight},
                            {"edge_weight", explanation.edge_weight}});
  }
  return {{"runs", std::move(runs)}, {"explanations", std::move(explanations)}};
}

Results results_from_json(const json& value, const Settings& settings) {
  Results results;
  const json& runs = array_in(member(value, "runs"), "runs");
  if (static_cast<std::int64_t>(runs.size()) >= settings.num_runs()) {
    throw DataError("runs: expected fewer finished ones than the " + std::to_string(settings.num_runs()) +
                    " of the settings, found " + std::to_string(runs.size()));
  }
  for (const json& run : runs) {
    results.runs.push_back(place_from_json(run, settings, results.runs.size()));
    RunResult& finished = results.runs.back();
    finished.epochs = finished_epochs_from_json(member(run, "epochs"), rules_of(settings));
    const json& area = member(run, "motif_auc");
    if (!area.is_null()) finished.motif_auc = number_in(area, "motif_auc", 0, 1);
  }
  for (const json& item : array_in(member(value, "explanations"), "explanations")) {
    results.explanations.push_back(explanation_from_json(item));
  }
  const std::size_t most = results.runs.empty() ? 0 : kMostPictures;
  if (results.explanations.size() > most) {
    throw DataError("explanations: expected at most " + std::to_string(most) + ", found " +
                    std::to_string(results.explanations.size()));
  }
  return results;
}

RunResult present_from_json(const json& value, const Settings& settings, const Results& finished) {
  RunResult run = place_from_json(value, settings, finished.runs.size());
  run.epochs = epochs_from_json(member(value, "epochs"), rules_of(settings));
  if (!member(value, "motif_auc").is_null()) throw DataError("motif_auc: expected null in a run that is not finished");
  return run;
}

}  // namespace examples::train_graphs
