#include "edge_set.hpp"

#include <stdexcept>

#include "generators.hpp"
#include "real_data.hpp"

namespace warpgnn::bench {

namespace {

enum class Kind { real, like, synthetic };

struct NamedGraph {
  std::string_view name;
  Kind kind;
  EdgeSet (*make)();
};

EdgeSet cora() {
  auto read = read_cora();
  return read ? std::move(*read) : power_law(2708, 10556, 168, 1);
}
EdgeSet mutag_batch() {
  auto read = read_mutag(128);
  return read ? std::move(*read) : molecules(128, 18, 3, 2);
}

bool is_at_hand(std::string_view name) {
  return name == "cora" ? read_cora().has_value() : read_mutag(1).has_value();
}

constexpr NamedGraph kGraphs[] = {
    {"smoke", Kind::synthetic, [] { return molecules(8, 12, 2, 3); }},
    {"yardstick", Kind::synthetic, [] { return power_law(42336, 580000, 2000, 4); }},
    {"cora", Kind::real, cora},
    {"mutag128", Kind::real, mutag_batch},
    {"zinc128", Kind::like, [] { return molecules(128, 23, 3, 5); }},
    {"zinc1024", Kind::like, [] { return molecules(1024, 23, 3, 6); }},
    {"pattern128", Kind::like, [] { return dense_batch(128, 119, 6100, 7); }},
    {"road", Kind::like, [] { return road_grid(377, 8); }},
    {"arxiv", Kind::like, [] { return power_law(169343, 2320000, 13200, 9); }},
    {"hub16th", Kind::synthetic, [] { return hub_stress(180645, 987500, 31250, 10); }},
    {"hub", Kind::synthetic, [] { return hub_stress(2890331, 15800000, 500000, 11); }},
    {"reddit", Kind::like, [] { return power_law(232965, 114600000, 21700, 12); }},
    {"products", Kind::like, [] { return power_law(2449029, 123700000, 17500, 13); }},
};

const NamedGraph& find(std::string_view name) {
  for (const NamedGraph& graph : kGraphs) {
    if (graph.name == name) return graph;
  }
  throw std::invalid_argument("no graph is named " + std::string(name));
}

}  // namespace

EdgeList EdgeSet::view() const {
  EdgeList list{.source = warpgnn::view(source.data(), {edges()}),
                .destination = warpgnn::view(destination.data(), {edges()}),
                .num_sources = nodes,
                .num_destinations = nodes};
  if (!graph_offsets.empty()) {
    list.graph_offsets = warpgnn::view(graph_offsets.data(), {static_cast<std::int64_t>(graph_offsets.size())});
  }
  return list;
}

EdgeSet named_edge_set(std::string_view name) {
  return find(name).make();
}

std::string display_name(std::string_view name) {
  const Kind kind = find(name).kind;
  const bool stand_in = kind == Kind::like || (kind == Kind::real && !is_at_hand(name));
  return std::string(name) + (stand_in ? "-like" : "");
}

}  // namespace warpgnn::bench
