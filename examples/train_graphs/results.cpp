#include "results.hpp"

#include <tuple>

namespace examples::train_graphs {

using nlohmann::json;

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

RunResult run_from_json(const json& value) {
  RunResult run;
  run.repeat = value.at("repeat").get<std::int64_t>();
  run.fold = value.at("fold").get<std::int64_t>();
  run.epochs = epochs_from_json(value.at("epochs"));
  if (!value.at("motif_auc").is_null()) run.motif_auc = value.at("motif_auc").get<double>();
  return run;
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

Results results_from_json(const json& value) {
  const auto numbers = [](const json& array) {
    std::vector<double> values;
    for (const json& item : array) values.push_back(number_from(item));
    return values;
  };
  Results results;
  for (const json& run : value.at("runs")) results.runs.push_back(run_from_json(run));
  for (const json& item : value.at("explanations")) {
    Explanation explanation;
    explanation.graph = item.at("graph").get<std::int64_t>();
    explanation.label = item.at("label").get<std::int64_t>();
    explanation.predicted = item.at("predicted").get<std::int64_t>();
    explanation.probability = number_from(item.at("probability"));
    explanation.node_weight = numbers(item.at("node_weight"));
    explanation.edge_weight = numbers(item.at("edge_weight"));
    results.explanations.push_back(std::move(explanation));
  }
  return results;
}

}  // namespace examples::train_graphs
