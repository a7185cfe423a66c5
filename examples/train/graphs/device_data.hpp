// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "features.hpp"
#include "model/encoder.hpp"
#include "model/transfer.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/selector.hpp"

namespace train::graphs {

/// The whole data set on one device: all graphs as one batch, self-loops included, with the data that belongs to its
/// nodes and edges. Mini-batches are cut out of it.
class DeviceData {
 public:
  DeviceData(const warpgnn::Context& context, warpgnn::Dtype dtype, const Dataset& dataset, const Features& features,
             const GraphNeeds& needs);

  const warpgnn::Context& context() const { return context_; }
  warpgnn::Dtype dtype() const { return dtype_; }
  const warpgnn::Graph& graph() const { return graph_; }
  std::int64_t node_features() const { return x_.view().shape[1]; }
  std::int64_t edge_features() const { return edge_features_.defined() ? edge_features_.view().shape[1] : 0; }
  /// [num_graphs + 1, 1] int32, the last one that of padding, which no loss counts.
  const warpgnn::Tensor& labels() const { return labels_; }

 private:
  friend class Batcher;
  warpgnn::Context context_;
  warpgnn::Dtype dtype_;
  warpgnn::Graph graph_;
  warpgnn::Tensor x_;              // [N, F]
  warpgnn::Tensor node_scale_;     // [N, 1], where the model needs it
  warpgnn::Tensor edge_features_;  // [E, D], zero rows for self-loops, where the model needs it
  warpgnn::Tensor labels_;
};

/// Some graphs of the set.
struct Batch : GraphInput {
  warpgnn::ConstTensorView labels;  ///< [G] int32
  warpgnn::ConstTensorView edges;   ///< [E] int32: the edge of the whole set that each edge is
};

/// Cuts batches out of the data set, into memory that it reuses: a batch lives until the next one is cut.
class Batcher {
 public:
  /// @param most_graphs of one batch, with the one of its padding.
  Batcher(const DeviceData& data, std::int64_t most_graphs);
  const warpgnn::Selector& selector() const { return selector_; }

  void choose(std::span<const std::int64_t> graphs, const std::optional<warpgnn::SelectionSize>& padded_to = {}) {
    selector_.choose(graphs, padded_to);
  }
  /// What was chosen last.
  const Batch& cut();

 private:
  void gather(const warpgnn::Tensor& whole, const warpgnn::ConstTensorView& index, warpgnn::Tensor& target);

  const DeviceData* data_;
  warpgnn::Selector selector_;
  Batch batch_;
  warpgnn::Tensor x_, node_scale_, edge_features_, labels_;
  std::vector<warpgnn::GatherRows> tables_;
};

}  // namespace train::graphs
