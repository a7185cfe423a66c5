#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/epochs.hpp"
#include "selection.hpp"

namespace examples::train_nodes {

/// What the last layer gathered for one test node: the node itself, first, and its neighbours with their weights.
struct Neighbourhood {
  std::int32_t predicted = 0;
  double probability = 0;  ///< of the predicted class
  std::vector<std::int32_t> nodes;
  std::vector<double> weight;
};

/// The epochs of every training that is finished, and what the first one saw.
struct Results {
  std::vector<std::vector<EpochRecord>> runs;
  std::vector<Neighbourhood> neighbourhoods;

  std::vector<double> test_accuracies(Selection selection) const;
  std::vector<double> epoch_milliseconds() const;
};

nlohmann::json to_json(const Results& results);
/// Throws nlohmann::json::exception for JSON that to_json did not make.
Results results_from_json(const nlohmann::json& json);

}  // namespace examples::train_nodes
