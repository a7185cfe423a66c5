// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "device_data.hpp"
#include "settings.hpp"
#include "warpgnn/nn/session.hpp"

namespace examples::train_graphs {

/// A stack of layers of one kind: node features in, node states out.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// The node states behind every layer, in order. They live until the next forward.
  virtual const std::vector<warpgnn::ConstTensorView>& forward(const Batch& batch) = 0;
  /// `dy` has a gradient for the states behind every layer; all but the last may be undefined, which means zero.
  virtual void backward(std::span<const warpgnn::ConstTensorView> dy) = 0;
  virtual void collect(warpgnn::nn::ParameterList& list) = 0;
  /// Attention [E, heads] of the last layer in the last forward; undefined for layers without attention.
  virtual warpgnn::ConstTensorView edge_attention() = 0;
};

GraphNeeds needs_of(ModelKind model);

std::unique_ptr<Encoder> make_encoder(warpgnn::nn::Session& session, const Settings& settings,
                                      std::int64_t node_features, std::int64_t edge_features);

}  // namespace examples::train_graphs
