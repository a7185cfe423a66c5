// SPDX-License-Identifier: MIT
#include "surroundings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/errors.hpp"
#include "core/json_values.hpp"
#include "core/statistics.hpp"
#include "draw/svg.hpp"

namespace train::links {

using nlohmann::json;

namespace {

constexpr std::size_t kFewest = 4, kMost = 16;

bool has_link(const LinkData& data, std::int32_t a, std::int32_t b) {
  return std::binary_search(data.links.begin(), data.links.end(), Pair(std::minmax(a, b)));
}

/// By node, the in-edges of the graph of training links.
std::vector<std::vector<std::size_t>> in_edges(const LinkTraining& training, std::size_t nodes) {
  std::vector<std::vector<std::size_t>> edges(nodes);
  for (std::size_t e = 0; e < training.destination().size(); ++e) {
    edges[static_cast<std::size_t>(training.destination()[e])].push_back(e);
  }
  return edges;
}

}  // namespace

std::vector<Surroundings> find_surroundings(LinkTraining& training, std::int64_t count) {
  const std::vector<double> chances = training.test_chances(), weight = training.edge_weight();
  const PairSet& test = training.test_pairs();
  std::size_t nodes = 0;
  for (const std::int32_t node : training.destination()) nodes = std::max(nodes, static_cast<std::size_t>(node) + 1);
  const auto edges = in_edges(training, nodes);

  std::vector<Surroundings> links, apart;
  for (std::size_t p = 0; p < test.pairs.size(); ++p) {
    const auto [a, b] = test.pairs[p];
    std::map<std::int32_t, double> around;
    for (const std::int32_t end : {a, b}) {
      for (const std::size_t e : edges[static_cast<std::size_t>(end)]) {
        double& most = around[training.source()[e]];
        most = std::max(most, finite(weight[e], "an attention of an edge"));
      }
    }
    if (around.size() < kFewest || around.size() > kMost) continue;
    Surroundings item{chances[p], {a, b}, {around[a], around[b]}};
    for (const auto& [node, most] : around) {
      if (node == a || node == b) continue;
      item.nodes.push_back(node);
      item.weight.push_back(most);
    }
    (p < test.links ? links : apart).push_back(std::move(item));
  }
  const auto surest = [](const Surroundings& x, const Surroundings& y) {
    return std::abs(x.chance - 0.5) > std::abs(y.chance - 0.5);
  };
  for (auto* list : {&links, &apart}) std::stable_sort(list->begin(), list->end(), surest);
  std::vector<Surroundings> chosen;
  for (std::size_t k = 0; static_cast<std::int64_t>(chosen.size()) < count; ++k) {
    if (k >= links.size() && k >= apart.size()) break;
    if (k < links.size()) chosen.push_back(links[k]);
    if (k < apart.size() && static_cast<std::int64_t>(chosen.size()) < count) chosen.push_back(apart[k]);
  }
  return chosen;
}

json to_json(const std::vector<Surroundings>& list) {
  json items = json::array();
  for (const Surroundings& item : list) {
    items.push_back({{"chance", item.chance}, {"nodes", item.nodes}, {"weight", item.weight}});
  }
  return items;
}

std::vector<Surroundings> surroundings_from_json(const json& list, const LinkData& data) {
  std::vector<Surroundings> items;
  for (const json& value : list) {
    Surroundings item;
    item.chance = number_in(member(value, "chance"), "chance", 0, 1);
    for (const json& node : array_in(member(value, "nodes"), "nodes")) {
      item.nodes.push_back(static_cast<std::int32_t>(whole_number_in(node, "nodes", 0, data.num_nodes - 1)));
    }
    item.weight = numbers_in(member(value, "weight"), "weight");
    if (item.nodes.size() < kFewest || item.nodes.size() > kMost) {
      throw DataError("surroundings of " + std::to_string(item.nodes.size()) + " nodes are not drawn");
    }
    if (item.weight.size() != item.nodes.size()) throw DataError("weight: expected one for each node");
    items.push_back(std::move(item));
  }
  return items;
}

Picture make_picture(const LinkData& data, const Surroundings& surroundings, const std::string& weight_name) {
  const std::int32_t a = surroundings.nodes[0], b = surroundings.nodes[1];
  const bool is_link = has_link(data, a, b);
  Picture picture;
  picture.name = "pair_" + std::to_string(a) + "_" + std::to_string(b);
  picture.title = "Nodes " + std::to_string(a) + " and " + std::to_string(b) + " are " +
                  (is_link ? "linked" : "not linked") + ", predicted " + format_fixed(100 * surroundings.chance, 0) +
                  " %";
  picture.is_right = is_link == (surroundings.chance >= 0.5);
  picture.has_node_weights = true;
  picture.weight_name = weight_name;
  for (std::size_t n = 0; n < surroundings.nodes.size(); ++n) {
    picture.nodes.push_back({std::to_string(surroundings.nodes[n]), surroundings.weight[n], n < 2});
    for (std::size_t other = 0; other < n; ++other) {
      const bool is_the_pair = n == 1 && other == 0;
      if (is_the_pair || !has_link(data, surroundings.nodes[n], surroundings.nodes[other])) continue;
      picture.links.push_back({other, n, Bond::plain, 0});
    }
  }
  return picture;
}

}  // namespace train::links
