#include "model.hpp"

namespace examples::train_graphs {
namespace {

constexpr std::int64_t kGateWidth = 32;

}  // namespace

Model::Model(warpgnn::nn::Session& session, const Settings& settings, const DeviceData& data, std::int64_t classes)
    : gate_(settings.gate),
      encoder_(make_encoder(session, settings, data.node_features(), data.edge_features())),
      pool_(session, "pool", settings.widths.back(), kGateWidth, settings.pool, settings.gate),
      dropout_(session, settings.dropout),
      classifier_(session, "classifier", settings.widths.back(), classes) {
  encoder_->collect(parameters_);
  pool_.collect(parameters_);
  classifier_.collect(parameters_);
}

warpgnn::ConstTensorView Model::forward(const Batch& batch) {
  return classifier_.forward(dropout_.forward(pool_.forward(batch.graph, encoder_->forward(batch))));
}

void Model::backward(const warpgnn::ConstTensorView& dlogits) {
  encoder_->backward(pool_.backward(dropout_.backward(classifier_.backward(dlogits))));
}

std::int64_t Model::num_parameters() const {
  std::int64_t count = 0;
  for (const warpgnn::nn::Parameter* parameter : parameters_) {
    if (parameter->trainable) count += parameter->value.view().count();
  }
  return count;
}

}  // namespace examples::train_graphs
