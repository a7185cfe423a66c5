// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "common/epochs.hpp"
#include "settings.hpp"

namespace examples::train_graphs {

/// One training: one fold of one repeat.
struct RunResult {
  std::int64_t repeat = 0;
  std::int64_t fold = 0;
  std::vector<EpochRecord> epochs;
  std::optional<double> motif_auc;  ///< how well node attention ranks the motif's nodes first, where they are known

  /// The epoch that counts: the last, or the best in validation accuracy (then loss, then the earliest).
  std::size_t chosen_epoch(Selection selection) const;
  double test_accuracy(Selection selection) const { return epochs[chosen_epoch(selection)].test.accuracy; }
};

/// What the model saw in one test graph. Weights that the model does not have are empty.
struct Explanation {
  std::int64_t graph = 0;
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  double probability = 0;           ///< of the predicted class
  std::vector<double> node_weight;  ///< per node of the graph
  std::vector<double> edge_weight;  ///< per edge of the data set that lies in the graph, in order
};

/// Whether a graph of so many nodes can be seen in a picture.
constexpr bool is_drawable(std::int64_t nodes) {
  return nodes > 0 && nodes <= 60;
}

struct Results {
  std::vector<RunResult> runs;  ///< finished ones
  std::vector<Explanation> explanations;

  std::vector<double> test_accuracies(Selection selection) const;
  /// The epochs of every run.
  std::vector<std::vector<EpochRecord>> histories() const;
  std::vector<double> epoch_milliseconds() const;
  std::vector<double> motif_aucs() const;
};

nlohmann::json to_json(const RunResult& run);
nlohmann::json to_json(const Results& results);
/// The finished runs, and the present one of which `finished` tells the place. Both throw DataError for what these
/// settings cannot have made.
Results results_from_json(const nlohmann::json& json, const Settings& settings);
RunResult present_from_json(const nlohmann::json& json, const Settings& settings, const Results& finished);

}  // namespace examples::train_graphs
