#pragma once

#include <memory>

#include "device_data.hpp"
#include "settings.hpp"
#include "warpgnn/nn/session.hpp"

namespace examples::train_graphs {

/// A stack of graph layers of one kind: node features in, node states out. The contract of warpgnn/nn/layers.hpp.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual warpgnn::ConstTensorView forward(const Batch& batch) = 0;
  virtual void backward(warpgnn::ConstTensorView dy) = 0;
  virtual void collect(warpgnn::nn::ParameterList& list) = 0;
  /// Attention [E, heads] of the last layer in the last forward; undefined for layers without attention.
  virtual warpgnn::ConstTensorView edge_attention() { return {}; }
};

GraphNeeds needs_of(ModelKind model);

std::unique_ptr<Encoder> make_encoder(warpgnn::nn::Session& session, const Settings& settings,
                                      std::int64_t node_features, std::int64_t edge_features);

}  // namespace examples::train_graphs
