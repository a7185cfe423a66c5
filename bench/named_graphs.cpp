// SPDX-License-Identifier: MIT
#include "named_graphs.hpp"

#include <stdexcept>
#include <variant>

#include "generators.hpp"
#include "real_data.hpp"

namespace warpgnn::bench {

namespace {

enum class Kind { real, like, synthetic };

using Recipe = std::variant<PowerLaw, HubStress, EdgeSet (*)()>;

struct NamedGraph {
  std::string_view name;
  Kind kind;
  Recipe recipe;
};

EdgeSet cora() {
  auto read = read_cora();
  return read ? std::move(*read) : power_law({.nodes = 2708, .edges = 10556, .max_degree = 168, .seed = 1});
}
EdgeSet mutag_batch() {
  auto read = read_mutag(128);
  return read ? std::move(*read) : molecules(128, 18, 3, 2);
}
EdgeSet smoke() {
  return molecules(8, 12, 2, 3);
}

bool is_at_hand(std::string_view name) {
  return name == "cora" ? read_cora().has_value() : read_mutag(1).has_value();
}

const NamedGraph kGraphs[] = {
    {"smoke", Kind::synthetic, smoke},
    {"yardstick", Kind::synthetic, PowerLaw{.nodes = 42336, .edges = 580000, .max_degree = 2000, .seed = 4}},
    {"cora", Kind::real, cora},
    {"mutag128", Kind::real, mutag_batch},
    {"zinc128", Kind::like, [] { return molecules(128, 23, 3, 5); }},
    {"zinc1024", Kind::like, [] { return molecules(1024, 23, 3, 6); }},
    {"pattern128", Kind::like, [] { return dense_batch(128, 119, 6100, 7); }},
    {"road", Kind::like, [] { return road_grid(377, 8); }},
    {"arxiv", Kind::like, PowerLaw{.nodes = 169343, .edges = 2320000, .max_degree = 13200, .seed = 9}},
    {"hub16th", Kind::synthetic, HubStress{.nodes = 180645, .edges = 987500, .hub_degree = 31250, .seed = 10}},
    {"hub", Kind::synthetic, HubStress{.nodes = 2890331, .edges = 15800000, .hub_degree = 500000, .seed = 11}},
    {"reddit", Kind::like, PowerLaw{.nodes = 232965, .edges = 114600000, .max_degree = 21700, .seed = 12}},
    {"products", Kind::like, PowerLaw{.nodes = 2449029, .edges = 123700000, .max_degree = 17500, .seed = 13}},
};

const NamedGraph& find(std::string_view name) {
  for (const NamedGraph& graph : kGraphs) {
    if (graph.name == name) return graph;
  }
  throw std::invalid_argument("no graph is named " + std::string(name));
}

/// Still with a row that is long (kChunkEdges) where there was one.
struct Shrunk {
  Recipe operator()(const PowerLaw& law) const {
    return PowerLaw{.nodes = 60, .edges = 800, .max_degree = 120, .seed = law.seed};
  }
  Recipe operator()(const HubStress& hub) const {
    return HubStress{.nodes = 80, .edges = 1600, .hub_degree = 600, .seed = hub.seed};
  }
  Recipe operator()(EdgeSet (*)()) const { return smoke; }
};

struct Made {
  const Context& context;

  EdgeTensors operator()(const PowerLaw& law) const { return power_law(context, law); }
  EdgeTensors operator()(const HubStress& hub) const { return hub_stress(context, hub); }
  EdgeTensors operator()(EdgeSet (*make)()) const { return upload(context, make()); }
};

}  // namespace

EdgeTensors named_graph(const Context& context, std::string_view name, Scale scale) {
  const Recipe& recipe = find(name).recipe;
  return std::visit(Made{context}, scale == Scale::full ? recipe : std::visit(Shrunk{}, recipe));
}

std::string display_name(std::string_view name) {
  const Kind kind = find(name).kind;
  const bool stand_in = kind == Kind::like || (kind == Kind::real && !is_at_hand(name));
  return std::string(name) + (stand_in ? "-like" : "");
}

}  // namespace warpgnn::bench
