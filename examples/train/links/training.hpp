// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include "core/training.hpp"
#include "model/encoder.hpp"
#include "settings.hpp"
#include "structure.hpp"
#include "warpgnn/nn/layers.hpp"

namespace train::links {

namespace nn = warpgnn::nn;

/// Pairs to judge, on the device.
struct PairSet {
  std::vector<Pair> pairs;  ///< links first
  std::size_t links = 0;
  warpgnn::Graph first, second;  ///< from nodes to pairs: an edge from the smaller or the larger node of each pair
  warpgnn::Tensor input;         ///< [P, states + numbers of structure]; what the decoder sees
  warpgnn::Tensor target;        ///< [P, 1]: 1 for links
};

/// Training of a link predictor; an epoch is one step on all links and as many other pairs.
class LinkTraining : public Training {
 public:
  /// `data` must outlive it.
  LinkTraining(const warpgnn::Context& context, const LinkData& data, const LinkSplit& split, const Settings& settings,
               const TrainingSettings& training, std::uint64_t seed);

  std::int64_t steps() const override { return 1; }
  void begin_epoch(std::int64_t epoch) override { epoch_ = static_cast<std::size_t>(epoch); }
  void step(std::int64_t step) override;
  Scores scores(bool evaluate) override;

  /// The chance of a link for each test pair, links first.
  std::vector<double> test_chances();
  const PairSet& test_pairs() const { return test_; }
  /// How much each end of a training link, and itself, counts for a node in the last layer: weight by edge of the
  /// graph of training links, in both directions, loops at the end.
  std::vector<double> edge_weight();
  const std::vector<std::int32_t>& source() const { return source_; }
  const std::vector<std::int32_t>& destination() const { return destination_; }

 private:
  PairSet make_pairs(const std::vector<Pair>& links, const std::vector<Pair>& apart);
  void make_model(nn::ParameterList& parameters);
  /// Logits [P, 1].
  warpgnn::ConstTensorView forward(PairSet& set);
  void backward(PairSet& set, const warpgnn::ConstTensorView& dlogits);
  /// From the gradient of the states' products, [P, states], to that of the states, [N, states].
  warpgnn::ConstTensorView product_backward(PairSet& set, const warpgnn::ConstTensorView& dproduct);
  Score score_of(PairSet& set, const std::string& part);

  const LinkData* data_;
  Settings settings_;
  Structure structure_;
  std::vector<std::int32_t> source_, destination_;
  warpgnn::Tensor features_, node_scale_;
  nn::Parameter embedding_;  // where nodes have no features
  GraphInput input_;
  std::unique_ptr<Encoder> encoder_;
  std::optional<warpgnn::nn::Linear> hidden_, judge_;
  warpgnn::nn::DropoutLayer dropout_;
  warpgnn::nn::PointwiseLoss loss_;
  std::vector<PairSet> train_;  // the epochs take turns
  PairSet valid_, test_;
  std::size_t epoch_ = 0;
  warpgnn::ConstTensorView h_;
  warpgnn::Tensor ones_, second_rows_, logits_, dproduct_, dsecond_rows_, dh_, dh_second_;
  warpgnn::ConstTensorView step_loss_;
};

}  // namespace train::links
