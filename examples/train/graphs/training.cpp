// SPDX-License-Identifier: MIT
#include "training.hpp"

#include <algorithm>
#include <cmath>

#include "core/statistics.hpp"
#include "data/random_bits.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace train::graphs {

namespace nn = warpgnn::nn;
using warpgnn::Tensor;

GraphTraining::GraphTraining(const DeviceData& data, const Dataset& dataset, const Settings& settings,
                             const TrainingSettings& training, const Split& split, std::uint64_t seed)
    : Training(data.context(), training.dtype, seed),
      dataset_(&dataset),
      seed_(seed),
      batch_size_(settings.batch_size),
      halve_rate_every_(settings.halve_rate_every),
      learning_rate_(training.learning_rate),
      train_(split.train),
      model_(session(), settings, data, dataset.num_classes()),
      loss_(session()),
      training_step_(data, settings, session(), model_, [this] { update(); }),
      valid_(data, dataset.graph_labels, split.valid, "validation"),
      test_(data, dataset.graph_labels, split.test, "test") {
  optimise(model_.parameters(), {.learning_rate = training.learning_rate, .weight_decay = training.weight_decay});
  const auto count = static_cast<std::int64_t>(train_.size());
  loss_sum_ = Tensor(data.context(), training.dtype, {1});
  probabilities_ = Tensor(data.context(), training.dtype, {count, dataset.num_classes()});
  probabilities_.fill_zero();
}

std::int64_t GraphTraining::steps() const {
  return (static_cast<std::int64_t>(train_.size()) + batch_size_ - 1) / batch_size_;
}

void GraphTraining::begin_epoch(std::int64_t epoch) {
  if (halve_rate(learning_rate_, halve_rate_every_, epoch)) training_step_.forget();
  order_ = train_;
  RandomBits(mix_seed({seed_, static_cast<std::uint64_t>(epoch)})).shuffle(order_);
  order_labels_.clear();
  for (const std::int64_t graph : order_) {
    order_labels_.push_back(dataset_->graph_labels.index[static_cast<std::size_t>(graph)]);
  }
  loss_sum_.fill_zero();
}

void GraphTraining::step(std::int64_t step) {
  const std::int64_t begin = step * batch_size_;
  const std::int64_t count = std::min(batch_size_, static_cast<std::int64_t>(order_.size()) - begin);
  training_step_.run(std::span(order_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
  warpgnn::add_scaled(session().context(),
                      {.scale = static_cast<double>(count), .source = training_step_.loss(), .target = loss_sum_});
  warpgnn::copy(session().context(), warpgnn::rows(training_step_.probability(), 0, count),
                warpgnn::rows(probabilities_.view(), begin, count));
}

Scores GraphTraining::scores(bool evaluate) {
  const warpgnn::Context& context = session().context();
  const auto count = static_cast<double>(order_.size());
  Scores scores;
  scores.train = {finite(download(loss_sum_, context)[0] / count, "the training loss"),
                  {count_right(download(probabilities_, context), order_labels_) / count}};
  if (!evaluate) return scores;
  if (!valid_.graphs().empty()) scores.valid = valid_.score(session(), model_, loss_);
  scores.test = test_.score(session(), model_, loss_);
  return scores;
}

std::vector<Explanation> GraphTraining::explain() {
  return test_.explain(session(), model_, loss_, *dataset_);
}

void GraphTraining::collect_epoch(std::vector<nn::NamedTensor>& tensors) {
  tensors.push_back({"epoch.loss_sum", &loss_sum_});
  tensors.push_back({"epoch.probabilities", &probabilities_});
}

std::optional<double> motif_area(const std::vector<Explanation>& explanations, const Dataset& dataset) {
  std::vector<double> areas;
  for (const Explanation& explanation : explanations) {
    if (dataset.motif_nodes.empty() || explanation.node_weight.empty()) continue;
    std::vector<double> strength;  // a raw gate may be negative; how much a node counts is the size of its weight
    for (const double weight : explanation.node_weight) strength.push_back(std::abs(weight));
    const std::int64_t first = dataset.graph_offsets[static_cast<std::size_t>(explanation.graph)];
    const auto motif = std::span(dataset.motif_nodes).subspan(static_cast<std::size_t>(first), strength.size());
    if (const auto area = roc_area(strength, motif)) areas.push_back(*area);
  }
  if (areas.empty()) return std::nullopt;
  return mean_of(areas);
}

}  // namespace train::graphs
