// SPDX-License-Identifier: MIT
#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/statistics.hpp"
#include "data/random_bits.hpp"
#include "model/transfer.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/ops/gcn_norm.hpp"

namespace train::series {

using warpgnn::ConstTensorView;
using warpgnn::Context;
using warpgnn::Tensor;

namespace {

constexpr std::int64_t kFeatures = 4;        // the value, the usual one, and the hour on a circle
constexpr std::int64_t kKnown = kAhead + 1;  // usual values to come, and the last one
constexpr std::int64_t kGateWidth = 16, kHeadWidth = 64;
constexpr std::int64_t kWindowsAtOnce = 16;  // in evaluations

/// `forecast(step, sensor, ahead)` is one.
template <class Forecast>
Errors errors_of(const SeriesData& data, const Part& part, const Forecast& forecast) {
  Errors errors;
  const double count = static_cast<double>(part.windows() * data.sensors());
  for (std::int64_t window = 0; window < part.windows(); ++window) {
    const std::int64_t step = part.begin + window + kInputs - 1;
    for (std::int64_t sensor = 0; sensor < data.sensors(); ++sensor) {
      for (std::int64_t ahead = 1; ahead <= kAhead; ++ahead) {
        const double error = forecast(step, sensor, ahead) - data.at(step + ahead, sensor);
        errors.square[static_cast<std::size_t>(ahead - 1)] += error * error / count;
        errors.absolute[static_cast<std::size_t>(ahead - 1)] += std::abs(error) / count;
      }
    }
  }
  return errors;
}

}  // namespace

double Errors::at(std::int64_t ahead) const {
  return std::sqrt(square[static_cast<std::size_t>(ahead - 1)]);
}
double Errors::up_to(std::int64_t ahead) const {
  return std::sqrt(std::accumulate(square.begin(), square.begin() + ahead, 0.0) / static_cast<double>(ahead));
}
double Errors::mean_absolute() const {
  return mean_of(absolute);
}

Errors last_value_errors(const SeriesData& data, const Part& part) {
  return errors_of(data, part,
                   [&](std::int64_t step, std::int64_t sensor, std::int64_t) { return data.at(step, sensor); });
}

Errors daily_mean_errors(const SeriesData& data, const Part& part, const DailyMean& daily) {
  return errors_of(data, part, [&](std::int64_t step, std::int64_t sensor, std::int64_t ahead) {
    return daily.at(step + ahead, sensor);
  });
}

SeriesTraining::SeriesTraining(const Context& context, const SeriesData& data, const std::array<Part, 3>& parts,
                               const Settings& settings, const TrainingSettings& training, std::uint64_t seed)
    : Training(context, training.dtype, seed),
      data_(&data),
      settings_(settings),
      parts_(parts),
      learning_rate_(training.learning_rate),
      seed_(seed),
      encoder_(
          make_encoder(session(),
                       {.kind = settings.model,
                        .widths = std::vector<std::int64_t>(static_cast<std::size_t>(settings.layers), settings.hidden),
                        .heads = settings.heads},
                       kFeatures, 1)),
      gru_(session(), "gru", settings.hidden, settings.hidden),
      pool_(session(), "time", settings.hidden, kGateWidth, warpgnn::PoolReduce::sum, warpgnn::PoolGate::softmax),
      dropout_(session(), settings.dropout),
      hidden_(session(), "hidden", settings.hidden + kKnown, kHeadWidth, {.activation = warpgnn::Activation::relu}),
      output_(session(), "output", kHeadWidth, kAhead),
      loss_(session(), warpgnn::PointwiseLossKind::squared) {
  const Part& train = parts[0];
  const auto known = std::span(data.values.values)
                         .subspan(static_cast<std::size_t>(train.begin * data.sensors()),
                                  static_cast<std::size_t>((train.end - train.begin) * data.sensors()));
  mean_ = mean_of(known);
  if (const double deviation = deviation_of(known); deviation > 0) deviation_ = deviation;
  const DailyMean daily(data, train);
  for (std::int64_t step = 0; step < data.steps(); ++step) {
    for (std::int64_t sensor = 0; sensor < data.sensors(); ++sensor) {
      usual_.push_back(standard(daily.at(step, sensor)));
    }
  }
  nn::ParameterList parameters;
  for (std::int64_t layer = 0; layer < settings.layers; ++layer) {
    encoder_->collect(static_cast<std::size_t>(layer), parameters);
  }
  gru_.collect(parameters);
  pool_.collect(parameters);
  hidden_.collect(parameters);
  output_.collect(parameters);
  optimise(parameters, {.learning_rate = training.learning_rate, .weight_decay = training.weight_decay});
  loss_sum_ = Tensor(context, training.dtype, {1});
}

std::int64_t SeriesTraining::steps() const {
  return (parts_[0].windows() + settings_.batch_size - 1) / settings_.batch_size;
}

void SeriesTraining::begin_epoch(std::int64_t epoch) {
  halve_rate(learning_rate_, settings_.halve_rate_every, epoch);
  order_.resize(static_cast<std::size_t>(parts_[0].windows()));
  std::iota(order_.begin(), order_.end(), parts_[0].begin + kInputs - 1);
  RandomBits(mix_seed({seed_, static_cast<std::uint64_t>(epoch)})).shuffle(order_);
  loss_sum_.fill_zero();
}

void SeriesTraining::collect_epoch(std::vector<nn::NamedTensor>& tensors) {
  tensors.push_back({"epoch.loss_sum", &loss_sum_});
}

SeriesTraining::Shape& SeriesTraining::shape_of(std::int64_t windows) {
  const auto [place, is_new] = shapes_.try_emplace(windows);
  Shape& shape = place->second;
  if (!is_new) return shape;
  const Context& context = session().context();
  const std::int64_t sequences = windows * data_->sensors(), nodes = sequences * kInputs;
  std::vector<std::int32_t> source, destination;
  std::vector<double> weight;
  for (std::int64_t window = 0; window < windows; ++window) {
    for (std::size_t edge = 0; edge < data_->source.size(); ++edge) {
      const auto node_of = [&](std::int32_t sensor, std::int64_t step) {
        return static_cast<std::int32_t>((window * data_->sensors() + sensor) * kInputs + step);
      };
      for (std::int64_t step = 0; step < kInputs; ++step) {
        source.push_back(node_of(data_->source[edge], step));
        destination.push_back(node_of(data_->destination[edge], step));
        weight.push_back(data_->weight[edge]);
      }
    }
  }
  shape.network.graph = upload_graph(context, source, destination, nodes, nodes);
  shape.node_scale = Tensor(context, session().dtype(), {nodes});
  warpgnn::gcn_norm_forward(context, {.graph = shape.network.graph}, {.inv_sqrt_degree = shape.node_scale});
  shape.edge_features = upload(context, session().dtype(), weight, {static_cast<std::int64_t>(weight.size()), 1});
  shape.network.node_scale = shape.node_scale;
  shape.network.edge_features = shape.edge_features;

  std::vector<std::int64_t> offsets;
  for (std::int64_t sequence = 0; sequence <= sequences; ++sequence) offsets.push_back(sequence * kInputs);
  std::vector<std::int32_t> none;
  shape.sequences =
      warpgnn::Graph::from_coo(context, {.source = warpgnn::view(none.data(), {0}),
                                         .destination = warpgnn::view(none.data(), {0}),
                                         .num_sources = nodes,
                                         .num_destinations = nodes,
                                         .graph_offsets = warpgnn::view(offsets.data(), {sequences + 1})});
  return shape;
}

void SeriesTraining::set_up(std::span<const std::int64_t> made_at) {
  const std::int64_t sensors = data_->sensors();
  std::vector<double> x, known, target;
  for (const std::int64_t last : made_at) {
    for (std::int64_t sensor = 0; sensor < sensors; ++sensor) {
      const auto usual = [&](std::int64_t step) { return usual_[static_cast<std::size_t>(step * sensors + sensor)]; };
      const double now = standard(data_->at(last, sensor));
      for (std::int64_t step = last - kInputs + 1; step <= last; ++step) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(step % kStepsOfDay) / kStepsOfDay;
        x.insert(x.end(), {standard(data_->at(step, sensor)), usual(step), std::sin(angle), std::cos(angle)});
      }
      for (std::int64_t ahead = 1; ahead <= kAhead; ++ahead) {
        known.push_back(usual(last + ahead) - now);
        target.push_back(standard(data_->at(last + ahead, sensor)) - now);
      }
      known.push_back(now);
    }
  }
  const Context& context = session().context();
  const std::int64_t sequences = static_cast<std::int64_t>(made_at.size()) * sensors;
  x_ = upload(context, session().dtype(), x, {sequences * kInputs, kFeatures});
  known_ = upload(context, session().dtype(), known, {sequences, kKnown});
  target_ = upload(context, session().dtype(), target, {sequences, kAhead});
}

ConstTensorView SeriesTraining::forward(std::int64_t windows) {
  const Context& context = session().context();
  Shape& shape = shape_of(windows);
  shape.network.x = x_;
  const ConstTensorView states = gru_.forward(encoder_->forward(shape.network).back(), kInputs);
  const ConstTensorView pooled = pool_.forward(shape.sequences, states);
  head_input_.resize(context, session().dtype(), {pooled.shape[0], settings_.hidden + kKnown});
  warpgnn::copy(context, pooled, warpgnn::columns(head_input_.view(), 0, settings_.hidden));
  warpgnn::copy(context, known_, warpgnn::columns(head_input_.view(), settings_.hidden, kKnown));
  return output_.forward(hidden_.forward(dropout_.forward(head_input_)));
}

void SeriesTraining::backward(const ConstTensorView& dy) {
  const ConstTensorView dhead = dropout_.backward(hidden_.backward(output_.backward(dy)));
  // A pool takes whole rows.
  dpooled_.resize(session().context(), session().dtype(), {dhead.shape[0], settings_.hidden});
  warpgnn::copy(session().context(), warpgnn::columns(dhead, 0, settings_.hidden), dpooled_);
  std::vector<ConstTensorView> dstates(static_cast<std::size_t>(settings_.layers));
  dstates.back() = gru_.backward(pool_.backward(dpooled_));
  encoder_->backward(dstates);
}

void SeriesTraining::step(std::int64_t step) {
  session().set_training(true);
  const auto begin = static_cast<std::size_t>(step * settings_.batch_size);
  const std::size_t count = std::min(static_cast<std::size_t>(settings_.batch_size), order_.size() - begin);
  set_up(std::span(order_).subspan(begin, count));
  const ConstTensorView loss = loss_.forward(forward(static_cast<std::int64_t>(count)), target_);
  warpgnn::add_scaled(session().context(), {.scale = static_cast<double>(count), .source = loss, .target = loss_sum_});
  backward(loss_.backward());
  update();
}

Forecasts SeriesTraining::forecast(const Part& part) {
  session().set_training(false);
  const Context& context = session().context();
  Forecasts forecasts{part.begin + kInputs - 1, {}, {}};
  for (std::int64_t window = 0; window < part.windows(); window += kWindowsAtOnce) {
    std::vector<std::int64_t> made_at(static_cast<std::size_t>(std::min(kWindowsAtOnce, part.windows() - window)));
    std::iota(made_at.begin(), made_at.end(), forecasts.first + window);
    set_up(made_at);
    const std::vector<double> change = download(forward(static_cast<std::int64_t>(made_at.size())), context);
    const ConstTensorView attention = pool_.attention();
    const std::vector<double> weight = download(warpgnn::reshape(attention, {attention.shape[0], 1}), context);
    forecasts.attention.insert(forecasts.attention.end(), weight.begin(), weight.end());
    std::size_t place = 0;
    for (const std::int64_t step : made_at) {
      for (std::int64_t sensor = 0; sensor < data_->sensors(); ++sensor) {
        for (std::int64_t ahead = 0; ahead < kAhead; ++ahead) {
          forecasts.values.push_back(data_->at(step, sensor) + deviation_ * change[place++]);
        }
      }
    }
  }
  return forecasts;
}

Score SeriesTraining::score_of(const Part& part, const std::string& name) {
  const Forecasts forecasts = forecast(part);
  const Errors errors = errors_of(*data_, part, [&](std::int64_t step, std::int64_t sensor, std::int64_t ahead) {
    return forecasts
        .values[static_cast<std::size_t>(((step - forecasts.first) * data_->sensors() + sensor) * kAhead + ahead - 1)];
  });
  const double mean_square = mean_of(errors.square);
  Score score{finite(mean_square, "the " + name + " loss") / (deviation_ * deviation_), {}};
  for (const std::int64_t ahead : {12, 9, 6, 3}) score.metrics.push_back(errors.up_to(ahead));
  for (const std::int64_t ahead : {12, 9, 6, 3}) score.metrics.push_back(errors.at(ahead));
  score.metrics.push_back(errors.mean_absolute());
  return score;
}

Scores SeriesTraining::scores(bool evaluate) {
  Scores scores;
  const auto windows = static_cast<double>(parts_[0].windows());
  scores.train.loss = finite(download(loss_sum_, session().context())[0] / windows, "the training loss");
  if (!evaluate) return scores;
  scores.valid = score_of(parts_[1], "validation");
  scores.test = score_of(parts_[2], "test");
  return scores;
}

}  // namespace train::series
