// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "device_data.hpp"
#include "settings.hpp"
#include "warpgnn/nn/pool_layers.hpp"

namespace train::graphs {

/// From node states to logits: (attention) pool, dropout, linear classifier.
class Head {
 public:
  /// `suffix` tells the names of several heads' parameters apart.
  Head(warpgnn::nn::Session& session, const Settings& settings, const std::string& suffix, std::int64_t in,
       std::int64_t classes);

  /// Logits [G, classes].
  warpgnn::ConstTensorView forward(const warpgnn::Graph& graph, const warpgnn::ConstTensorView& x);
  warpgnn::ConstTensorView backward(const warpgnn::ConstTensorView& dlogits);
  void collect(warpgnn::nn::ParameterList& list);
  warpgnn::ConstTensorView attention() { return pool_.attention(); }

 private:
  warpgnn::nn::AttentionPool pool_;
  warpgnn::nn::DropoutLayer dropout_;
  warpgnn::nn::Linear classifier_;
};

/// Graph classifier: an encoder and a head behind its last layer, or with --readout all behind each, the features too.
class Model {
 public:
  Model(warpgnn::nn::Session& session, const Settings& settings, const DeviceData& data, std::int64_t classes);
  Model(const Model&) = delete;  // the parameter list points into the layers
  Model& operator=(const Model&) = delete;

  /// Logits [G, classes].
  warpgnn::ConstTensorView forward(const Batch& batch);
  void backward(const warpgnn::ConstTensorView& dlogits);

  const warpgnn::nn::ParameterList& parameters() const { return parameters_; }

  bool has_node_attention() const { return gate_ != warpgnn::PoolGate::none; }
  /// The weights [N] of the pool behind the last layer in the last forward. Needs node attention.
  warpgnn::ConstTensorView node_attention() { return last_.attention(); }
  /// The last layer's attention [E, heads] in the last forward; undefined for models without it.
  warpgnn::SharedTensor edge_attention() { return encoder_->edge_attention(); }

 private:
  warpgnn::nn::Session* session_;
  warpgnn::PoolGate gate_;
  std::unique_ptr<Encoder> encoder_;
  Head last_;
  std::deque<Head> earlier_;  // --readout all: behind the features, and behind every layer but the last
  warpgnn::Tensor logits_;
  std::vector<warpgnn::ConstTensorView> dstates_;
  warpgnn::nn::ParameterList parameters_;
};

}  // namespace train::graphs
