// SPDX-License-Identifier: MIT
#include "training_run.hpp"

#include <chrono>

#include "common/checkpoint_file.hpp"
#include "common/random_bits.hpp"
#include "neighbourhoods.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace examples::train_nodes {

namespace nn = warpgnn::nn;
using warpgnn::Tensor;

namespace {

std::uint64_t run_seed(const Settings& settings, std::int64_t repeat) {
  return mix_seed({settings.seed, static_cast<std::uint64_t>(repeat)});
}

/// Kipf and Welling penalise the weights of the first layer only, the attention models all of theirs.
nn::ParameterList parameters_of(Network& network, const Settings& settings, bool decayed) {
  const bool is_gcn = settings.model == ModelKind::gcn;
  nn::ParameterList list;
  if (decayed) network.collect_first(list);
  if (decayed != is_gcn) network.collect_second(list);
  if (!decayed && !is_gcn) list.clear();
  return list;
}

Tensor upload_indices(const warpgnn::Context& context, const std::vector<std::int32_t>& values) {
  return Tensor::from(context, std::span<const std::int32_t>(values), {static_cast<std::int64_t>(values.size())});
}

void copy_values(const warpgnn::Context& context, const Tensor& source, Tensor& target) {
  target.fill_zero();
  warpgnn::add_scaled(context, {.source = source, .target = target});
}

}  // namespace

TrainingRun::TrainingRun(const DeviceGraph& graph, const NodeData& data, const Settings& settings, std::int64_t repeat)
    : graph_(&graph),
      data_(&data),
      settings_(settings),
      session_(graph.context(), settings.dtype, run_seed(settings, repeat)),
      network_(make_network(session_, settings, graph, data.num_classes())),
      decayed_(parameters_of(*network_, settings, true)),
      free_(parameters_of(*network_, settings, false)),
      decayed_adam_(session_, decayed_,
                    {.learning_rate = settings.learning_rate, .weight_decay = settings.weight_decay}),
      free_adam_(session_, free_, {.learning_rate = settings.learning_rate}),
      loss_(session_),
      stopping_(settings.patience) {
  const warpgnn::Context& context = graph.context();
  const std::vector<std::int32_t>& nodes = data.split.train;
  std::vector<std::int32_t> labels, row(static_cast<std::size_t>(data.num_nodes()), -1);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    labels.push_back(data.labels.index[static_cast<std::size_t>(nodes[i])]);
    row[static_cast<std::size_t>(nodes[i])] = static_cast<std::int32_t>(i);
  }
  train_nodes_ = upload_indices(context, nodes);
  train_labels_ = upload_indices(context, labels);
  train_row_ = upload_indices(context, row);
  train_logits_ = Tensor(context, settings.dtype, {static_cast<std::int64_t>(nodes.size()), data.num_classes()});
  dlogits_ = Tensor(context, settings.dtype, {data.num_nodes(), data.num_classes()});
  for (const auto* list : {&decayed_, &free_}) {
    for (const nn::Parameter* parameter : *list) {
      const warpgnn::TensorView& value = parameter->value.view();
      chosen_.emplace_back(context, value.dtype,
                           std::span<const std::int64_t>(value.shape.data(), static_cast<std::size_t>(value.ndim)));
      chosen_.back().fill_zero();
    }
  }
}

bool TrainingRun::finished() const {
  return static_cast<std::int64_t>(epochs_.size()) >= settings_.epochs || stopping_.stops();
}

std::int64_t TrainingRun::num_parameters() const {
  std::int64_t count = 0;
  for (const Tensor& values : chosen_) count += values.view().count();
  return count;
}

void TrainingRun::train_step() {
  const warpgnn::Context& context = session_.context();
  session_.set_training(true);
  const warpgnn::ConstTensorView logits = network_->forward();
  warpgnn::gather_rows(context, {.x = logits, .index = train_nodes_, .y = train_logits_});
  loss_.forward(train_logits_, train_labels_);
  // Rows of nodes that are not trained on have no source row, so they become zero.
  warpgnn::gather_rows(context, {.x = loss_.backward(), .index = train_row_, .y = dlogits_});
  network_->backward(dlogits_);
  decayed_adam_.step();
  if (!free_.empty()) free_adam_.step();
  context.synchronize();
}

std::vector<double> TrainingRun::evaluate() {
  session_.set_training(false);
  return download(network_->forward(), session_.context());
}

void TrainingRun::train_epoch() {
  const auto begin = std::chrono::steady_clock::now();
  train_step();
  EpochRecord record;
  record.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  const std::vector<double> logits = evaluate();
  record.train = score_of(logits, *data_, data_->split.train, "training");
  record.valid = score_of(logits, *data_, data_->split.valid, "validation");
  record.test = score_of(logits, *data_, data_->split.test, "test");
  expect_finite(tensors());
  stopping_.add(*record.valid);
  epochs_.push_back(record);
  if (chosen_epoch(epochs_, settings_.select) + 1 == epochs_.size()) keep_chosen();
}

void TrainingRun::keep_chosen() {
  std::size_t at = 0;
  for (const auto* list : {&decayed_, &free_}) {
    for (const nn::Parameter* parameter : *list) copy_values(session_.context(), parameter->value, chosen_[at++]);
  }
}

std::vector<Neighbourhood> TrainingRun::look_around(std::int64_t count) {
  std::size_t at = 0;
  for (const auto* list : {&decayed_, &free_}) {
    for (nn::Parameter* parameter : *list) copy_values(session_.context(), chosen_[at++], parameter->value);
  }
  const std::vector<double> logits = evaluate();
  const std::vector<double> weight = download(network_->edge_weight(), session_.context());
  return choose_for_pictures(find_neighbourhoods(*data_, *graph_, logits, weight), *data_, count);
}

std::vector<nn::NamedTensor> TrainingRun::tensors() {
  nn::ParameterList all = decayed_;
  all.insert(all.end(), free_.begin(), free_.end());
  std::vector<nn::NamedTensor> tensors = nn::named_values(all);
  for (std::size_t k = 0; k < all.size(); ++k) tensors.push_back({"chosen." + all[k]->name, &chosen_[k]});
  for (const nn::NamedTensor& tensor : decayed_adam_.state())
    tensors.push_back({"decayed." + tensor.name, tensor.tensor});
  for (const nn::NamedTensor& tensor : free_adam_.state()) tensors.push_back({"free." + tensor.name, tensor.tensor});
  return tensors;
}

void TrainingRun::restore(std::vector<EpochRecord> epochs, std::uint64_t dropout_state,
                          const std::function<void(const std::vector<nn::NamedTensor>&)>& load) {
  epochs_ = std::move(epochs);
  for (const EpochRecord& epoch : epochs_) stopping_.add(*epoch.valid);
  session_.set_dropout_state(dropout_state);
  load(tensors());
  const auto steps = static_cast<std::int64_t>(epochs_.size());
  expect_steps(decayed_adam_, steps);
  expect_steps(free_adam_, free_.empty() ? 0 : steps);
}

}  // namespace examples::train_nodes
