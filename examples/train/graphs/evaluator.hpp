// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/epochs.hpp"
#include "explanation.hpp"
#include "model.hpp"
#include "warpgnn/nn/layers.hpp"

namespace train::graphs {

/// Scores a model on a fixed set of graphs, whose batches are cut out once.
class Evaluator {
 public:
  /// `part` names the graphs in messages: validation or test.
  Evaluator(const DeviceData& data, const Categories& labels, std::vector<std::int64_t> graphs, std::string part);

  const std::vector<std::int64_t>& graphs() const { return graphs_; }
  /// Both throw TrainingError where the model's numbers are not finite.
  Score score(warpgnn::nn::Session& session, Model& model, warpgnn::nn::CrossEntropy& loss);
  /// The explanations of all graphs, in the order of graphs().
  std::vector<Explanation> explain(warpgnn::nn::Session& session, Model& model, warpgnn::nn::CrossEntropy& loss,
                                   const Dataset& dataset);

 private:
  struct Part {
    std::unique_ptr<Batcher> batcher;  // owns the memory that `batch` views
    const Batch* batch;
    std::size_t begin, count;  // in graphs_
  };

  const DeviceData* data_;
  std::string name_;
  std::vector<std::int64_t> graphs_;
  std::vector<std::int32_t> labels_;
  std::vector<Part> parts_;
};

}  // namespace train::graphs
