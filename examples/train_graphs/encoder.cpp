#include "encoder.hpp"

#include <deque>
#include <string>

#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/message_layers.hpp"

namespace examples::train_graphs {
namespace {

using warpgnn::Activation;
using warpgnn::ConstTensorView;
namespace nn = warpgnn::nn;

std::string layer_name(std::size_t layer) {
  return "conv" + std::to_string(layer);
}

/// GCN layers with ReLU behind each.
class GcnEncoder : public Encoder {
 public:
  GcnEncoder(nn::Session& session, const Settings& settings, std::int64_t width) {
    for (const std::int64_t next : settings.widths) {
      convolutions_.emplace_back(session, layer_name(convolutions_.size()), width, next);
      activations_.emplace_back(session, Activation::relu);
      width = next;
    }
  }

  ConstTensorView forward(const Batch& batch) override {
    ConstTensorView x = batch.x;
    for (std::size_t layer = 0; layer < convolutions_.size(); ++layer) {
      x = activations_[layer].forward(convolutions_[layer].forward(batch.graph, batch.edge_weight, x));
    }
    return x;
  }

  void backward(ConstTensorView dy) override {
    for (std::size_t layer = convolutions_.size(); layer-- > 0;) {
      dy = convolutions_[layer].backward(activations_[layer].backward(dy), layer != 0);
    }
  }

  void collect(nn::ParameterList& list) override {
    for (nn::GCNConv& convolution : convolutions_) convolution.collect(list);
  }

 private:
  std::deque<nn::GCNConv> convolutions_;
  std::deque<nn::Activate> activations_;
};

/// Layers that attend along edges, heads concatenated, with ELU behind each.
template <class Layer, class LayerOptions>
class AttentionEncoder : public Encoder {
 public:
  AttentionEncoder(nn::Session& session, const Settings& settings, std::int64_t width, std::int64_t edge_features) {
    for (const std::int64_t next : settings.widths) {
      LayerOptions options;
      options.heads = settings.heads;
      options.channels = next / settings.heads;
      options.attention_dropout = settings.attention_dropout;
      options.edge_features = edge_features;
      convolutions_.emplace_back(session, layer_name(convolutions_.size()), width, options);
      activations_.emplace_back(session, Activation::elu, 1.0);
      width = next;
    }
  }

  ConstTensorView forward(const Batch& batch) override {
    ConstTensorView x = batch.x;
    for (std::size_t layer = 0; layer < convolutions_.size(); ++layer) {
      x = activations_[layer].forward(convolutions_[layer].forward(batch.graph, x, batch.edge_features));
    }
    return x;
  }

  void backward(ConstTensorView dy) override {
    for (std::size_t layer = convolutions_.size(); layer-- > 0;) {
      dy = convolutions_[layer].backward(activations_[layer].backward(dy), layer != 0);
    }
  }

  void collect(nn::ParameterList& list) override {
    for (Layer& convolution : convolutions_) convolution.collect(list);
  }

  ConstTensorView edge_attention() override { return convolutions_.back().attention(); }

 private:
  std::deque<Layer> convolutions_;
  std::deque<nn::Activate> activations_;
};

using GatEncoder = AttentionEncoder<nn::GATConv, nn::GATOptions>;
using Gatv2Encoder = AttentionEncoder<nn::GATv2Conv, nn::GATv2Options>;
using TransformerEncoder = AttentionEncoder<nn::TransformerConv, nn::TransformerOptions>;

/// GIN layers, each with its own normalisation and ReLU.
class GinEncoder : public Encoder {
 public:
  GinEncoder(nn::Session& session, const Settings& settings, std::int64_t width) {
    for (const std::int64_t next : settings.widths) {
      convolutions_.emplace_back(session, layer_name(convolutions_.size()), width, next);
      width = next;
    }
  }

  ConstTensorView forward(const Batch& batch) override {
    ConstTensorView x = batch.x;
    for (nn::GINConv& convolution : convolutions_) x = convolution.forward(batch.graph, x);
    return x;
  }

  void backward(ConstTensorView dy) override {
    for (std::size_t layer = convolutions_.size(); layer-- > 0;) dy = convolutions_[layer].backward(dy, layer != 0);
  }

  void collect(nn::ParameterList& list) override {
    for (nn::GINConv& convolution : convolutions_) convolution.collect(list);
  }

 private:
  std::deque<nn::GINConv> convolutions_;
};

/// GINE layers: GIN's, with edge features in the messages.
class GineEncoder : public Encoder {
 public:
  GineEncoder(nn::Session& session, const Settings& settings, std::int64_t width, std::int64_t edge_features) {
    for (const std::int64_t next : settings.widths) {
      convolutions_.emplace_back(session, layer_name(convolutions_.size()), width, next, edge_features);
      width = next;
    }
  }

  ConstTensorView forward(const Batch& batch) override {
    ConstTensorView x = batch.x;
    for (nn::GINEConv& convolution : convolutions_) x = convolution.forward(batch.graph, x, batch.edge_features);
    return x;
  }

  void backward(ConstTensorView dy) override {
    for (std::size_t layer = convolutions_.size(); layer-- > 0;) dy = convolutions_[layer].backward(dy, layer != 0);
  }

  void collect(nn::ParameterList& list) override {
    for (nn::GINEConv& convolution : convolutions_) convolution.collect(list);
  }

 private:
  std::deque<nn::GINEConv> convolutions_;
};

}  // namespace

GraphNeeds needs_of(ModelKind model) {
  switch (model) {
    case ModelKind::gat:
    case ModelKind::gatv2:
    case ModelKind::transformer: return {.self_loops = true, .edge_features = true};
    case ModelKind::gin: return {};
    case ModelKind::gine: return {.edge_features = true, .constant_edge_feature = true};
    case ModelKind::attention:
    case ModelKind::gcn: break;
  }
  return {.self_loops = true, .edge_weight = true};
}

std::unique_ptr<Encoder> make_encoder(nn::Session& session, const Settings& settings, std::int64_t node_features,
                                      std::int64_t edge_features) {
  switch (settings.model) {
    case ModelKind::gat: return std::make_unique<GatEncoder>(session, settings, node_features, edge_features);
    case ModelKind::gatv2: return std::make_unique<Gatv2Encoder>(session, settings, node_features, edge_features);
    case ModelKind::transformer:
      return std::make_unique<TransformerEncoder>(session, settings, node_features, edge_features);
    case ModelKind::gin: return std::make_unique<GinEncoder>(session, settings, node_features);
    case ModelKind::gine: return std::make_unique<GineEncoder>(session, settings, node_features, edge_features);
    case ModelKind::attention:
    case ModelKind::gcn: break;
  }
  return std::make_unique<GcnEncoder>(session, settings, node_features);
}

}  // namespace examples::train_graphs
