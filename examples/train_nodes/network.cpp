// SPDX-License-Identifier: MIT
#include "network.hpp"

#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"

namespace examples::train_nodes {
namespace {

using warpgnn::Activation;
using warpgnn::ConstTensorView;
using warpgnn::SharedTensor;
namespace nn = warpgnn::nn;

ConstTensorView apply(nn::GCNConv& layer, const DeviceGraph& graph, const ConstTensorView& x) {
  return layer.forward(graph.graph(), x, nn::NodeScale(graph.node_scale()));
}
template <class Attention>
ConstTensorView apply(Attention& layer, const DeviceGraph& graph, const ConstTensorView& x) {
  return layer.forward(graph.graph(), x);
}

SharedTensor weight_of(nn::GCNConv&, const DeviceGraph& graph) {
  const warpgnn::Tensor norm = graph.gcn_norm();
  return norm.share(warpgnn::reshape(norm.view(), {graph.graph().num_edges(), 1}));
}
template <class Attention>
SharedTensor weight_of(Attention& layer, const DeviceGraph&) {
  return layer.attention();
}

template <class Layer>
class TwoLayers : public Network {
 public:
  /// `make(name, in, is_last)` makes a layer.
  template <class Make>
  TwoLayers(nn::Session& session, const DeviceGraph& graph, double dropout, std::int64_t hidden, Activation activation,
            const Make& make)
      : graph_(&graph),
        first_dropout_(session, dropout),
        second_dropout_(session, dropout),
        first_(make("conv0", graph.features().view().shape[1], false)),
        activation_(session, activation, 1.0),
        second_(make("conv1", hidden, true)) {}

  ConstTensorView forward() override {
    const ConstTensorView x = first_dropout_.forward(graph_->features());
    const ConstTensorView hidden = activation_.forward(apply(first_, *graph_, x));
    return apply(second_, *graph_, second_dropout_.forward(hidden));
  }

  void backward(const ConstTensorView& dlogits) override {
    first_.backward(activation_.backward(second_dropout_.backward(second_.backward(dlogits))), false);
  }

  void collect_first(nn::ParameterList& list) override { first_.collect(list); }
  void collect_second(nn::ParameterList& list) override { second_.collect(list); }
  SharedTensor edge_weight() override { return weight_of(second_, *graph_); }

 private:
  const DeviceGraph* graph_;
  nn::DropoutLayer first_dropout_, second_dropout_;
  Layer first_;
  nn::Activate activation_;
  Layer second_;
};

template <class Layer, class LayerOptions>
std::unique_ptr<Network> make_attention(nn::Session& session, const Settings& settings, const DeviceGraph& graph,
                                        std::int64_t classes) {
  const auto make = [&](const char* name, std::int64_t in, bool is_last) {
    LayerOptions options;
    options.heads = is_last ? 1 : settings.heads;
    options.channels = is_last ? classes : settings.hidden;
    options.attention_dropout = settings.attention_dropout;
    return Layer(session, name, in, options);
  };
  return std::make_unique<TwoLayers<Layer>>(session, graph, settings.dropout, settings.heads * settings.hidden,
                                            Activation::elu, make);
}

}  // namespace

std::unique_ptr<Network> make_network(nn::Session& session, const Settings& settings, const DeviceGraph& graph,
                                      std::int64_t classes) {
  switch (settings.model) {
    case ModelKind::gat: return make_attention<nn::GATConv, nn::GATOptions>(session, settings, graph, classes);
    case ModelKind::gatv2: return make_attention<nn::GATv2Conv, nn::GATv2Options>(session, settings, graph, classes);
    case ModelKind::transformer:
      return make_attention<nn::TransformerConv, nn::TransformerOptions>(session, settings, graph, classes);
    case ModelKind::gcn: break;
  }
  const auto make = [&](const char* name, std::int64_t in, bool is_last) {
    return nn::GCNConv(session, name, in, is_last ? classes : settings.hidden);
  };
  return std::make_unique<TwoLayers<nn::GCNConv>>(session, graph, settings.dropout, settings.hidden, Activation::relu,
                                                  make);
}

}  // namespace examples::train_nodes
