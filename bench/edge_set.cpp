// SPDX-License-Identifier: MIT
#include "edge_set.hpp"

namespace warpgnn::bench {

namespace {

EdgeList list_of(const ConstTensorView& source, const ConstTensorView& destination, std::int64_t nodes,
                 const std::vector<std::int64_t>& graph_offsets) {
  EdgeList list{.source = source, .destination = destination, .num_sources = nodes, .num_destinations = nodes};
  if (!graph_offsets.empty()) {
    list.graph_offsets = view(graph_offsets.data(), {static_cast<std::int64_t>(graph_offsets.size())});
  }
  return list;
}

}  // namespace

EdgeList EdgeSet::view() const {
  return list_of(warpgnn::view(source.data(), {edges()}), warpgnn::view(destination.data(), {edges()}), nodes,
                 graph_offsets);
}

EdgeList EdgeTensors::view() const {
  return list_of(source, destination, nodes, graph_offsets);
}

EdgeTensors upload(const Context& context, const EdgeSet& set) {
  return {.nodes = set.nodes,
          .source = Tensor::from<std::int32_t>(context, set.source, {set.edges()}),
          .destination = Tensor::from<std::int32_t>(context, set.destination, {set.edges()}),
          .graph_offsets = set.graph_offsets};
}

}  // namespace warpgnn::bench
