// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "evaluator.hpp"
#include "splits.hpp"
#include "training_step.hpp"

namespace examples::train_graphs {

/// Training of one model on one split: its state, one step, one epoch.
class TrainingRun {
 public:
  TrainingRun(const DeviceData& data, const Dataset& dataset, const Settings& settings, const Split& split,
              std::int64_t repeat, std::int64_t fold);

  /// Goes on with the present epoch, or begins the next. False: `stop` said so and the epoch is not complete. Throws
  /// TrainingError where a loss, an output or the state is no longer finite; such an epoch is not in the result.
  bool train_epoch(const std::function<bool()>& stop);
  bool finished() const;

  const RunResult& result() const { return result_; }
  Model& model() { return model_; }
  /// Of all test graphs, in their order. Also sets the result's motif_auc where motif nodes are known.
  std::vector<Explanation> explain();

  /// All tensors of the state, for a checkpoint: parameters, Adam's moments, the sums of the present epoch.
  std::vector<warpgnn::nn::NamedTensor> tensors();
  std::int64_t step() const { return step_; }  ///< steps done of the present epoch
  std::uint64_t dropout_state() const { return session_.dropout_state(); }
  /// The counterpart of the four above; `load` reads the tensors it is given. To be called on a fresh run.
  void restore(RunResult result, std::int64_t step, std::uint64_t dropout_state,
               const std::function<void(const std::vector<warpgnn::nn::NamedTensor>&)>& load);

 private:
  void begin_epoch();
  void train_step();
  std::int64_t steps_per_epoch() const;
  Score epoch_score() const;

  const Dataset* dataset_;
  Settings settings_;
  std::vector<std::int64_t> train_;
  warpgnn::nn::Session session_;
  Model model_;
  warpgnn::nn::CrossEntropy loss_;  // of evaluations
  warpgnn::nn::Adam adam_;
  TrainingStep training_step_;
  Evaluator valid_, test_;
  RunResult result_;

  // The present epoch. Nothing of it is read back before the epoch ends.
  std::int64_t step_ = 0;
  std::vector<std::int64_t> order_;
  std::vector<std::int32_t> order_labels_;
  warpgnn::Tensor loss_sum_;       // [1], over graphs
  warpgnn::Tensor probabilities_;  // [n, classes], in this epoch's order
  double milliseconds_ = 0;
};

}  // namespace examples::train_graphs
