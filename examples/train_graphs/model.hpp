#pragma once

#include <memory>

#include "encoder.hpp"
#include "warpgnn/nn/graph_layers.hpp"

namespace examples::train_graphs {

/// Graph classifier: encoder, (attention) pool, dropout, linear classifier.
class Model {
 public:
  Model(warpgnn::nn::Session& session, const Settings& settings, const DeviceData& data, std::int64_t classes);
  Model(const Model&) = delete;  // the parameter list points into the layers
  Model& operator=(const Model&) = delete;

  /// Logits [G, classes].
  warpgnn::ConstTensorView forward(const Batch& batch);
  void backward(const warpgnn::ConstTensorView& dlogits);

  const warpgnn::nn::ParameterList& parameters() const { return parameters_; }
  /// Trainable numbers.
  std::int64_t num_parameters() const;

  bool has_node_attention() const { return gate_ != warpgnn::PoolGate::none; }
  /// The pool's weights [N] in the last forward. Needs node attention.
  warpgnn::ConstTensorView node_attention() { return pool_.attention(); }
  /// The last layer's attention [E, heads] in the last forward; undefined for models without it.
  warpgnn::ConstTensorView edge_attention() { return encoder_->edge_attention(); }

 private:
  warpgnn::PoolGate gate_;
  std::unique_ptr<Encoder> encoder_;
  warpgnn::nn::AttentionPool pool_;
  warpgnn::nn::DropoutLayer dropout_;
  warpgnn::nn::Linear classifier_;
  warpgnn::nn::ParameterList parameters_;
};

}  // namespace examples::train_graphs
