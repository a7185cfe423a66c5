// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <span>

#include "model.hpp"
#include "warpgnn/nn/layers.hpp"
#include "warpgnn/replay.hpp"

namespace train::graphs {

/// A step of training: a batch is cut out, goes forward and backward through the model, and the optimiser updates.
///
/// On a GPU a step of small graphs takes less time than to launch its kernels one by one. So batches are padded to one
/// of a few sizes there, and the step of each size is recorded at its second run and replayed from then on. Not where a
/// norm over all nodes would see the padding.
class TrainingStep {
 public:
  /// @param update updates the parameters from their gradients and ends the session's step.
  TrainingStep(const DeviceData& data, const Settings& settings, warpgnn::nn::Session& session, Model& model,
               std::function<void()> update);

  void run(std::span<const std::int64_t> graphs);
  /// Of the last run, until the next: the mean over its graphs, [1], and their class probabilities, behind which rows
  /// of padding may follow.
  warpgnn::ConstTensorView loss() const { return loss_; }
  warpgnn::ConstTensorView probability() const { return cross_entropy_.probability(); }
  /// Numbers that the host gives a step, such as the learning rate, have changed.
  void forget() { recorded_.clear(); }

 private:
  /// The smallest of the sizes that these graphs and their padding fit.
  warpgnn::SelectionSize size_for(std::span<const std::int64_t> graphs) const;
  void compute();

  const DeviceData* data_;
  Model* model_;
  std::function<void()> update_;
  warpgnn::nn::CrossEntropy cross_entropy_;
  std::int64_t most_graphs_;  // of a batch
  Batcher batcher_;
  bool pads_;
  warpgnn::ConstTensorView loss_;
  std::map<std::int64_t, warpgnn::Replay> recorded_;  // by the size's number of nodes
};

}  // namespace train::graphs
