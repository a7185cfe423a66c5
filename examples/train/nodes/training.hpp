// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "core/training.hpp"
#include "device_graph.hpp"
#include "neighbourhoods.hpp"
#include "warpgnn/nn/layers.hpp"

namespace train::nodes {

/// Training of a node classifier; an epoch is one step on the whole graph.
class NodeTraining : public Training {
 public:
  /// `graph` and `data` must outlive it.
  NodeTraining(const DeviceGraph& graph, const NodeData& data, const Settings& settings,
               const TrainingSettings& training, std::uint64_t seed);

  std::int64_t steps() const override { return 1; }
  void begin_epoch(std::int64_t) override {}
  void step(std::int64_t step) override;
  Scores scores(bool evaluate) override;

  /// Of all test nodes.
  std::vector<Neighbourhood> look_around();

 private:
  /// Logits [N, classes] of all nodes.
  warpgnn::ConstTensorView forward();
  std::vector<double> evaluate();
  /// How much each edge of the last layer counts in the last forward: attention, or GCN's fixed weights, [E, 1].
  warpgnn::SharedTensor edge_weight();

  const DeviceGraph* graph_;
  const NodeData* data_;
  std::unique_ptr<Encoder> encoder_;
  warpgnn::nn::CrossEntropy loss_;
  warpgnn::Tensor train_nodes_, train_labels_;  // [n] int32
  warpgnn::Tensor train_row_;                   // [N] int32: the row of a node in train_nodes_, -1 for others
  warpgnn::Tensor train_logits_, dlogits_;
};

}  // namespace train::nodes
