// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "core/training.hpp"
#include "model/encoder.hpp"
#include "model/gru.hpp"
#include "series_data.hpp"
#include "settings.hpp"
#include "warpgnn/nn/layers.hpp"
#include "warpgnn/nn/pool_layers.hpp"

namespace train::series {

namespace nn = warpgnn::nn;

/// Forecasts for all sensors at one step after the other, [windows * sensors, kAhead], in the data's unit.
struct Forecasts {
  std::int64_t first = 0;  ///< the step that the first is made at: the first it tells is the next
  std::vector<double> values;
  std::vector<double> attention;  ///< over the input steps, [windows * sensors, kInputs]
};

/// How far forecasts are from the truth, over all sensors.
struct Errors {
  std::array<double, kAhead> square{};    ///< means of squares, at each step ahead
  std::array<double, kAhead> absolute{};  ///< means of sizes
  /// Root mean square at a step ahead, or over all up to it; and the mean size of all.
  double at(std::int64_t ahead) const;
  double up_to(std::int64_t ahead) const;
  double mean_absolute() const;
};
/// What is told without a model: that all stays as it is, and that it becomes what is usual at the time.
Errors last_value_errors(const SeriesData& data, const Part& part);
Errors daily_mean_errors(const SeriesData& data, const Part& part, const DailyMean& daily);

/// Training of forecasts: layers of a graph network join the sensors at every input step, a GRU joins the steps of a
/// sensor, softmax attention weighs its states, and a network of two layers tells all steps ahead at once from their
/// sum, the last value and what is usual then (A3T-GCN, Bai et al. 2021, with the network before the GRU, not in it).
class SeriesTraining : public Training {
 public:
  /// `data` must outlive it.
  SeriesTraining(const warpgnn::Context& context, const SeriesData& data, const std::array<Part, 3>& parts,
                 const Settings& settings, const TrainingSettings& training, std::uint64_t seed);

  std::int64_t steps() const override;
  void begin_epoch(std::int64_t epoch) override;
  void step(std::int64_t step) override;
  Scores scores(bool evaluate) override;

  /// Of all windows of a part.
  Forecasts forecast(const Part& part);

 private:
  /// The sensors' graph for so many windows, once for each input step, and the states of a sensor as the nodes of a
  /// graph, to pool them.
  struct Shape {
    GraphInput network;
    warpgnn::Tensor node_scale, edge_features;
    warpgnn::Graph sequences;
  };

  void collect_epoch(std::vector<nn::NamedTensor>& tensors) override;
  double standard(double value) const { return (value - mean_) / deviation_; }
  Shape& shape_of(std::int64_t windows);
  /// Sets up inputs, and targets where `with_target`, of the forecasts made at these steps.
  void set_up(std::span<const std::int64_t> made_at);
  /// Changes from the last value, [windows * sensors, kAhead].
  warpgnn::ConstTensorView forward(std::int64_t windows);
  void backward(const warpgnn::ConstTensorView& dy);
  Score score_of(const Part& part, const std::string& name);

  const SeriesData* data_;
  Settings settings_;
  std::array<Part, 3> parts_;
  double learning_rate_;
  std::uint64_t seed_;
  double mean_ = 0, deviation_ = 1;
  std::vector<double> usual_;  // [steps, sensors], standardised

  std::unique_ptr<Encoder> encoder_;
  Gru gru_;
  nn::AttentionPool pool_;
  nn::DropoutLayer dropout_;
  nn::Linear hidden_, output_;
  nn::PointwiseLoss loss_;
  std::map<std::int64_t, Shape> shapes_;

  std::vector<std::int64_t> order_;
  warpgnn::Tensor x_, known_, target_, head_input_, dpooled_, loss_sum_;
};

}  // namespace train::series
