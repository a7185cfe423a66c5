// SPDX-License-Identifier: MIT
#include "model.hpp"

#include "warpgnn/ops/elementwise.hpp"

namespace train::graphs {

using warpgnn::ConstTensorView;

namespace {

constexpr std::int64_t kGateWidth = 32;

}  // namespace

Head::Head(warpgnn::nn::Session& session, const Settings& settings, const std::string& suffix, std::int64_t in,
           std::int64_t classes)
    : pool_(session, "pool" + suffix, in, kGateWidth, *settings.pool, *settings.gate),
      dropout_(session, settings.dropout),
      classifier_(session, "classifier" + suffix, in, classes) {}

ConstTensorView Head::forward(const warpgnn::Graph& graph, const ConstTensorView& x) {
  return classifier_.forward(dropout_.forward(pool_.forward(graph, x)));
}

ConstTensorView Head::backward(const ConstTensorView& dlogits) {
  return pool_.backward(dropout_.backward(classifier_.backward(dlogits)));
}

void Head::collect(warpgnn::nn::ParameterList& list) {
  pool_.collect(list);
  classifier_.collect(list);
}

Model::Model(warpgnn::nn::Session& session, const Settings& settings, const DeviceData& data, std::int64_t classes)
    : session_(&session),
      gate_(*settings.gate),
      encoder_(make_encoder(session,
                            {.kind = settings.encoder(),
                             .widths = settings.widths,
                             .heads = settings.heads,
                             .attention_dropout = settings.attention_dropout},
                            data.node_features(), data.edge_features())),
      last_(session, settings, "", settings.widths.back(), classes) {
  for (std::size_t layer = 0; layer < settings.widths.size(); ++layer) encoder_->collect(layer, parameters_);
  last_.collect(parameters_);
  if (settings.readout == Readout::last) return;
  for (std::size_t layer = 0; layer < settings.widths.size(); ++layer) {
    const std::int64_t in = layer == 0 ? data.node_features() : settings.widths[layer - 1];
    earlier_.emplace_back(session, settings, std::to_string(layer), in, classes).collect(parameters_);
  }
}

ConstTensorView Model::forward(const Batch& batch) {
  const std::vector<ConstTensorView>& states = encoder_->forward(batch);
  dstates_.assign(states.size(), {});
  const ConstTensorView logits = last_.forward(batch.graph, states.back());
  if (earlier_.empty()) return logits;
  logits_.resize(session_->context(), session_->dtype(), {logits.shape[0], logits.shape[1]});
  logits_.fill_zero();
  warpgnn::add_scaled(session_->context(), {.source = logits, .target = logits_});
  for (std::size_t layer = 0; layer < earlier_.size(); ++layer) {
    const ConstTensorView& x = layer == 0 ? batch.x : states[layer - 1];
    warpgnn::add_scaled(session_->context(), {.source = earlier_[layer].forward(batch.graph, x), .target = logits_});
  }
  return logits_;
}

void Model::backward(const ConstTensorView& dlogits) {
  for (std::size_t layer = 0; layer < earlier_.size(); ++layer) {
    const ConstTensorView dx = earlier_[layer].backward(dlogits);
    if (layer != 0) dstates_[layer - 1] = dx;
  }
  dstates_.back() = last_.backward(dlogits);
  encoder_->backward(dstates_);
}

}  // namespace train::graphs
