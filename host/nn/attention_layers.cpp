// SPDX-License-Identifier: MIT
// GATv2Conv, AdditiveAttentionConv and TransformerConv: what each adds to AttentionConv.

#include "warpgnn/nn/attention_layers.hpp"

#include <cmath>

#include "host/nn/run.hpp"

namespace warpgnn::nn {

namespace {

/// Of a projection that is as wide as the result, if there is one.
template <class Options>
std::int64_t extra_columns(bool present, const Options& options) {
  return !present ? 0 : options.average_heads ? options.channels : options.heads * options.channels;
}

}  // namespace

GATv2Conv::GATv2Conv(const Shape& shape, Session& session, const std::string& name, std::int64_t in)
    : AttentionConv(session, name, in, shape) {
  if (shape.projection_bias) bias_ = zeros(session, name + ".bias", {shape.outputs()});
}

GATv2Conv::GATv2Conv(Session& session, const std::string& name, std::int64_t in, const GATv2Options& options)
    : GATv2Conv(Shape{.layer = "GATv2Conv",
                      .score = AttentionScore::gatv2,
                      .negative_slope = options.negative_slope,
                      .heads = options.heads,
                      .channels = options.channels,
                      .average_heads = options.average_heads,
                      .attention_dropout = options.attention_dropout,
                      .edge_features = options.edge_features,
                      .shared = options.share_weights,
                      .extra = extra_columns(options.residual, options),
                      .projection_bias = options.bias,
                      .in_destination = options.in_destination},
                session, name, in) {}

SharedTensor GATv2Conv::run(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features) {
  const ForwardPass pass(*session_, saved_);
  SharedTensor attended = attend(graph, x, edge_features);
  if (!bias_.value.defined() && shape_.extra == 0) return attended;
  // Backward needs the attended values as they are, so the sum goes to a tensor of its own.
  shape_like(*session_, biased_, attended);
  if (bias_.value.defined()) {
    add_bias(session_->context(), {.x = attended, .bias = bias_.value, .y = biased_});
  } else {
    copy(session_->context(), attended, biased_);
  }
  if (shape_.extra > 0) add_scaled(session_->context(), {.scale = 1, .source = extra(), .target = biased_});
  return biased_.share();
}

SharedTensor GATv2Conv::backward(const ConstTensorView& dy, bool need_dx) {
  expect_gradient(dy);
  if (bias_.value.defined())
    linear_backward(session_->context(), {}, {.dy = dy, .dbias = bias_.gradient}, session_->scratch());
  if (shape_.extra > 0) copy(session_->context(), dy, extra_gradient());
  return attend_backward(dy, need_dx);
}

void GATv2Conv::collect(ParameterList& list) {
  collect_projections(list);
  if (bias_.value.defined()) list.push_back(&bias_);
}

AdditiveAttentionConv::AdditiveAttentionConv(Session& session, const std::string& name, std::int64_t in,
                                             const AdditiveAttentionOptions& options)
    : GATv2Conv(Shape{.layer = "AdditiveAttentionConv",
                      .score = AttentionScore::additive,
                      .heads = options.heads,
                      .channels = options.channels,
                      .average_heads = options.average_heads,
                      .attention_dropout = options.attention_dropout,
                      .edge_features = options.edge_features,
                      .projection_bias = options.bias,
                      .in_destination = options.in_destination},
                session, name, in) {}

namespace {

const TransformerOptions& checked(const TransformerOptions& options) {
  expect_positive("channels", options.channels);  // before its square root is taken
  if (options.gate && !options.skip) {
    throw Error(ErrorCode::invalid_argument, "gate: expected skip beside it, got a layer without");
  }
  return options;
}

}  // namespace

TransformerConv::TransformerConv(Session& session, const std::string& name, std::int64_t in,
                                 const TransformerOptions& options)
    : AttentionConv(session, name, in,
                    Shape{.layer = "TransformerConv",
                          .score = AttentionScore::dot,
                          .scale = 1 / std::sqrt(static_cast<double>(checked(options).channels)),
                          .heads = options.heads,
                          .channels = options.channels,
                          .average_heads = options.average_heads,
                          .attention_dropout = options.attention_dropout,
                          .edge_features = options.edge_features,
                          .own_value = true,
                          .edge_value = options.edge_features > 0,
                          .extra = extra_columns(options.skip, options),
                          .projection_bias = options.bias,
                          .in_destination = options.in_destination}),
      skip_(options.skip) {
  if (options.gate) gate_weight_ = glorot(session, name + ".gate", {3, shape_.outputs()}, 3 * shape_.outputs(), 1);
}

SharedTensor TransformerConv::run(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features) {
  const ForwardPass pass(*session_, saved_);
  SharedTensor attended = attend(graph, x, edge_features);
  if (!skip_) return attended;
  attended_ = attended;
  shape_like(*session_, result_, attended_);
  if (gate_weight_.value.defined()) {
    shape(*session_, gate_, {attended_.shape[0]});
    residual_gate_forward(session_->context(), {.x = attended_, .residual = extra(), .weight = gate_weight_.value},
                          {.y = result_, .gate = gate_});
  } else {
    copy(session_->context(), attended_, result_);
    add_scaled(session_->context(), {.scale = 1, .source = extra(), .target = result_});
  }
  return result_.share();
}

SharedTensor TransformerConv::backward(const ConstTensorView& dy, bool need_dx) {
  expect_gradient(dy);
  if (!skip_) return attend_backward(dy, need_dx);
  const TensorView dresidual = extra_gradient();
  if (!gate_weight_.value.defined()) {
    copy(session_->context(), dy, dresidual);
    return attend_backward(dy, need_dx);
  }
  shape_like(*session_, dattended_, attended_);
  residual_gate_backward(
      session_->context(), {.x = attended_, .residual = extra(), .weight = gate_weight_.value}, {.gate = gate_},
      {.dy = dy, .dx = dattended_, .dresidual = dresidual, .dweight = gate_weight_.gradient}, session_->scratch());
  return attend_backward(dattended_, need_dx);
}

void TransformerConv::collect(ParameterList& list) {
  collect_projections(list);
  if (gate_weight_.value.defined()) list.push_back(&gate_weight_);
}

}  // namespace warpgnn::nn
