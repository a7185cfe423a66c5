// SPDX-License-Identifier: MIT
#include "host/nn/heads.hpp"
#include "warpgnn/error.hpp"
#include "warpgnn/nn/attention_layers.hpp"

namespace warpgnn::nn {

namespace {

/// Checked before the first parameter is made.
const GATOptions& checked(const GATOptions& options) {
  expect_positive("heads", options.heads);
  expect_positive("channels", options.channels);
  expect_probability("attention_dropout", options.attention_dropout);
  expect_not_negative("edge_features", options.edge_features);
  return options;
}

}  // namespace

GATConv::GATConv(Session& session, const std::string& name, std::int64_t in, const GATOptions& options)
    : session_(&session),
      options_(checked(options)),
      in_(expect_positive("in", in)),
      in_destination_(destination_inputs(in, options.in_destination)),
      weight_(glorot(session, name + ".weight", {options.heads * options.channels, in}, in,
                     options.heads * options.channels)),
      source_vector_(glorot(session, name + ".att_src", {options.heads, options.channels}, options.channels, 1)),
      destination_vector_(glorot(session, name + ".att_dst", {options.heads, options.channels}, options.channels, 1)) {
  if (weights_apart()) {
    const std::int64_t width = options.heads * options.channels;
    destination_weight_ = glorot(session, name + ".weight_dst", {width, in_destination_}, in_destination_, width);
  }
  if (options.edge_features > 0) {
    edge_matrix_ =
        glorot(session, name + ".att_edge", {options.heads, options.edge_features}, options.edge_features, 1);
  }
  if (options.bias) bias_ = zeros(session, name + ".bias", {outputs()});
  if (options.residual) root_ = RootTerm(session, name + ".res.weight", in_destination_, outputs());
}

void GATConv::project() {
  const Context& context = session_->context();
  const std::int64_t heads = options_.heads, channels = options_.channels;
  const std::int64_t sources = graph_.num_sources(), destinations = graph_.num_destinations();
  const auto product = [&](const ConstTensorView& x, const Parameter& weight, Tensor& value) {
    shape(*session_, value, {x.shape[0], heads, channels});
    linear_forward(context, {.x = x, .weight = weight.value},
                   {.y = reshape(value.view(), {x.shape[0], heads * channels})});
  };
  product(x_.source, weight_, value_);
  if (!x_.one_set) product(x_.destination, weights_apart() ? destination_weight_ : weight_, destination_value_);
  shape(*session_, source_score_, {sources, heads});
  shape(*session_, destination_score_, {destinations, heads});
  if (x_.one_set) {
    head_dot_forward(context, {.x = value_, .vector = source_vector_.value, .second_vector = destination_vector_.value},
                     {.score = source_score_, .second_score = destination_score_});
  } else {
    head_dot_forward(context, {.x = value_, .vector = source_vector_.value}, {.score = source_score_});
    head_dot_forward(context, {.x = destination_value_, .vector = destination_vector_.value},
                     {.score = destination_score_});
  }
  if (!edge_matrix_.value.defined()) return;
  shape(*session_, edge_score_, {graph_.num_edges(), heads});
  linear_forward(context, {.x = edge_features_, .weight = edge_matrix_.value}, {.y = edge_score_});
}

GatAttention GATConv::problem() const {
  return {.graph = graph_,
          .negative_slope = options_.negative_slope,
          .dropout = dropout_,
          .value = value_,
          .source_score = source_score_,
          .destination_score = destination_score_,
          .edge_score = edge_score_};
}

GatAttentionResult GATConv::result(bool training) const {
  return {.y = y_,
          .maximum = maximum_,
          .sum = sum_,
          .positive_y = training ? positive_y_.view() : TensorView{},
          .positive_weight = training ? positive_weight_.view() : TensorView{}};
}

SharedTensor GATConv::run(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features) {
  const ForwardPass pass(*session_, saved_);
  expect_nodes(*session_, graph, x, in_, in_destination_);
  expect_edge_features(*session_, graph, edge_features, options_.edge_features);
  graph_ = graph;
  x_ = x;
  edge_features_ = edge_features;
  dropout_ = draw_dropout(*session_, options_.attention_dropout);
  project();

  const std::int64_t nodes = graph.num_destinations(), heads = options_.heads, channels = options_.channels;
  const bool training = session_->training();
  shape(*session_, y_, {nodes, heads, channels});
  shape(*session_, maximum_, {nodes, heads});
  shape(*session_, sum_, {nodes, heads});
  if (training) {
    shape(*session_, positive_y_, {nodes, heads, channels});
    shape(*session_, positive_weight_, {nodes, heads});
  }
  gat_attention_forward(session_->context(), problem(), result(training), session_->scratch());
  SharedTensor attended = options_.average_heads ? average_heads(*session_, y_, averaged_)
                                                 : y_.share(reshape(y_.view(), {nodes, heads * channels}));
  if (!bias_.value.defined() && !root_.defined()) return attended;
  // Backward needs y as it is, so the sum goes to a tensor of its own.
  shape_like(*session_, biased_, attended);
  if (bias_.value.defined()) {
    add_bias(session_->context(), {.x = attended, .bias = bias_.value, .y = biased_});
  } else {
    copy(session_->context(), attended, biased_);
  }
  root_.add(*session_, x.destination, biased_);
  return biased_.share();
}

SharedTensor GATConv::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("GATConv");
  const std::int64_t nodes = graph_.num_destinations(), heads = options_.heads, channels = options_.channels;
  expect_matrix(*session_, "dy", dy, nodes, outputs());
  if (bias_.value.defined())
    linear_backward(session_->context(), {}, {.dy = dy, .dbias = bias_.gradient}, session_->scratch());
  shape_like(*session_, dvalue_, value_.view());
  shape_like(*session_, dsource_score_, source_score_.view());
  shape(*session_, ddestination_score_, {nodes, heads});
  const bool has_edges = edge_matrix_.value.defined();
  if (has_edges) shape(*session_, dedge_score_, {graph_.num_edges(), heads});
  gat_attention_backward(session_->context(), problem(), result(true),
                         {.dy = options_.average_heads ? spread_over_heads(*session_, dy, heads, dheads_)
                                                       : split_columns(dy, heads, channels),
                          .dvalue = dvalue_,
                          .dsource_score = dsource_score_,
                          .ddestination_score = ddestination_score_,
                          .dedge_score = dedge_score_,
                          .source_vector = source_vector_.value,
                          .destination_vector = x_.one_set ? destination_vector_.value : ConstTensorView{}},
                         session_->scratch());
  vectors_backward();
  if (has_edges) {
    shape(*session_, dedge_features_, {graph_.num_edges(), options_.edge_features});
    linear_backward(session_->context(), {.x = edge_features_, .weight = edge_matrix_.value},
                    {.dy = dedge_score_, .dx = dedge_features_, .dweight = edge_matrix_.gradient}, session_->scratch());
  }
  SharedTensor dx = projection_backward(need_dx);
  if (!root_.defined()) return dx;
  const ConstTensorView droot = root_.backward(*session_, x_.destination, dy, need_dx);
  if (need_dx) {
    add_scaled(session_->context(), {.scale = 1, .source = droot, .target = x_.one_set ? dx_ : ddestination_});
  }
  return dx;
}

/// From the scores to their vectors, and to the value of destinations where that is one of its own.
void GATConv::vectors_backward() {
  const Context& context = session_->context();
  if (x_.one_set) {
    head_dot_backward(context,
                      {.x = value_, .vector = source_vector_.value, .second_vector = destination_vector_.value},
                      {.dscore = dsource_score_,
                       .dvector = source_vector_.gradient,
                       .dsecond_score = ddestination_score_,
                       .dsecond_vector = destination_vector_.gradient},
                      session_->scratch());
    return;
  }
  head_dot_backward(context, {.x = value_, .vector = source_vector_.value},
                    {.dscore = dsource_score_, .dvector = source_vector_.gradient}, session_->scratch());
  shape_like(*session_, ddestination_value_, destination_value_.view());
  ddestination_value_.fill_zero();
  head_dot_backward(context, {.x = destination_value_, .vector = destination_vector_.value},
                    {.dscore = ddestination_score_, .dx = ddestination_value_, .dvector = destination_vector_.gradient},
                    session_->scratch());
}

/// From W x to W and x; with two node sets a W that they share has a gradient from each.
SharedTensor GATConv::projection_backward(bool need_dx) {
  const auto product_backward = [&](const ConstTensorView& x, const Parameter& weight, const Tensor& dvalue,
                                    const Tensor& dweight, Tensor& dx) {
    if (need_dx) shape_like(*session_, dx, x);
    linear_backward(session_->context(), {.x = x, .weight = weight.value},
                    {.dy = reshape(ConstTensorView(dvalue), {x.shape[0], options_.heads * options_.channels}),
                     .dx = need_dx ? dx.view() : TensorView{},
                     .dweight = dweight},
                    session_->scratch());
    return need_dx ? dx.share() : SharedTensor{};
  };
  destination_gradient_ = {};
  SharedTensor dx = product_backward(x_.source, weight_, dvalue_, weight_.gradient, dx_);
  if (x_.one_set) return dx;
  const auto of_destinations = [&](const Parameter& weight, const Tensor& dweight) {
    return product_backward(x_.destination, weight, ddestination_value_, dweight, ddestination_);
  };
  if (weights_apart()) {
    destination_gradient_ = of_destinations(destination_weight_, destination_weight_.gradient);
    return dx;
  }
  shape_like(*session_, dweight_, weight_.value.view());
  destination_gradient_ = of_destinations(weight_, dweight_);
  add_scaled(session_->context(), {.scale = 1, .source = dweight_, .target = weight_.gradient});
  return dx;
}

SharedTensor GATConv::attention() {
  shape(*session_, attention_, {graph_.num_edges(), options_.heads});
  gat_attention_weights(session_->context(), problem(), result(false), {.weight = attention_});
  return attention_.share();
}

void GATConv::collect(ParameterList& list) {
  list.push_back(&weight_);
  if (weights_apart()) list.push_back(&destination_weight_);
  list.insert(list.end(), {&source_vector_, &destination_vector_});
  if (edge_matrix_.value.defined()) list.push_back(&edge_matrix_);
  if (bias_.value.defined()) list.push_back(&bias_);
  root_.collect(list);
}

}  // namespace warpgnn::nn
