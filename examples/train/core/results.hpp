// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/epochs.hpp"

namespace train {

/// A number that a task measures once a training has ended.
struct Finding {
  std::string key;      ///< in files: "motif_auc"
  std::string name;     ///< for readers
  std::string meaning;  ///< one sentence for the terminal and the page
};

/// One training: one fold of one repeat.
struct RunResult {
  std::int64_t repeat = 0;
  std::int64_t fold = 0;
  Epochs epochs;
  std::map<std::string, double> findings;  ///< by key, in [0, 1]
};

/// How the trainings of a run follow each other, and what they may look like.
struct RunRules {
  std::int64_t repeats = 1;
  std::int64_t folds = 1;  ///< of every repeat
  EpochRules epochs;
  std::vector<Finding> findings = {};

  std::int64_t num_runs() const { return repeats * folds; }
  /// "fold 3", "repeat 2, fold 3" or "training 2".
  std::string name_of(const RunResult& run) const;
  /// Its place in files: repeat, and fold where there are some, from 1.
  nlohmann::ordered_json place_of(const RunResult& run) const;
};

struct Results {
  std::vector<RunResult> runs;  ///< finished ones
  nlohmann::json seen =
      nlohmann::json::array();  ///< what the first one saw, item by item, in a form that its task knows

  /// The epochs of every run.
  std::vector<Epochs> histories() const;
  /// A metric of the test in every run's epoch that counts.
  std::vector<double> tests(std::size_t metric, Selection selection, const Metrics& metrics) const;
  std::vector<double> epoch_milliseconds() const;
  /// Of the runs that have it.
  std::vector<double> findings(const std::string& key) const;
};

nlohmann::json to_json(const RunResult& run);
nlohmann::json to_json(const Results& results);
/// The finished runs, and the present one of which `finished` tells the place. Both throw DataError for what breaks the
/// rules. What was seen is not looked into.
Results results_from_json(const nlohmann::json& json, const RunRules& rules);
RunResult present_from_json(const nlohmann::json& json, const RunRules& rules, const Results& finished);

}  // namespace train
