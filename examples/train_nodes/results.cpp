#include "results.hpp"

namespace examples::train_nodes {

using nlohmann::json;

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

Results results_from_json(const json& value) {
  Results results;
  for (const json& epochs : value.at("runs")) results.runs.push_back(epochs_from_json(epochs));
  for (const json& item : value.at("neighbourhoods")) {
    Neighbourhood neighbourhood;
    neighbourhood.predicted = item.at("predicted").get<std::int32_t>();
    neighbourhood.probability = number_from(item.at("probability"));
    neighbourhood.nodes = item.at("nodes").get<std::vector<std::int32_t>>();
    for (const json& weight : item.at("weight")) neighbourhood.weight.push_back(number_from(weight));
    results.neighbourhoods.push_back(std::move(neighbourhood));
  }
  return results;
}

}  // namespace examples::train_nodes
