// SPDX-License-Identifier: MIT
#include "training_run.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "common/checkpoint_file.hpp"
#include "common/errors.hpp"
#include "common/random_bits.hpp"
#include "common/statistics.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace examples::train_graphs {

namespace nn = warpgnn::nn;
using warpgnn::Tensor;

namespace {

std::uint64_t run_seed(const Settings& settings, std::int64_t repeat, std::int64_t fold) {
  return mix_seed({settings.seed, static_cast<std::uint64_t>(repeat), static_cast<std::uint64_t>(fold)});
}

}  // namespace

TrainingRun::TrainingRun(const DeviceData& data, const Dataset& dataset, const Settings& settings, const Split& split,
                         std::int64_t repeat, std::int64_t fold)
    : dataset_(&dataset),
      settings_(settings),
      train_(split.train),
      session_(data.context(), settings.dtype, run_seed(settings, repeat, fold)),
      model_(session_, settings, data, dataset.num_classes()),
      loss_(session_),
      adam_(session_, model_.parameters(),
            {.learning_rate = settings.learning_rate, .weight_decay = settings.weight_decay}),
      training_step_(data, settings, session_, model_, adam_),
      valid_(data, dataset.graph_labels, split.valid, "validation"),
      test_(data, dataset.graph_labels, split.test, "test") {
  result_.repeat = repeat;
  result_.fold = fold;
  const auto count = static_cast<std::int64_t>(train_.size());
  const warpgnn::Context& context = data.context();
  loss_sum_ = Tensor(context, settings.dtype, {1});
  probabilities_ = Tensor(context, settings.dtype, {count, dataset.num_classes()});
  probabilities_.fill_zero();
  begin_epoch();
}

bool TrainingRun::finished() const {
  const auto epochs = static_cast<std::int64_t>(result_.epochs.size());
  if (epochs == settings_.epochs) return true;
  if (epochs == 0 || settings_.patience == 0) return false;
  const auto best = static_cast<std::int64_t>(result_.chosen_epoch(Selection::valid));
  return epochs - 1 - best >= settings_.patience;
}

void TrainingRun::begin_epoch() {
  // Order and learning rate depend on nothing but the epoch's number, so a resumed run needs no more state for them.
  const auto epoch = static_cast<std::uint64_t>(result_.epochs.size());
  if (settings_.halve_rate_every > 0) {
    const auto halvings = static_cast<int>(static_cast<std::int64_t>(epoch) / settings_.halve_rate_every);
    const double rate = std::ldexp(settings_.learning_rate, -halvings);
    if (rate != adam_.learning_rate()) training_step_.forget();
    adam_.set_learning_rate(rate);
  }
  order_ = train_;
  RandomBits(mix_seed({run_seed(settings_, result_.repeat, result_.fold), epoch})).shuffle(order_);
  order_labels_.clear();
  for (const std::int64_t graph : order_) {
    order_labels_.push_back(dataset_->graph_labels.index[static_cast<std::size_t>(graph)]);
  }
  loss_sum_.fill_zero();
  step_ = 0;
  milliseconds_ = 0;
}

void TrainingRun::train_step() {
  const std::int64_t begin = step_ * settings_.batch_size;
  const std::int64_t count = std::min(settings_.batch_size, static_cast<std::int64_t>(order_.size()) - begin);
  const auto graphs = std::span(order_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
  training_step_.run(graphs);
  warpgnn::add_scaled(session_.context(),
                      {.scale = static_cast<double>(count), .source = training_step_.loss(), .target = loss_sum_});
  warpgnn::copy(session_.context(), warpgnn::rows(training_step_.probability(), 0, count),
                warpgnn::rows(probabilities_.view(), begin, count));
  ++step_;
}

std::int64_t TrainingRun::steps_per_epoch() const {
  return (static_cast<std::int64_t>(train_.size()) + settings_.batch_size - 1) / settings_.batch_size;
}

Score TrainingRun::epoch_score() const {
  const auto count = static_cast<double>(order_.size());
  const double loss = finite(download(loss_sum_, session_.context())[0] / count, "the training loss");
  return {loss, count_right(download(probabilities_, session_.context()), order_labels_) / count};
}

bool TrainingRun::train_epoch(const std::function<bool()>& stop) {
  const auto begin = std::chrono::steady_clock::now();
  const auto add_time = [&] {
    milliseconds_ += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  };
  const std::int64_t steps = steps_per_epoch();
  while (step_ < steps) {
    train_step();
    if (step_ < steps && stop()) {
      add_time();
      return false;
    }
  }
  EpochRecord record;
  record.train = epoch_score();
  add_time();
  record.milliseconds = milliseconds_;
  if (!valid_.graphs().empty()) record.valid = valid_.score(session_, model_, loss_);
  record.test = test_.score(session_, model_, loss_);
  expect_finite(tensors());
  result_.epochs.push_back(record);
  begin_epoch();
  return true;
}

std::vector<Explanation> TrainingRun::explain() {
  std::vector<Explanation> explanations = test_.explain(session_, model_, loss_, *dataset_);
  if (dataset_->motif_nodes.empty() || !model_.has_node_attention()) return explanations;
  std::vector<double> areas;
  for (const Explanation& explanation : explanations) {
    std::vector<double> strength;  // a raw gate may be negative; how much a node counts is the size of its weight
    for (const double weight : explanation.node_weight) strength.push_back(std::abs(weight));
    const std::int64_t first = dataset_->graph_offsets[static_cast<std::size_t>(explanation.graph)];
    const auto motif = std::span(dataset_->motif_nodes).subspan(static_cast<std::size_t>(first), strength.size());
    if (const auto area = roc_area(strength, motif)) areas.push_back(*area);
  }
  if (!areas.empty()) result_.motif_auc = mean_of(areas);
  return explanations;
}

std::vector<nn::NamedTensor> TrainingRun::tensors() {
  std::vector<nn::NamedTensor> tensors = nn::named_values(model_.parameters());
  for (const nn::NamedTensor& tensor : adam_.state()) tensors.push_back(tensor);
  tensors.push_back({"epoch.loss_sum", &loss_sum_});
  tensors.push_back({"epoch.probabilities", &probabilities_});
  return tensors;
}

void TrainingRun::restore(RunResult result, std::int64_t step, std::uint64_t dropout_state,
                          const std::function<void(const std::vector<nn::NamedTensor>&)>& load) {
  result_ = std::move(result);
  begin_epoch();
  const std::int64_t most = finished() ? 0 : steps_per_epoch() - 1;
  if (step > most) {
    throw DataError("step: expected at most " + std::to_string(most) + ", found " + std::to_string(step));
  }
  step_ = step;
  session_.set_dropout_state(dropout_state);
  load(tensors());
  expect_steps(adam_, static_cast<std::int64_t>(result_.epochs.size()) * steps_per_epoch() + step_);
}

}  // namespace examples::train_graphs
