// SPDX-License-Identifier: MIT
#include "device_graph.hpp"

#include "warpgnn/ops/gcn_norm.hpp"

namespace train::nodes {

DeviceGraph::DeviceGraph(const warpgnn::Context& context, warpgnn::Dtype dtype, const NodeData& data,
                         const Matrix& features)
    : context_(context),
      source_(data.source),
      destination_(data.destination),
      features_(upload(context, dtype, features.values, {features.rows, features.columns})) {
  const std::int64_t nodes = data.num_nodes();
  std::vector<bool> has_loop(static_cast<std::size_t>(nodes), false);
  for (std::size_t e = 0; e < source_.size(); ++e) {
    if (source_[e] == destination_[e]) has_loop[static_cast<std::size_t>(source_[e])] = true;
  }
  for (std::int32_t node = 0; node < nodes; ++node) {
    if (has_loop[static_cast<std::size_t>(node)]) continue;
    source_.push_back(node);
    destination_.push_back(node);
  }
  graph_ = upload_graph(context, source_, destination_, nodes, nodes);
  node_scale_ = warpgnn::Tensor(context, dtype, {nodes});
  warpgnn::gcn_norm_forward(context, {.graph = graph_}, {.inv_sqrt_degree = node_scale_});
  input_ = {.graph = graph_, .x = features_, .node_scale = node_scale_, .edge_features = {}};
}

warpgnn::Tensor DeviceGraph::gcn_norm() const {
  const warpgnn::Dtype dtype = node_scale_.view().dtype;
  warpgnn::Tensor norm(context_, dtype, {graph_.num_edges()});
  const warpgnn::Tensor inv_sqrt_degree(context_, dtype, {graph_.num_nodes()});
  warpgnn::gcn_norm_forward(context_, {.graph = graph_}, {.norm = norm, .inv_sqrt_degree = inv_sqrt_degree});
  return norm;
}

}  // namespace train::nodes
