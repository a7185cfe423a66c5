// SPDX-License-Identifier: MIT
#include "core/results.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "core/json_values.hpp"
#include "core/run_options.hpp"

namespace train {

using nlohmann::json;

namespace {

/// A run that stands at place `index` of all, without its epochs.
RunResult place_from_json(const json& value, const RunRules& rules, std::size_t index) {
  const auto place = static_cast<std::int64_t>(index);
  RunResult run;
  run.repeat = whole_number_in(member(value, "repeat"), "repeat", place / rules.folds, place / rules.folds);
  run.fold = whole_number_in(member(value, "fold"), "fold", place % rules.folds, place % rules.folds);
  return run;
}

std::map<std::string, double> findings_from_json(const json& value, const RunRules& rules) {
  if (!value.is_object()) throw DataError("findings: expected an object");
  std::map<std::string, double> findings;
  for (const auto& [key, number] : value.items()) {
    const std::string& name = key;
    const bool is_known = std::any_of(rules.findings.begin(), rules.findings.end(),
                                      [&](const Finding& finding) { return finding.key == name; });
    if (!is_known) throw DataError("findings: there is none called \"" + name + '"');
    findings[name] = number_in(number, name, 0, 1);
  }
  return findings;
}

}  // namespace

std::string RunRules::name_of(const RunResult& run) const {
  if (folds == 1) return "training " + std::to_string(run.repeat + 1);
  return (repeats > 1 ? "repeat " + std::to_string(run.repeat + 1) + ", " : "") + "fold " +
         std::to_string(run.fold + 1);
}

nlohmann::ordered_json RunRules::place_of(const RunResult& run) const {
  nlohmann::ordered_json place{{"repeat", run.repeat + 1}};
  if (folds > 1) place["fold"] = run.fold + 1;
  return place;
}

std::vector<Epochs> Results::histories() const {
  std::vector<Epochs> histories;
  for (const RunResult& run : runs) histories.push_back(run.epochs);
  return histories;
}

std::vector<double> Results::tests(std::size_t metric, Selection selection, const Metrics& metrics) const {
  std::vector<double> values;
  for (const RunResult& run : runs) {
    const std::size_t chosen = *chosen_epoch(run.epochs, selection, metrics[0]);
    values.push_back(run.epochs[chosen].test->metrics[metric]);
  }
  return values;
}

std::vector<double> Results::epoch_milliseconds() const {
  std::vector<double> milliseconds;
  for (const RunResult& run : runs) {
    for (const EpochRecord& epoch : run.epochs) milliseconds.push_back(epoch.milliseconds);
  }
  return milliseconds;
}

std::vector<double> Results::findings(const std::string& key) const {
  std::vector<double> values;
  for (const RunResult& run : runs) {
    if (const auto found = run.findings.find(key); found != run.findings.end()) values.push_back(found->second);
  }
  return values;
}

json to_json(const RunResult& run) {
  return {{"repeat", run.repeat}, {"fold", run.fold}, {"epochs", to_json(run.epochs)}, {"findings", run.findings}};
}

json to_json(const Results& results) {
  json runs = json::array();
  for (const RunResult& run : results.runs) runs.push_back(to_json(run));
  return {{"runs", std::move(runs)}, {"seen", results.seen}};
}

Results results_from_json(const json& value, const RunRules& rules) {
  Results results;
  const json& runs = array_in(member(value, "runs"), "runs");
  if (static_cast<std::int64_t>(runs.size()) >= rules.num_runs()) {
    throw DataError("runs: expected fewer finished ones than the " + std::to_string(rules.num_runs()) +
                    " of the settings, found " + std::to_string(runs.size()));
  }
  for (const json& run : runs) {
    results.runs.push_back(place_from_json(run, rules, results.runs.size()));
    results.runs.back().epochs = finished_epochs_from_json(member(run, "epochs"), rules.epochs);
    results.runs.back().findings = findings_from_json(member(run, "findings"), rules);
  }
  results.seen = array_in(member(value, "seen"), "seen");
  const std::size_t most = results.runs.empty() ? 0 : kMostPictures;
  if (results.seen.size() > most) {
    throw DataError("seen: expected at most " + std::to_string(most) + ", found " +
                    std::to_string(results.seen.size()));
  }
  return results;
}

RunResult present_from_json(const json& value, const RunRules& rules, const Results& finished) {
  RunResult run = place_from_json(value, rules, finished.runs.size());
  run.epochs = epochs_from_json(member(value, "epochs"), rules.epochs);
  if (!findings_from_json(member(value, "findings"), rules).empty()) {
    throw DataError("findings: expected none in a run that is not finished");
  }
  return run;
}

}  // namespace train
