// SPDX-License-Identifier: MIT
// What GATv2Conv, AdditiveAttentionConv and TransformerConv share.

#include "host/nn/heads.hpp"
#include "warpgnn/nn/attention_layers.hpp"

namespace warpgnn::nn {

namespace {

/// Columns [first, first + heads * channels) of a matrix as [rows, heads, channels].
TensorView column_heads(const Tensor& matrix, std::int64_t first, std::int64_t heads, std::int64_t channels) {
  TensorView view = matrix.view();
  view.data = view.as<char>() + first * static_cast<std::int64_t>(size_of(view.dtype));
  view.ndim = 3;
  view.shape = {view.shape[0], heads, channels};
  view.stride = {view.stride[0], channels, 1};
  return view;
}

/// The same columns as [rows, width].
TensorView columns(const Tensor& matrix, std::int64_t first, std::int64_t width) {
  TensorView view = column_heads(matrix, first, 1, width);
  view.ndim = 2;
  view.shape = {view.shape[0], width};
  view.stride = {view.stride[0], 1};
  return view;
}

/// Checked before the first parameter is made.
template <class Shape>
const Shape& checked(const Shape& shape) {
  expect_positive("heads", shape.heads);
  expect_positive("channels", shape.channels);
  expect_probability("attention_dropout", shape.attention_dropout);
  if (shape.edge_features < 0) {
    throw Error(ErrorCode::invalid_argument,
                "edge_features: expected 0 or more, got " + std::to_string(shape.edge_features));
  }
  return shape;
}

}  // namespace

AttentionConv::AttentionConv(Session& session, const std::string& name, std::int64_t in, const Shape& shape)
    : session_(&session),
      shape_(checked(shape)),
      weight_(glorot(session, name + ".weight", {shape.projections(), expect_positive("in", in)}, in, shape.width())) {
  if (shape.projection_bias) projection_bias_ = zeros(session, name + ".projection_bias", {shape.projections()});
  if (shape.score != AttentionScore::dot) {
    vector_ = glorot(session, name + ".att", {shape.heads, shape.channels}, shape.channels, 1);
  }
  if (shape.edge_features > 0) {
    edge_weight_ = glorot(session, name + ".edge_weight", {shape.width(), shape.edge_features}, shape.edge_features,
                          shape.width());
  }
}

ConstTensorView AttentionConv::projected(std::int64_t part) const {
  return column_heads(projected_, part * shape_.width(), shape_.heads, shape_.channels);
}

TensorView AttentionConv::projected_gradient(std::int64_t part) {
  return column_heads(dprojected_, part * shape_.width(), shape_.heads, shape_.channels);
}

ConstTensorView AttentionConv::extra() const {
  return columns(projected_, shape_.projections() - shape_.extra, shape_.extra);
}

TensorView AttentionConv::extra_gradient() {
  shape(*session_, dprojected_, {graph_.num_nodes(), shape_.projections()});
  return columns(dprojected_, shape_.projections() - shape_.extra, shape_.extra);
}

void AttentionConv::project(const ConstTensorView& x) {
  const Context& context = session_->context();
  shape(*session_, projected_, {x.shape[0], shape_.projections()});
  linear_forward(context, {.x = x, .weight = weight_.value, .bias = projection_bias_.value}, {.y = projected_});
  if (shape_.edge_features == 0) return;
  const std::int64_t edges = graph_.num_edges();
  shape(*session_, edge_key_, {edges, shape_.heads, shape_.channels});
  linear_forward(context, {.x = edge_features_, .weight = edge_weight_.value},
                 {.y = reshape(edge_key_.view(), {edges, shape_.width()})});
}

Attention AttentionConv::problem() const {
  return {.graph = graph_,
          .score = shape_.score,
          .negative_slope = shape_.negative_slope,
          .scale = shape_.scale,
          .dropout = dropout_,
          .query = projected(0),
          .key = projected(1),
          .value = projected(shape_.own_value ? 2 : 1),
          .edge_key = edge_key_,
          .edge_value = shape_.edge_value ? ConstTensorView(edge_key_) : ConstTensorView{},
          .vector = vector_.value};
}

ConstTensorView AttentionConv::attend(const Graph& graph, const ConstTensorView& x,
                                      const ConstTensorView& edge_features) {
  if (edge_features.defined() != (shape_.edge_features > 0)) {
    throw Error(ErrorCode::invalid_argument, shape_.edge_features > 0
                                                 ? "edge_features: expected a tensor, got none"
                                                 : "edge_features: expected none, for the layer was made without");
  }
  const std::int64_t nodes = graph.num_nodes();
  expect_matrix(*session_, "x", x, nodes, weight_.value.view().shape[1]);
  if (shape_.edge_features > 0) {
    expect_matrix(*session_, "edge_features", edge_features, graph.num_edges(), shape_.edge_features);
  }
  graph_ = graph;
  x_ = x;
  edge_features_ = edge_features;
  dropout_ = draw_dropout(*session_, shape_.attention_dropout);
  project(x);

  shape(*session_, y_, {nodes, shape_.heads, shape_.channels});
  shape(*session_, maximum_, {nodes, shape_.heads});
  shape(*session_, sum_, {nodes, shape_.heads});
  attention_forward(session_->context(), problem(), result(), session_->scratch());
  return shape_.average_heads ? average_heads(*session_, y_, averaged_)
                              : ConstTensorView(reshape(y_.view(), {nodes, shape_.width()}));
}

void AttentionConv::expect_gradient(const ConstTensorView& dy) {
  saved_.expect(shape_.layer);
  expect_matrix(*session_, "dy", dy, graph_.num_nodes(), shape_.outputs());
}

ConstTensorView AttentionConv::attend_backward(const ConstTensorView& dy, bool need_dx) {
  const std::int64_t nodes = graph_.num_nodes();
  shape(*session_, dprojected_, {nodes, shape_.projections()});
  if (shape_.edge_features > 0) shape_like(*session_, dedge_key_, edge_key_.view());
  attention_backward(session_->context(), problem(), result(),
                     {.dy = shape_.average_heads ? spread_over_heads(*session_, dy, shape_.heads, dheads_)
                                                 : split_columns(dy, shape_.heads, shape_.channels),
                      .dquery = projected_gradient(0),
                      .dkey = projected_gradient(1),
                      .dvalue = shape_.own_value ? projected_gradient(2) : TensorView{},
                      .dedge_key = dedge_key_,
                      .dvector = vector_.gradient},
                     session_->scratch());
  if (shape_.edge_features > 0) edge_backward();
  if (need_dx) shape_like(*session_, dx_, x_);
  linear_backward(session_->context(), {.x = x_, .weight = weight_.value},
                  {.dy = dprojected_,
                   .dx = need_dx ? dx_.view() : TensorView{},
                   .dweight = weight_.gradient,
                   .dbias = projection_bias_.gradient},
                  session_->scratch());
  return need_dx ? ConstTensorView(dx_) : ConstTensorView{};
}

void AttentionConv::edge_backward() {
  const std::int64_t edges = graph_.num_edges();
  shape(*session_, dedge_features_, {edges, shape_.edge_features});
  linear_backward(session_->context(), {.x = edge_features_, .weight = edge_weight_.value},
                  {.dy = reshape(ConstTensorView(dedge_key_), {edges, shape_.width()}),
                   .dx = dedge_features_,
                   .dweight = edge_weight_.gradient},
                  session_->scratch());
}

ConstTensorView AttentionConv::attention(bool after_dropout) {
  shape(*session_, attention_, {graph_.num_edges(), shape_.heads});
  attention_weights(session_->context(), problem(), result(), {.weight = attention_, .dropped = after_dropout},
                    session_->scratch());
  return attention_;
}

void AttentionConv::collect_projections(ParameterList& list) {
  for (Parameter* each : {&weight_, &projection_bias_, &vector_, &edge_weight_}) {
    if (each->value.defined()) list.push_back(each);
  }
}

}  // namespace warpgnn::nn
