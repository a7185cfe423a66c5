// SPDX-License-Identifier: MIT
#include "device_data.hpp"

#include <string>

#include "core/memory.hpp"
#include "warpgnn/nn/layers.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/ops/gcn_norm.hpp"

namespace train::graphs {

using warpgnn::ConstTensorView;
using warpgnn::Context;
using warpgnn::Dtype;
using warpgnn::Graph;
using warpgnn::Tensor;

namespace {

Graph build_graph(const Context& context, const Dataset& dataset, bool self_loops) {
  const std::int64_t nodes = dataset.num_nodes(), edges = dataset.num_edges();
  const Graph graph = Graph::from_coo(
      context, {.source = warpgnn::view(dataset.source.data(), {edges}),
                .destination = warpgnn::view(dataset.destination.data(), {edges}),
                .num_sources = nodes,
                .num_destinations = nodes,
                .graph_offsets = warpgnn::view(dataset.graph_offsets.data(), {dataset.num_graphs() + 1})});
  return self_loops ? graph.with_self_loops(context, warpgnn::SelfLoops::where_missing) : graph;
}

/// A matrix on the device, with rows of zeros behind its own to make as many as `rows`.
Tensor upload_rows(const Context& context, Dtype dtype, const Matrix& matrix, std::int64_t rows, const char* item) {
  const double bytes =
      static_cast<double>(rows) * static_cast<double>(matrix.columns) * static_cast<double>(size_of(dtype));
  const std::string what =
      std::string(item) + " features of shape [" + std::to_string(rows) + ", " + std::to_string(matrix.columns) + "]";
  return naming_memory(what, bytes, [&] {
    if (rows == matrix.rows) return upload(context, dtype, matrix.values, {rows, matrix.columns});
    std::vector<double> padded = matrix.values;
    padded.resize(static_cast<std::size_t>(rows * matrix.columns), 0);
    return upload(context, dtype, padded, {rows, matrix.columns});
  });
}

}  // namespace

DeviceData::DeviceData(const Context& context, Dtype dtype, const Dataset& dataset, const Features& features,
                       const GraphNeeds& needs)
    : context_(context),
      dtype_(dtype),
      graph_(build_graph(context, dataset, needs.self_loops)),
      x_(upload_rows(context, dtype, features.node, features.node.rows, "node")) {
  const std::int64_t nodes = graph_.num_nodes(), edges = graph_.num_edges();
  if (needs.node_scale) {
    // The graphs are disconnected, so the degrees, and with them the scale, are those of every batch cut out later.
    node_scale_ = Tensor(context, dtype, {nodes, 1});
    warpgnn::gcn_norm_forward(context, {.graph = graph_},
                              {.inv_sqrt_degree = warpgnn::reshape(node_scale_.view(), {nodes})});
  }
  if (needs.edge_features && features.edge.columns != 0) {
    edge_features_ = upload_rows(context, dtype, features.edge, edges, "edge");
  } else if (needs.constant_edge_feature) {
    const std::vector<double> ones(static_cast<std::size_t>(edges), 1);
    edge_features_ = upload(context, dtype, ones, {edges, 1});
  }
  std::vector<std::int32_t> labels(dataset.graph_labels.index.begin(), dataset.graph_labels.index.end());
  labels.push_back(warpgnn::nn::CrossEntropyOptions{}.ignore_index);
  labels_ = Tensor::from<std::int32_t>(context, labels, {static_cast<std::int64_t>(labels.size()), 1});
}

Batcher::Batcher(const DeviceData& data, std::int64_t most_graphs)
    : data_(&data), selector_(data.context(), data.graph(), most_graphs) {}

void Batcher::gather(const Tensor& whole, const ConstTensorView& index, Tensor& target) {
  if (!whole.defined()) return;
  target.resize(data_->context_, whole.view().dtype, {index.shape[0], whole.view().shape[1]});
  tables_.push_back({.x = whole, .index = index, .y = target});
}

const Batch& Batcher::cut() {
  const warpgnn::GraphSelection& selection = selector_.cut();
  tables_.clear();
  gather(data_->x_, selection.nodes, x_);
  gather(data_->node_scale_, selection.nodes, node_scale_);
  gather(data_->edge_features_, selection.edges, edge_features_);
  gather(data_->labels_, selector_.graphs(), labels_);
  warpgnn::gather_tables(data_->context_, {tables_});
  batch_.x = x_;
  if (node_scale_.defined()) batch_.node_scale = warpgnn::reshape(node_scale_.view(), {node_scale_.view().shape[0]});
  if (edge_features_.defined()) batch_.edge_features = edge_features_;
  batch_.labels = warpgnn::reshape(labels_.view(), {labels_.view().shape[0]});
  batch_.graph = selection.graph;
  batch_.edges = selection.edges;
  return batch_;
}

}  // namespace train::graphs
