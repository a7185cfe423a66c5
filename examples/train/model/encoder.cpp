// SPDX-License-Identifier: MIT
#include "model/encoder.hpp"

#include <deque>
#include <optional>
#include <string>
#include <type_traits>

#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/message_layers.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace train {
namespace {

using warpgnn::Activation;
using warpgnn::ConstTensorView;
namespace nn = warpgnn::nn;

/// What a Stack is made of: a layer with what stands behind it, and no attention unless it says so. `answers` leaves
/// out what stands behind it.
struct PlainLayer {
  static warpgnn::SharedTensor attention() { return {}; }
  static warpgnn::SharedTensor edge_feature_gradient() { return {}; }
};

Activation unless(bool answers, Activation activation) {
  return answers ? Activation::identity : activation;
}

/// A linear layer and ReLU, which see no edges.
class SetLayer : public PlainLayer {
 public:
  SetLayer(nn::Session& session, const std::string& name, std::int64_t in, std::int64_t out, bool answers)
      : linear_(session, name, in, out, {.activation = unless(answers, Activation::relu)}) {}

  ConstTensorView forward(const GraphInput&, const ConstTensorView& x) { return linear_.forward(x); }
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx) { return linear_.backward(dy, need_dx); }
  void collect(nn::ParameterList& list) { linear_.collect(list); }

 private:
  nn::Linear linear_;
};

/// GCN and ReLU.
class GcnLayer : public PlainLayer {
 public:
  GcnLayer(nn::Session& session, const std::string& name, std::int64_t in, std::int64_t out, bool answers)
      : convolution_(session, name, in, out, {.activation = unless(answers, Activation::relu)}) {}

  ConstTensorView forward(const GraphInput& input, const ConstTensorView& x) {
    return convolution_.forward(input.graph, x, nn::NodeScale(input.node_scale));
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
  AttentionLayer(nn::Session& session, const std::string& name, std::int64_t in, const LayerOptions& options,
                 bool answers)
      : convolution_(session, name, in, options), activation_(session, Activation::elu, 1.0), answers_(answers) {}

  ConstTensorView forward(const GraphInput& input, const ConstTensorView& x) {
    const ConstTensorView y = convolution_.forward(input.graph, x, input.edge_features);
    return answers_ ? y : activation_.forward(y);
  }
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx) {
    return convolution_.backward(answers_ ? dy : activation_.backward(dy), need_dx);
  }
  void collect(nn::ParameterList& list) { convolution_.collect(list); }
  warpgnn::SharedTensor attention() { return convolution_.attention(); }
  warpgnn::SharedTensor edge_feature_gradient() const { return convolution_.edge_feature_gradient(); }

 private:
  Convolution convolution_;
  nn::Activate activation_;
  bool answers_;
};

/// GIN, or GINE with edge features in the messages, which bring their own normalisation and ReLU. Answers are a linear
/// layer behind.
template <class Convolution>
class IsomorphismLayer : public PlainLayer {
 public:
  /// `more` is what GINE's makes beside widths.
  template <class... More>
  IsomorphismLayer(nn::Session& session, const std::string& name, std::int64_t in, std::int64_t out, bool answers,
                   const More&... more)
      : convolution_(session, name, in, out, more...) {
    if (answers) answer_.emplace(session, name + ".answer", out, out);
  }

  ConstTensorView forward(const GraphInput& input, const ConstTensorView& x) {
    const ConstTensorView y = convolve(input, x);
    return answer_ ? answer_->forward(y) : y;
  }
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx) {
    return convolution_.backward(answer_ ? answer_->backward(dy) : dy, need_dx);
  }
  void collect(nn::ParameterList& list) {
    convolution_.collect(list);
    if (answer_) answer_->collect(list);
  }

 private:
  ConstTensorView convolve(const GraphInput& input, const ConstTensorView& x) {
    if constexpr (std::is_same_v<Convolution, nn::GINEConv>) {
      return convolution_.forward(input.graph, x, input.edge_features);
    } else {
      return convolution_.forward(input.graph, x);
    }
  }

  Convolution convolution_;
  std::optional<nn::Linear> answer_;
};

template <class Layer>
class Stack : public Encoder {
 public:
  /// `add(layers, name, in, out, answers)` puts a layer behind the others.
  template <class Add>
  Stack(nn::Session& session, const EncoderOptions& options, std::int64_t in, const Add& add)
      : session_(&session), joined_(options.widths.size()) {
    if (options.dropout > 0) {
      for (std::size_t layer = 0; layer < options.widths.size(); ++layer) {
        dropouts_.emplace_back(session, options.dropout);
      }
    }
    for (const std::int64_t out : options.widths) {
      const bool is_last = layers_.size() + 1 == options.widths.size();
      add(layers_, "conv" + std::to_string(layers_.size()), in, out, is_last && options.answers);
      in = out;
    }
  }

  const std::vector<ConstTensorView>& forward(const GraphInput& input) override {
    states_.clear();
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      ConstTensorView x = layer == 0 ? input.x : states_.back();
      if (!dropouts_.empty()) x = dropouts_[layer].forward(x);
      states_.push_back(layers_[layer].forward(input, x));
    }
    return states_;
  }

  ConstTensorView backward(std::span<const ConstTensorView> dy, bool need_dx) override {
    ConstTensorView down = dy.back();
    for (std::size_t layer = layers_.size(); layer-- > 0;) {
      down = layers_[layer].backward(down, layer != 0 || need_dx);
      if (!down.defined()) break;
      if (!dropouts_.empty()) down = dropouts_[layer].backward(down);
      if (layer != 0 && dy[layer - 1].defined()) down = sum(down, dy[layer - 1], joined_[layer - 1]);
    }
    return down;
  }

  ConstTensorView edge_feature_gradient() override {
    ConstTensorView gradient;
    for (Layer& layer : layers_) {
      const ConstTensorView more = layer.edge_feature_gradient();
      if (!more.defined()) continue;
      gradient = gradient.defined() ? sum(gradient, more, edge_gradient_) : more;
    }
    return gradient;
  }

  void collect(std::size_t layer, nn::ParameterList& list) override { layers_[layer].collect(list); }

  warpgnn::SharedTensor edge_attention() override { return layers_.back().attention(); }

 private:
  /// `a` may be what `target` holds.
  ConstTensorView sum(const ConstTensorView& a, const ConstTensorView& b, warpgnn::Tensor& target) {
    if (!target.defined() || a.data != target.view().data) {
      target.resize(session_->context(), session_->dtype(), {a.shape[0], a.shape[1]});
      warpgnn::copy(session_->context(), a, target);
    }
    warpgnn::add_scaled(session_->context(), {.source = b, .target = target});
    return target;
  }

  nn::Session* session_;
  std::deque<nn::DropoutLayer> dropouts_;
  std::deque<Layer> layers_;  // they stay where they are: parameters are known by address
  std::vector<ConstTensorView> states_;
  warpgnn::Tensor edge_gradient_;
  std::vector<warpgnn::Tensor> joined_;  // gradients of a layer's states from the layer behind and from elsewhere
};

/// A stack of layers that are made from their widths and `more`.
template <class Layer, class... More>
std::unique_ptr<Encoder> make_stack(nn::Session& session, const EncoderOptions& options, std::int64_t width,
                                    const More&... more) {
  const auto add = [&](auto& layers, const std::string& name, std::int64_t in, std::int64_t out, bool answers) {
    layers.emplace_back(session, name, in, out, answers, more...);
  };
  return std::make_unique<Stack<Layer>>(session, options, width, add);
}

template <class Convolution, class LayerOptions>
std::unique_ptr<Encoder> make_attention_stack(nn::Session& session, const EncoderOptions& options, std::int64_t width,
                                              std::int64_t edge_features) {
  const auto add = [&](auto& layers, const std::string& name, std::int64_t in, std::int64_t out, bool answers) {
    LayerOptions layer_options;
    layer_options.heads = answers ? 1 : options.heads;
    layer_options.channels = out / layer_options.heads;
    layer_options.attention_dropout = options.attention_dropout;
    layer_options.edge_features = edge_features;
    layers.emplace_back(session, name, in, layer_options, answers);
  };
  return std::make_unique<Stack<AttentionLayer<Convolution>>>(session, options, width, add);
}

}  // namespace

GraphNeeds needs_of(EncoderKind kind) {
  switch (kind) {
    case EncoderKind::gat:
    case EncoderKind::gatv2:
    case EncoderKind::transformer: return {.self_loops = true, .edge_features = true};
    case EncoderKind::gin:
    case EncoderKind::set: return {};
    case EncoderKind::gine: return {.edge_features = true, .constant_edge_feature = true};
    case EncoderKind::gcn: break;
  }
  return {.self_loops = true, .node_scale = true};
}

std::unique_ptr<Encoder> make_encoder(nn::Session& session, const EncoderOptions& options, std::int64_t node_features,
                                      std::int64_t edge_features) {
  const std::int64_t in = node_features;
  switch (options.kind) {
    case EncoderKind::gat:
      return make_attention_stack<nn::GATConv, nn::GATOptions>(session, options, in, edge_features);
    case EncoderKind::gatv2:
      return make_attention_stack<nn::GATv2Conv, nn::GATv2Options>(session, options, in, edge_features);
    case EncoderKind::transformer:
      return make_attention_stack<nn::TransformerConv, nn::TransformerOptions>(session, options, in, edge_features);
    case EncoderKind::gin: return make_stack<IsomorphismLayer<nn::GINConv>>(session, options, in);
    case EncoderKind::gine: return make_stack<IsomorphismLayer<nn::GINEConv>>(session, options, in, edge_features);
    case EncoderKind::set: return make_stack<SetLayer>(session, options, in);
    case EncoderKind::gcn: break;
  }
  return make_stack<GcnLayer>(session, options, in);
}

}  // namespace train
