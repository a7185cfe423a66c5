#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "warpgnn/graph.hpp"

namespace warpgnn::bench {

/// A directed graph on the host. graph_offsets is empty unless it is a batch.
struct EdgeSet {
  std::int64_t nodes = 0;
  std::vector<std::int32_t> source;
  std::vector<std::int32_t> destination;
  std::vector<std::int64_t> graph_offsets;

  std::int64_t edges() const { return static_cast<std::int64_t>(source.size()); }
  EdgeList view() const;
};

/// One of the named graphs, always the same for one name: a real one where its data is at hand and else one that is
/// generated from a fixed seed. Throws std::invalid_argument for an unknown name.
EdgeSet named_edge_set(std::string_view name);

/// The name to show: graphs that only resemble a published one end in "-like".
std::string display_name(std::string_view name);

}  // namespace warpgnn::bench
