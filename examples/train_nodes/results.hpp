// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/epochs.hpp"
#include "selection.hpp"
#include "settings.hpp"

namespace examples::train_nodes {

/// What the last layer gathered for one test node: the node itself, first, and its neighbours with their weights.
struct Neighbourhood {
  std::int32_t predicted = 0;
  double probability = 0;  ///< of the predicted class
  std::vector<std::int32_t> nodes;
  std::vector<double> weight;
};

/// Whether so few and so many nodes make a picture.
inline bool is_drawable(const Neighbourhood& item) {
  return item.nodes.size() >= 4 && item.nodes.size() <= 16;
}

/// The epochs of every training that is finished, and what the first one saw.
struct Results {
  std::vector<std::vector<EpochRecord>> runs;
  std::vector<Neighbourhood> neighbourhoods;

  std::vector<double> test_accuracies(Selection selection) const;
  std::vector<double> epoch_milliseconds() const;
};

nlohmann::json to_json(const Results& results);
/// The finished trainings, and the epochs of the present one. Both throw DataError for what these settings cannot have
/// made.
Results results_from_json(const nlohmann::json& json, const Settings& settings);
std::vector<EpochRecord> present_from_json(const nlohmann::json& json, const Settings& settings);

}  // namespace examples::train_nodes
