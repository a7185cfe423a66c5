// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>
#include <utility>

#include "chemistry.hpp"
#include "draw/svg.hpp"
#include "explanation.hpp"

namespace train::graphs {
namespace {

struct LinkData {
  double weight = 0;
  int directions = 0;
  std::int64_t label = -1;
};

std::string node_text(const Dataset& dataset, std::size_t node) {
  std::string text;
  for (const Categories& column : dataset.node_labels) {
    const std::int64_t label = column.value[static_cast<std::size_t>(column.index[node])];
    text += (text.empty() ? "" : ",") + atom_symbol(dataset.name, label);
  }
  return text;
}

std::string title_of(const Dataset& dataset, const Explanation& explanation) {
  const auto name = [&](std::int64_t label) {
    return class_name(dataset.name, dataset.graph_labels.value[static_cast<std::size_t>(label)]);
  };
  const std::string item = is_molecule_set(dataset.name) ? "Molecule " : "Graph ";
  return item + std::to_string(explanation.graph + 1) + " is " + name(explanation.label) + ", predicted " +
         name(explanation.predicted) + " (" + format_fixed(100 * explanation.probability, 0) + " %)";
}

void add_links(const Dataset& dataset, const Explanation& explanation, Picture& picture) {
  const auto graph = static_cast<std::size_t>(explanation.graph);
  const std::int64_t first = dataset.graph_offsets[graph], last = dataset.graph_offsets[graph + 1];
  std::map<std::pair<std::int64_t, std::int64_t>, LinkData> links;
  std::size_t edge_in_graph = 0;
  for (std::size_t e = 0; e < dataset.source.size(); ++e) {
    const std::int64_t source = dataset.source[e], destination = dataset.destination[e];
    if (source < first || source >= last) continue;
    const std::size_t at = edge_in_graph++;
    if (source == destination) continue;
    LinkData& link = links[std::minmax(source, destination)];
    if (!explanation.edge_weight.empty()) link.weight += explanation.edge_weight[at];
    ++link.directions;
    if (dataset.edge_labels.size() == 1) {
      const Categories& labels = dataset.edge_labels[0];
      link.label = labels.value[static_cast<std::size_t>(labels.index[e])];
    }
  }
  for (const auto& [ends, link] : links) {
    picture.links.push_back({static_cast<std::size_t>(ends.first - first),
                             static_cast<std::size_t>(ends.second - first), bond_kind(dataset.name, link.label),
                             link.weight / link.directions});
  }
}

}  // namespace

Picture make_picture(const Dataset& dataset, const Explanation& explanation) {
  const auto graph = static_cast<std::size_t>(explanation.graph);
  const auto first = static_cast<std::size_t>(dataset.graph_offsets[graph]);
  const auto count = static_cast<std::size_t>(dataset.graph_offsets[graph + 1]) - first;
  Picture picture;
  picture.name = "graph_" + std::to_string(explanation.graph + 1);
  picture.title = title_of(dataset, explanation);
  picture.is_right = explanation.label == explanation.predicted;
  picture.is_molecule = is_molecule_set(dataset.name);
  picture.has_node_weights = !explanation.node_weight.empty();
  picture.has_link_weights = !explanation.edge_weight.empty();
  for (std::size_t n = 0; n < count; ++n) {
    picture.nodes.push_back({node_text(dataset, first + n), picture.has_node_weights ? explanation.node_weight[n] : 0,
                             !dataset.motif_nodes.empty() && dataset.motif_nodes[first + n] != 0});
  }
  add_links(dataset, explanation, picture);
  return picture;
}

}  // namespace train::graphs
