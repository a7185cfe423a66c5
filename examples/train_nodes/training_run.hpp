// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "network.hpp"
#include "results.hpp"
#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/layers.hpp"

namespace examples::train_nodes {

/// Training of one network: its state, one epoch, which is one step on the whole graph.
class TrainingRun {
 public:
  TrainingRun(const DeviceGraph& graph, const NodeData& data, const Settings& settings, std::int64_t repeat);

  /// Throws TrainingError where a loss, an output or the state is no longer finite; such an epoch is not in epochs().
  void train_epoch();
  bool finished() const;

  const std::vector<EpochRecord>& epochs() const { return epochs_; }
  /// Trainable numbers.
  std::int64_t num_parameters() const;
  /// Of `count` test nodes, as the network of the chosen epoch saw them; ends the training.
  std::vector<Neighbourhood> look_around(std::int64_t count);

  /// All tensors of the state, for a checkpoint: parameters, those of the chosen epoch, Adam's moments.
  std::vector<warpgnn::nn::NamedTensor> tensors();
  std::uint64_t dropout_state() const { return session_.dropout_state(); }
  /// The counterpart of the two above; `load` reads the tensors it is given. To be called on a fresh run.
  void restore(std::vector<EpochRecord> epochs, std::uint64_t dropout_state,
               const std::function<void(const std::vector<warpgnn::nn::NamedTensor>&)>& load);

 private:
  void train_step();
  std::vector<double> evaluate();
  void keep_chosen();

  const DeviceGraph* graph_;
  const NodeData* data_;
  Settings settings_;
  warpgnn::nn::Session session_;
  std::unique_ptr<Network> network_;
  warpgnn::nn::ParameterList decayed_, free_;  // with and without L2 penalty
  warpgnn::nn::Adam decayed_adam_, free_adam_;
  warpgnn::nn::CrossEntropy loss_;
  warpgnn::Tensor train_nodes_, train_labels_;  // [n] int32
  warpgnn::Tensor train_row_;                   // [N] int32: the row of a node in train_nodes_, -1 for others
  warpgnn::Tensor train_logits_, dlogits_;
  std::vector<warpgnn::Tensor> chosen_;  // the parameters of the epoch that counts so far
  EarlyStopping stopping_;
  std::vector<EpochRecord> epochs_;
};

}  // namespace examples::train_nodes
