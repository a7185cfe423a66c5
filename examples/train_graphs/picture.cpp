#include "picture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

#include "svg.hpp"

namespace train_graphs {
namespace {

constexpr Colour kWhite{255, 255, 255};
constexpr Colour kPositive{250, 152, 56};
constexpr Colour kNegative{116, 172, 236};

struct LinkData {
  double weight = 0;
  int directions = 0;
  std::int64_t label = -1;
};

std::string node_text(const Dataset& dataset, std::size_t node) {
  if (dataset.node_labels.empty()) return "";
  const std::int64_t label = dataset.node_labels.value[static_cast<std::size_t>(dataset.node_labels.index[node])];
  return atom_symbol(dataset.name, label);
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
    if (!dataset.edge_labels.empty()) {
      link.label = dataset.edge_labels.value[static_cast<std::size_t>(dataset.edge_labels.index[e])];
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

std::string node_colour(const Picture& picture, double weight) {
  double largest = 0;
  for (const Picture::Node& node : picture.nodes) largest = std::max(largest, std::abs(node.weight));
  if (!std::isfinite(weight) || largest == 0) return hex(kWhite);
  return hex(blend(kWhite, weight > 0 ? kPositive : kNegative, std::abs(weight) / largest));
}

double link_strength(const Picture& picture, double weight) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Picture::Link& link : picture.links) {
    low = std::min(low, link.weight);
    high = std::max(high, link.weight);
  }
  return high > low ? (weight - low) / (high - low) : 0;
}

std::string picture_dot(const Picture& picture, int start) {
  const auto quoted = [](const std::string& text) {
    std::string quote = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') quote += '\\';
      quote += c;
    }
    return quote + '"';
  };
  std::ostringstream dot;
  dot << "graph " << quoted(picture.name) << " {\n"
      << "  graph [layout=neato, overlap=true, start=" << start
      << ", epsilon=0.00001, maxiter=2000, label=" << quoted(picture.title) << ", fontname=\"sans-serif\"];\n"
      << "  node [shape=circle, fixedsize=true, width=0.42, style=filled, fontname=\"sans-serif\", fontsize=13];\n"
      << "  edge [len=1, color=\"#58616b\"];\n";
  for (std::size_t n = 0; n < picture.nodes.size(); ++n) {
    const Picture::Node& node = picture.nodes[n];
    dot << "  n" << n << " [label=" << quoted(node.text) << ", fillcolor=\"" << node_colour(picture, node.weight) << '"'
        << (node.in_motif ? ", penwidth=2.5" : "") << "];\n";
  }
  for (const Picture::Link& link : picture.links) {
    dot << "  n" << link.a << " -- n" << link.b << " [";
    switch (link.kind) {
      case Bond::aromatic: dot << "color=\"#58616b:white:#aab2ba\", "; break;
      case Bond::double_bond: dot << "color=\"#58616b:white:#58616b\", "; break;
      case Bond::triple: dot << "color=\"#58616b:white:#58616b:white:#58616b\", "; break;
      case Bond::single:
      case Bond::plain: break;
    }
    const double strength = picture.has_link_weights ? link_strength(picture, link.weight) : 0.15;
    dot << "penwidth=" << format_number(1 + 4 * strength, 2) << "];\n";
  }
  dot << "}\n";
  return std::move(dot).str();
}

}  // namespace train_graphs
