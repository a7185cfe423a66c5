// SPDX-License-Identifier: MIT
#include "explanation.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "core/errors.hpp"
#include "core/json_values.hpp"

namespace train::graphs {

using nlohmann::json;

namespace {

/// Whether a graph of so many nodes can be seen in a picture.
constexpr bool is_drawable(std::int64_t nodes) {
  return nodes > 0 && nodes <= 60;
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

/// Throws unless an explanation is one of this data set by a model of these settings.
void expect_fits(const Explanation& explanation, const Settings& settings, const Dataset& dataset,
                 const std::vector<std::vector<std::size_t>>& edges) {
  const auto expect = [](bool holds, const std::string& message) {
    if (!holds) throw DataError(message);
  };
  const std::string name = "the explanation of graph " + std::to_string(explanation.graph);
  expect(explanation.graph < dataset.num_graphs(),
         name + ": there are " + std::to_string(dataset.num_graphs()) + " graphs");
  const auto graph = static_cast<std::size_t>(explanation.graph);
  expect(explanation.label == dataset.graph_labels.index[graph], name + ": the label is not the graph's");
  expect(explanation.predicted < dataset.num_classes(), name + ": the predicted class does not exist");
  const std::int64_t nodes = dataset.graph_offsets[graph + 1] - dataset.graph_offsets[graph];
  expect(is_drawable(nodes), name + ": a graph of " + std::to_string(nodes) + " nodes is not drawn");
  const auto weights = [&](const std::vector<double>& given, bool has, std::int64_t count, const char* item) {
    const auto expected = static_cast<std::size_t>(has ? count : 0);
    expect(given.size() == expected, name + ": expected " + std::to_string(expected) + " weights of " + item +
                                         ", found " + std::to_string(given.size()));
  };
  weights(explanation.node_weight, settings.gate != warpgnn::PoolGate::none, nodes, "nodes");
  weights(explanation.edge_weight, has_edge_attention(settings.encoder()), std::ssize(edges[graph]), "edges");
}

}  // namespace

json to_json(const std::vector<Explanation>& explanations) {
  json list = json::array();
  for (const Explanation& explanation : explanations) {
    list.push_back({{"graph", explanation.graph},
                    {"label", explanation.label},
                    {"predicted", explanation.predicted},
                    {"probability", explanation.probability},
                    {"node_weight", explanation.node_weight},
                    {"edge_weight", explanation.edge_weight}});
  }
  return list;
}

std::vector<Explanation> explanations_from_json(const json& list, const Settings& settings, const Dataset& dataset) {
  const auto edges = edges_by_graph(dataset);
  std::vector<Explanation> explanations;
  std::set<std::int64_t> known;
  for (const json& item : list) {
    explanations.push_back(explanation_from_json(item));
    expect_fits(explanations.back(), settings, dataset, edges);
    if (known.insert(explanations.back().graph).second) continue;
    throw DataError("the explanation of graph " + std::to_string(explanations.back().graph) + " stands there twice");
  }
  return explanations;
}

std::vector<Explanation> choose_for_pictures(std::vector<Explanation> explanations, const Dataset& dataset,
                                             std::int64_t count) {
  const auto nodes = [&](const Explanation& explanation) {
    const auto graph = static_cast<std::size_t>(explanation.graph);
    return dataset.graph_offsets[graph + 1] - dataset.graph_offsets[graph];
  };
  std::erase_if(explanations, [&](const auto& item) { return !is_drawable(nodes(item)); });
  std::stable_sort(explanations.begin(), explanations.end(),
                   [](const auto& a, const auto& b) { return a.probability > b.probability; });

  const auto take = [&](bool right, std::size_t most) {
    std::vector<Explanation> taken;
    for (std::int64_t label = 0, misses = 0; taken.size() < most && misses < dataset.num_classes();
         label = (label + 1) % dataset.num_classes()) {
      const auto found = std::find_if(explanations.begin(), explanations.end(), [&](const auto& item) {
        return item.label == label && (item.predicted == item.label) == right;
      });
      misses = found == explanations.end() ? misses + 1 : 0;
      if (found == explanations.end()) continue;
      taken.push_back(std::move(*found));
      explanations.erase(found);
    }
    return taken;
  };
  const auto wanted = static_cast<std::size_t>(count);
  std::vector<Explanation> wrong = take(false, wanted / 3);
  std::vector<Explanation> chosen = take(true, wanted - wrong.size());
  for (Explanation& more : wrong) chosen.push_back(std::move(more));
  for (Explanation& more : take(false, wanted - std::min(wanted, chosen.size()))) chosen.push_back(std::move(more));
  return chosen;
}

}  // namespace train::graphs
