// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "dataset.hpp"
#include "draw/picture.hpp"
#include "settings.hpp"

namespace train::graphs {

/// What the model saw in one test graph. Weights that the model does not have are empty.
struct Explanation {
  std::int64_t graph = 0;
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  double probability = 0;           ///< of the predicted class
  std::vector<double> node_weight;  ///< per node of the graph
  std::vector<double> edge_weight;  ///< per edge of the data set that lies in the graph, in order
};

/// The graphs worth a picture, at most `count`: small ones, two thirds of them classified right where there are enough
/// wrong ones, the classes taking turns, the surest answers first.
std::vector<Explanation> choose_for_pictures(std::vector<Explanation> explanations, const Dataset& dataset,
                                             std::int64_t count);

nlohmann::json to_json(const std::vector<Explanation>& explanations);
/// Throws DataError for what a model of these settings cannot have made of this data set.
std::vector<Explanation> explanations_from_json(const nlohmann::json& list, const Settings& settings,
                                                const Dataset& dataset);

/// The graph of an explanation with its weights.
Picture make_picture(const Dataset& dataset, const Explanation& explanation);

}  // namespace train::graphs
