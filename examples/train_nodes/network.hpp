// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "device_graph.hpp"
#include "settings.hpp"
#include "warpgnn/nn/session.hpp"

namespace examples::train_nodes {

/// Two graph layers with dropout before each and an activation between them: logits [N, classes] of all nodes.
class Network {
 public:
  virtual ~Network() = default;
  virtual warpgnn::ConstTensorView forward() = 0;
  virtual void backward(const warpgnn::ConstTensorView& dlogits) = 0;
  virtual void collect_first(warpgnn::nn::ParameterList& list) = 0;
  virtual void collect_second(warpgnn::nn::ParameterList& list) = 0;
  /// How much each edge of the last layer counts in the last forward: attention, or GCN's fixed weights, [E, 1].
  virtual warpgnn::SharedTensor edge_weight() = 0;
};

/// `graph` must outlive the network.
std::unique_ptr<Network> make_network(warpgnn::nn::Session& session, const Settings& settings, const DeviceGraph& graph,
                                      std::int64_t classes);

}  // namespace examples::train_nodes
