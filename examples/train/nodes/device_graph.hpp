// SPDX-License-Identifier: MIT
#pragma once

#include "model/encoder.hpp"
#include "model/transfer.hpp"
#include "node_data.hpp"
#include "warpgnn/graph.hpp"

namespace train::nodes {

/// The graph with a loop at every node, its features and classes, on one device.
class DeviceGraph {
 public:
  /// @param features of `data`, or what normalise_rows made of them.
  DeviceGraph(const warpgnn::Context& context, warpgnn::Dtype dtype, const NodeData& data, const Matrix& features);

  const warpgnn::Context& context() const { return context_; }
  const warpgnn::Graph& graph() const { return graph_; }
  /// What layers read.
  const GraphInput& input() const { return input_; }
  /// gcn_norm [E], made anew at each call.
  warpgnn::Tensor gcn_norm() const;
  /// The ends of every edge, loops included, in the order of the graph's edges.
  const std::vector<std::int32_t>& source() const { return source_; }
  const std::vector<std::int32_t>& destination() const { return destination_; }

 private:
  warpgnn::Context context_;
  std::vector<std::int32_t> source_, destination_;
  warpgnn::Graph graph_;
  warpgnn::Tensor features_;
  warpgnn::Tensor node_scale_;  // that of gcn_norm, [N]
  GraphInput input_;
};

}  // namespace train::nodes
