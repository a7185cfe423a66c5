// SPDX-License-Identifier: MIT
#include "training.hpp"

#include "core/statistics.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace train::nodes {

namespace nn = warpgnn::nn;
using warpgnn::Tensor;

namespace {

constexpr std::size_t kLayers = 2;

Tensor upload_indices(const warpgnn::Context& context, const std::vector<std::int32_t>& values) {
  return Tensor::from(context, std::span<const std::int32_t>(values), {static_cast<std::int64_t>(values.size())});
}

std::unique_ptr<Encoder> make_network(nn::Session& session, const Settings& settings, const DeviceGraph& graph,
                                      std::int64_t classes) {
  const EncoderOptions options{.kind = settings.model,
                               .widths = {settings.hidden_width(), classes},
                               .heads = settings.heads,
                               .dropout = settings.dropout,
                               .attention_dropout = settings.attention_dropout,
                               .answers = true};
  return make_encoder(session, options, graph.input().x.shape[1], 0);
}

}  // namespace

NodeTraining::NodeTraining(const DeviceGraph& graph, const NodeData& data, const Settings& settings,
                           const TrainingSettings& training, std::uint64_t seed)
    : Training(graph.context(), training.dtype, seed),
      graph_(&graph),
      data_(&data),
      encoder_(make_network(session(), settings, graph, data.num_classes())),
      loss_(session()) {
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
  train_logits_ = Tensor(context, training.dtype, {static_cast<std::int64_t>(nodes.size()), data.num_classes()});
  dlogits_ = Tensor(context, training.dtype, {data.num_nodes(), data.num_classes()});

  // Kipf and Welling penalise the weights of the first layer only, the attention models all of theirs.
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    const bool is_decayed = layer == 0 || settings.model != EncoderKind::gcn;
    nn::ParameterList list;
    encoder_->collect(layer, list);
    optimise(list, {.learning_rate = training.learning_rate, .weight_decay = is_decayed ? training.weight_decay : 0},
             "layer" + std::to_string(layer) + ".");
  }
}

warpgnn::ConstTensorView NodeTraining::forward() {
  return encoder_->forward(graph_->input()).back();
}

void NodeTraining::step(std::int64_t) {
  const warpgnn::Context& context = session().context();
  session().set_training(true);
  const warpgnn::ConstTensorView logits = forward();
  warpgnn::gather_rows(context, {.x = logits, .index = train_nodes_, .y = train_logits_});
  loss_.forward(train_logits_, train_labels_);
  // Rows of nodes that are not trained on have no source row, so they become zero.
  warpgnn::gather_rows(context, {.x = loss_.backward(), .index = train_row_, .y = dlogits_});
  encoder_->backward(std::vector<warpgnn::ConstTensorView>{{}, dlogits_});
  update();
}

std::vector<double> NodeTraining::evaluate() {
  session().set_training(false);
  return download(forward(), session().context());
}

Scores NodeTraining::scores(bool evaluate) {
  const std::vector<double> logits = this->evaluate();
  Scores scores;
  scores.train = score_of(logits, *data_, data_->split.train, "training");
  if (!evaluate) return scores;
  scores.valid = score_of(logits, *data_, data_->split.valid, "validation");
  scores.test = score_of(logits, *data_, data_->split.test, "test");
  return scores;
}

warpgnn::SharedTensor NodeTraining::edge_weight() {
  if (const warpgnn::SharedTensor attention = encoder_->edge_attention(); attention.defined()) return attention;
  const Tensor norm = graph_->gcn_norm();
  return norm.share(warpgnn::reshape(norm.view(), {graph_->graph().num_edges(), 1}));
}

std::vector<Neighbourhood> NodeTraining::look_around() {
  const std::vector<double> logits = evaluate();
  return find_neighbourhoods(*data_, *graph_, logits, download(edge_weight(), session().context()));
}

}  // namespace train::nodes
