// SPDX-License-Identifier: MIT
#pragma once

#include "core/training.hpp"
#include "evaluator.hpp"
#include "splits.hpp"
#include "training_step.hpp"

namespace train::graphs {

/// Training of a graph classifier on one split.
class GraphTraining : public Training {
 public:
  GraphTraining(const DeviceData& data, const Dataset& dataset, const Settings& settings,
                const TrainingSettings& training, const Split& split, std::uint64_t seed);

  std::int64_t steps() const override;
  void begin_epoch(std::int64_t epoch) override;
  void step(std::int64_t step) override;
  Scores scores(bool evaluate) override;

  /// Of all test graphs, in their order.
  std::vector<Explanation> explain();
  Model& model() { return model_; }

 private:
  void collect_epoch(std::vector<warpgnn::nn::NamedTensor>& tensors) override;

  const Dataset* dataset_;
  std::uint64_t seed_;
  std::int64_t batch_size_, halve_rate_every_;
  double learning_rate_;
  std::vector<std::int64_t> train_;
  Model model_;
  warpgnn::nn::CrossEntropy loss_;  // of evaluations
  TrainingStep training_step_;
  Evaluator valid_, test_;

  // The present epoch. Nothing of it is read back before the epoch ends.
  std::vector<std::int64_t> order_;
  std::vector<std::int32_t> order_labels_;
  warpgnn::Tensor loss_sum_;       // [1], over graphs
  warpgnn::Tensor probabilities_;  // [n, classes], in this epoch's order
};

/// How well node attention ranks the motif's nodes first, mean over the graphs; nothing where they are not known.
std::optional<double> motif_area(const std::vector<Explanation>& explanations, const Dataset& dataset);

}  // namespace train::graphs
