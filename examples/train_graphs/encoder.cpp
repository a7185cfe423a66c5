// SPDX-License-Identifier: MIT
#include "encoder.hpp"

#include <deque>
#include <string>

#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/message_layers.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace examples::train_graphs {
namespace {

using warpgnn::Activation;
using warpgnn::ConstTensorView;
namespace nn = warpgnn::nn;

/// What a Stack is made of: a layer with what stands behind it, and no attention unless it says so.
struct PlainLayer {
  static ConstTensorView attention() { return {}; }
};

/// A linear layer and ReLU, which see no edges.
class SetLayer : public PlainLayer {
 public:
  SetLayer(nn::Session& session, const std::string& name, std::int64_t in, std::int64_t out)
      : linear_(session, name, in, out, {.activation = Activation::relu}) {}

  ConstTensorView forward(const Batch&, const ConstTensorView& x) { return linear_.forward(x); }
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx) { return linear_.backward(dy, need_dx); }
  void collect(nn::ParameterList& list) { linear_.collect(list); }

 private:
  nn::Linear linear_;
};

/// GCN and ReLU.
class GcnLayer : public PlainLayer {
 public:
  GcnLayer(nn::Session& session, const std::string& name, std::int64_t in, std::int64_t out)
      : convolution_(session, name, in, out, {.activation = Activation::relu}) {}

  ConstTensorView forward(const Batch& batch, const ConstTensorView& x) {
    return convolution_.forward(batch.graph, x, nn::NodeScale(batch.node_scale));
  }
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx) { return convolution_.backward(dy, need_dx); }
  void collect(nn::ParameterList& list) { convolution_.collect(list); }

 private:
  nn::GCNConv convolution_;
};

/// Attention along edges, heads concatenated, and ELU.
template <class Convolution>
class AttentionLayer {
 public:
  template <class LayerOptions>
  AttentionLayer(nn::Session& session, const std::string& name, std::int64_t in, const LayerOptions& options)
      : convolution_(session, name, in, options), activation_(session, Activation::elu, 1.0) {}

  ConstTensorView forward(const Batch& batch, const ConstTensorView& x) {
    return activation_.forward(convolution_.forward(batch.graph, x, batch.edge_features));
  }
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx) {
    return convolution_.backward(activation_.backward(dy), need_dx);
  }
  void collect(nn::ParameterList& list) { convolution_.collect(list); }
  ConstTensorView attention() { return convolution_.attention(); }

 private:
  Convolution convolution_;
  nn::Activate activation_;
};

/// GIN, which brings its own normalisation and ReLU.
class GinLayer : public PlainLayer {
 public:
  GinLayer(nn::Session& session, const std::string& name, std::int64_t in, std::int64_t out)
      : convolution_(session, name, in, out) {}

  ConstTensorView forward(const Batch& batch, const ConstTensorView& x) { return convolution_.forward(batch.graph, x); }
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx) { return convolution_.backward(dy, need_dx); }
  void collect(nn::ParameterList& list) { convolution_.collect(list); }

 private:
  nn::GINConv convolution_;
};

/// GINE: GIN with edge features in the messages.
class GineLayer : public PlainLayer {
 public:
  GineLayer(nn::Session& session, const std::string& name, std::int64_t in, std::int64_t out,
            std::int64_t edge_features)
      : convolution_(session, name, in, out, edge_features) {}

  ConstTensorView forward(const Batch& batch, const ConstTensorView& x) {
    return convolution_.forward(batch.graph, x, batch.edge_features);
  }
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx) { return convolution_.backward(dy, need_dx); }
  void collect(nn::ParameterList& list) { convolution_.collect(list); }

 private:
  nn::GINEConv convolution_;
};

template <class Layer>
class Stack : public Encoder {
 public:
  /// `add(layers, name, in, out)` puts a layer behind the others.
  template <class Add>
  Stack(nn::Session& session, const std::vector<std::int64_t>& widths, std::int64_t in, const Add& add)
      : session_(&session), joined_(widths.size()) {
    for (const std::int64_t out : widths) {
      add(layers_, "conv" + std::to_string(layers_.size()), in, out);
      in = out;
    }
  }

  const std::vector<ConstTensorView>& forward(const Batch& batch) override {
    states_.clear();
    for (Layer& layer : layers_) states_.push_back(layer.forward(batch, states_.empty() ? batch.x : states_.back()));
    return states_;
  }

  void backward(std::span<const ConstTensorView> dy) override {
    ConstTensorView down = dy.back();
    for (std::size_t layer = layers_.size(); layer-- > 0;) {
      down = layers_[layer].backward(down, layer != 0);
      if (layer != 0 && dy[layer - 1].defined()) down = sum(down, dy[layer - 1], joined_[layer - 1]);
    }
  }

  void collect(nn::ParameterList& list) override {
    for (Layer& layer : layers_) layer.collect(list);
  }

  ConstTensorView edge_attention() override { return layers_.back().attention(); }

 private:
  ConstTensorView sum(const ConstTensorView& a, const ConstTensorView& b, warpgnn::Tensor& target) {
    target.resize(session_->context(), session_->dtype(), {a.shape[0], a.shape[1]});
    target.fill_zero();
    warpgnn::add_scaled(session_->context(), {.source = a, .target = target});
    warpgnn::add_scaled(session_->context(), {.source = b, .target = target});
    return target;
  }

  nn::Session* session_;
  std::deque<Layer> layers_;  // they stay where they are: parameters are known by address
  std::vector<ConstTensorView> states_;
  std::vector<warpgnn::Tensor> joined_;  // gradients of a layer's states from the layer behind and the read-out
};

/// A stack of layers that are made from their widths and `more`.
template <class Layer, class... More>
std::unique_ptr<Encoder> make_stack(nn::Session& session, const Settings& settings, std::int64_t width,
                                    const More&... more) {
  const auto add = [&](auto& layers, const std::string& name, std::int64_t in, std::int64_t out) {
    layers.emplace_back(session, name, in, out, more...);
  };
  return std::make_unique<Stack<Layer>>(session, settings.widths, width, add);
}

template <class Convolution, class LayerOptions>
std::unique_ptr<Encoder> make_attention_stack(nn::Session& session, const Settings& settings, std::int64_t width,
                                              std::int64_t edge_features) {
  const auto add = [&](auto& layers, const std::string& name, std::int64_t in, std::int64_t out) {
    LayerOptions options;
    options.heads = settings.heads;
    options.channels = out / settings.heads;
    options.attention_dropout = settings.attention_dropout;
    options.edge_features = edge_features;
    layers.emplace_back(session, name, in, options);
  };
  return std::make_unique<Stack<AttentionLayer<Convolution>>>(session, settings.widths, width, add);
}

}  // namespace

GraphNeeds needs_of(ModelKind model) {
  switch (model) {
    case ModelKind::gat:
    case ModelKind::gatv2:
    case ModelKind::transformer: return {.self_loops = true, .edge_features = true};
    case ModelKind::gin:
    case ModelKind::set: return {};
    case ModelKind::gine: return {.edge_features = true, .constant_edge_feature = true};
    case ModelKind::attention:
    case ModelKind::gcn: break;
  }
  return {.self_loops = true, .node_scale = true};
}

std::unique_ptr<Encoder> make_encoder(nn::Session& session, const Settings& settings, std::int64_t node_features,
                                      std::int64_t edge_features) {
  const std::int64_t in = node_features;
  switch (settings.model) {
    case ModelKind::gat: return make_attention_stack<nn::GATConv, nn::GATOptions>(session, settings, in, edge_features);
    case ModelKind::gatv2:
      return make_attention_stack<nn::GATv2Conv, nn::GATv2Options>(session, settings, in, edge_features);
    case ModelKind::transformer:
      return make_attention_stack<nn::TransformerConv, nn::TransformerOptions>(session, settings, in, edge_features);
    case ModelKind::gin: return make_stack<GinLayer>(session, settings, in);
    case ModelKind::gine: return make_stack<GineLayer>(session, settings, in, edge_features);
    case ModelKind::set: return make_stack<SetLayer>(session, settings, in);
    case ModelKind::attention:
    case ModelKind::gcn: break;
  }
  return make_stack<GcnLayer>(session, settings, in);
}

}  // namespace examples::train_graphs
