// SPDX-License-Identifier: MIT
#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "core/statistics.hpp"
#include "data/random_bits.hpp"
#include "model/transfer.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/ops/gcn_norm.hpp"
#include "warpgnn/ops/head_dot.hpp"
#include "warpgnn/ops/message_aggregate.hpp"

namespace train::links {

using warpgnn::ConstTensorView;
using warpgnn::Tensor;

namespace {

constexpr std::size_t kTurns = 5;  // sets of pairs without a link that epochs take in turn
constexpr std::int64_t kJudgeWidth = 64;

}  // namespace

LinkTraining::LinkTraining(const warpgnn::Context& context, const LinkData& data, const LinkSplit& split,
                           const Settings& settings, const TrainingSettings& training, std::uint64_t seed)
    : Training(context, training.dtype, seed),
      data_(&data),
      settings_(settings),
      structure_(data.num_nodes, split.train),
      dropout_(session(), settings.dropout),
      loss_(session(), warpgnn::PointwiseLossKind::binary_cross_entropy) {
  for (const auto& [a, b] : split.train) {
    source_.insert(source_.end(), {a, b});
    destination_.insert(destination_.end(), {b, a});
  }
  for (std::int32_t node = 0; node < data.num_nodes; ++node) {
    source_.push_back(node);
    destination_.push_back(node);
  }
  input_.graph = upload_graph(context, source_, destination_, data.num_nodes, data.num_nodes);
  node_scale_ = Tensor(context, training.dtype, {data.num_nodes});
  warpgnn::gcn_norm_forward(context, {.graph = input_.graph}, {.inv_sqrt_degree = node_scale_});
  input_.node_scale = node_scale_;

  nn::ParameterList parameters;
  make_model(parameters);
  optimise(parameters, {.learning_rate = training.learning_rate, .weight_decay = training.weight_decay});

  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    train_.push_back(make_pairs(split.train, draw_apart(data, split.train.size(), mix_seed({seed, turn, 0xA9A27}))));
  }
  valid_ = make_pairs(split.valid, split.valid_apart);
  test_ = make_pairs(split.test, split.test_apart);
}

void LinkTraining::make_model(nn::ParameterList& parameters) {
  const warpgnn::Context& context = session().context();
  const warpgnn::Dtype dtype = session().dtype();
  if (data_->features.columns != 0) {
    features_ = upload(context, dtype, data_->features.values, {data_->num_nodes, data_->features.columns});
    input_.x = features_;
  } else {
    embedding_ = nn::zeros(session(), "embedding", {data_->num_nodes, settings_.embedding});
    std::uniform_real_distribution<double> uniform(-1, 1);
    std::vector<double> values(static_cast<std::size_t>(data_->num_nodes * settings_.embedding));
    for (double& value : values) value = uniform(session().generator());
    const Tensor drawn = upload(context, dtype, values, {data_->num_nodes, settings_.embedding});
    warpgnn::copy(context, drawn, embedding_.value);
    context.synchronize();
    parameters.push_back(&embedding_);
    input_.x = embedding_.value;
  }
  const EncoderOptions options{.kind = settings_.model,
                               .widths = {settings_.hidden, settings_.states},
                               .heads = settings_.heads,
                               .dropout = settings_.dropout,
                               .attention_dropout = settings_.attention_dropout,
                               .answers = true};
  encoder_ = make_encoder(session(), options, input_.x.shape[1], 0);
  for (const std::size_t layer : {0, 1}) encoder_->collect(layer, parameters);
  if (settings_.decoder == Decoder::dot) {
    ones_ = upload(context, dtype, std::vector<double>(static_cast<std::size_t>(settings_.states), 1),
                   {1, settings_.states});
    return;
  }
  const std::int64_t numbers = settings_.decoder == Decoder::paths ? Structure::kNumbers : 0;
  hidden_.emplace(session(), "hidden", settings_.states + numbers, kJudgeWidth,
                  nn::LinearOptions{.activation = warpgnn::Activation::relu});
  judge_.emplace(session(), "judge", kJudgeWidth, 1);
  hidden_->collect(parameters);
  judge_->collect(parameters);
}

PairSet LinkTraining::make_pairs(const std::vector<Pair>& links, const std::vector<Pair>& apart) {
  const warpgnn::Context& context = session().context();
  PairSet set{.pairs = links, .links = links.size(), .first = {}, .second = {}, .input = {}, .target = {}};
  set.pairs.insert(set.pairs.end(), apart.begin(), apart.end());
  const auto count = static_cast<std::int64_t>(set.pairs.size());
  std::vector<std::int32_t> first, second, every(set.pairs.size());
  std::iota(every.begin(), every.end(), 0);
  for (const auto& [a, b] : set.pairs) {
    first.push_back(a);
    second.push_back(b);
  }
  set.first = upload_graph(context, first, every, data_->num_nodes, count);
  set.second = upload_graph(context, second, every, data_->num_nodes, count);
  std::vector<double> target(set.pairs.size(), 0);
  std::fill_n(target.begin(), set.links, 1.0);
  set.target = upload(context, session().dtype(), target, {count, 1});

  const std::int64_t width = settings_.states + (settings_.decoder == Decoder::paths ? Structure::kNumbers : 0);
  std::vector<double> rows(static_cast<std::size_t>(count * width), 0);
  for (std::size_t p = 0; p < set.pairs.size() && settings_.decoder == Decoder::paths; ++p) {
    structure_.write(set.pairs[p], rows.data() + p * static_cast<std::size_t>(width) + settings_.states);
  }
  set.input = upload(context, session().dtype(), rows, {count, width});
  return set;
}

ConstTensorView LinkTraining::forward(PairSet& set) {
  const warpgnn::Context& context = session().context();
  const auto count = static_cast<std::int64_t>(set.pairs.size());
  h_ = encoder_->forward(input_).back();
  second_rows_.resize(context, session().dtype(), {count, settings_.states});
  warpgnn::aggregate_forward(context, {.graph = set.second, .x = h_}, {.y = second_rows_}, session().scratch());
  const warpgnn::TensorView product = warpgnn::columns(set.input.view(), 0, settings_.states);
  warpgnn::message_aggregate_forward(
      context, {.graph = set.first, .message = warpgnn::EdgeMessage::multiply, .x = h_, .edge = second_rows_},
      {.y = product}, session().scratch());
  if (hidden_) return judge_->forward(dropout_.forward(hidden_->forward(set.input)));
  logits_.resize(context, session().dtype(), {count, 1});
  const warpgnn::ConstTensorView rows = warpgnn::reshape(set.input.view(), {count, 1, settings_.states});
  warpgnn::head_dot_forward(context, {.x = rows, .vector = ones_}, {.score = logits_});
  return logits_;
}

ConstTensorView LinkTraining::product_backward(PairSet& set, const ConstTensorView& dproduct) {
  const warpgnn::Context& context = session().context();
  const warpgnn::Dtype dtype = session().dtype();
  dh_.resize(context, dtype, {data_->num_nodes, settings_.states});
  dh_second_.resize(context, dtype, {data_->num_nodes, settings_.states});
  dsecond_rows_.resize(context, dtype, {static_cast<std::int64_t>(set.pairs.size()), settings_.states});
  warpgnn::message_aggregate_backward(
      context, {.graph = set.first, .message = warpgnn::EdgeMessage::multiply, .x = h_, .edge = second_rows_}, {},
      {.dy = dproduct, .dx = dh_, .dedge = dsecond_rows_}, session().scratch());
  warpgnn::aggregate_backward(context, {.graph = set.second}, {}, {.dy = dsecond_rows_, .dx = dh_second_},
                              session().scratch());
  warpgnn::add_scaled(context, {.source = dh_second_, .target = dh_});
  return dh_;
}

void LinkTraining::backward(PairSet& set, const ConstTensorView& dlogits) {
  const warpgnn::Context& context = session().context();
  ConstTensorView dproduct;
  if (hidden_) {
    const ConstTensorView dinput = hidden_->backward(dropout_.backward(judge_->backward(dlogits)));
    dproduct = warpgnn::columns(dinput, 0, settings_.states);
  } else {
    const auto count = static_cast<std::int64_t>(set.pairs.size());
    dproduct_.resize(context, session().dtype(), {count, settings_.states});
    dproduct_.fill_zero();
    const warpgnn::TensorView rows = warpgnn::reshape(dproduct_.view(), {count, 1, settings_.states});
    const ConstTensorView product = warpgnn::reshape(set.input.view(), {count, 1, settings_.states});
    warpgnn::head_dot_backward(context, {.x = product, .vector = ones_}, {.dscore = dlogits, .dx = rows},
                               session().scratch());
    dproduct = dproduct_;
  }
  const bool learns_features = !features_.defined();
  const ConstTensorView dx =
      encoder_->backward(std::vector<ConstTensorView>{{}, product_backward(set, dproduct)}, learns_features);
  if (learns_features) warpgnn::copy(context, dx, embedding_.gradient);
}

void LinkTraining::step(std::int64_t) {
  session().set_training(true);
  PairSet& set = train_[epoch_ % kTurns];
  step_loss_ = loss_.forward(forward(set), set.target);
  backward(set, loss_.backward());
  update();
}

Score LinkTraining::score_of(PairSet& set, const std::string& part) {
  const warpgnn::Context& context = session().context();
  const ConstTensorView logits = forward(set);
  const double loss = finite(download(loss_.forward(logits, set.target), context)[0], "the " + part + " loss");
  const std::vector<double> scores = download(logits, context);
  std::vector<std::uint8_t> is_link(set.pairs.size(), 0);
  std::fill_n(is_link.begin(), set.links, std::uint8_t{1});
  return {loss, {roc_area(scores, is_link).value_or(0.5), average_precision(scores, is_link).value_or(0)}};
}

Scores LinkTraining::scores(bool evaluate) {
  Scores scores;
  scores.train.loss = finite(download(step_loss_, session().context())[0], "the training loss");
  if (!evaluate) return scores;
  session().set_training(false);
  scores.valid = score_of(valid_, "validation");
  scores.test = score_of(test_, "test");
  return scores;
}

std::vector<double> LinkTraining::test_chances() {
  session().set_training(false);
  std::vector<double> chances = download(forward(test_), session().context());
  for (double& chance : chances) chance = 1 / (1 + std::exp(-finite(chance, "an output")));
  return chances;
}

std::vector<double> LinkTraining::edge_weight() {
  const warpgnn::Context& context = session().context();
  if (const warpgnn::SharedTensor attention = encoder_->edge_attention(); attention.defined()) {
    return download(attention, context);
  }
  const std::vector<double> scale = download(warpgnn::reshape(node_scale_.view(), {data_->num_nodes, 1}), context);
  std::vector<double> weight;
  for (std::size_t e = 0; e < source_.size(); ++e) {
    weight.push_back(scale[static_cast<std::size_t>(source_[e])] * scale[static_cast<std::size_t>(destination_[e])]);
  }
  return weight;
}

}  // namespace train::links
