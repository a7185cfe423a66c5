// SPDX-License-Identifier: MIT
#include "warpgnn/nn/graph_layers.hpp"

#include "host/nn/own_term.hpp"

namespace warpgnn::nn {

GCNConv::GCNConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out,
                 const GCNOptions& options)
    : session_(&session),
      options_(options),
      in_(in),
      out_(out),
      weight_(glorot(session, name + ".weight", {out, in}, in, out)) {
  if (options.bias) bias_ = zeros(session, name + ".bias", {out});
}

warpgnn::Linear GCNConv::product(const ConstTensorView& x, Activation activation) const {
  return {.x = x, .weight = weight_.value, .bias = bias_.value, .activation = activation, .slope = options_.slope};
}

Aggregate GCNConv::problem(const ConstTensorView& x) const {
  return {.graph = graph_, .x = x, .weight = edge_weight_, .source_scale = scale_, .destination_scale = scale_};
}

ConstTensorView GCNConv::aggregate(const ConstTensorView& x, Tensor& y) {
  shape(*session_, y, {graph_.num_destinations(), x.shape[1]});
  aggregate_forward(session_->context(), problem(x), {.y = y}, session_->scratch());
  return y;
}

void GCNConv::aggregate_transposed(const ConstTensorView& x, const ConstTensorView& dy, const TensorView& dx) {
  const bool weighs = options_.edge_weight_gradient;
  if (weighs) shape(*session_, dedge_weight_, {graph_.num_edges()});
  aggregate_backward(session_->context(), problem(weighs ? x : ConstTensorView{}), {},
                     {.dy = dy, .dx = dx, .dweight = dedge_weight_}, session_->scratch());
}

SharedTensor GCNConv::forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_weight) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, graph.num_nodes(), in_);
  expect_edge_weight(*session_, graph, edge_weight);
  edge_weight_ = edge_weight;
  scale_ = {};
  return run(graph, x);
}

SharedTensor GCNConv::forward(const Graph& graph, const ConstTensorView& x, const NodeScale& scale) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, graph.num_nodes(), in_);
  expect_tensor(*session_, "scale", scale.scale, {graph.num_nodes()});
  expect_edge_weight(*session_, graph, scale.edge_weight);
  edge_weight_ = scale.edge_weight;
  scale_ = scale.scale;
  return run(graph, x);
}

/// Either forward, once its weights are known to fit.
SharedTensor GCNConv::run(const Graph& graph, const ConstTensorView& x) {
  graph_ = graph;
  x_ = x;
  if (aggregates_first()) {
    const ConstTensorView gathered = aggregate(x, aggregated_);
    shape(*session_, y_, {gathered.shape[0], out_});
    linear_forward(session_->context(), product(gathered, options_.activation), {.y = y_}, session_->scratch());
    return y_.share();
  }
  shape(*session_, projected_, {x.shape[0], out_});
  linear_forward(session_->context(), {.x = x, .weight = weight_.value}, {.y = projected_});
  aggregate(projected_, y_);
  if (bias_.value.defined()) add_bias(session_->context(), {.x = y_, .bias = bias_.value, .y = y_});
  if (options_.activation != Activation::identity) {
    activation_forward(session_->context(), {.kind = options_.activation, .slope = options_.slope, .x = y_}, {.y = y_});
  }
  return y_.share();
}

SharedTensor GCNConv::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("GCNConv");
  expect_matrix(*session_, "dy", dy, x_.shape[0], out_);
  if (aggregates_first()) return aggregated_backward(dy, need_dx);
  ConstTensorView dz = dy;
  if (options_.activation != Activation::identity) {
    shape_like(*session_, dz_, y_.view());
    activation_backward(session_->context(), {.kind = options_.activation, .slope = options_.slope}, {.y = y_},
                        {.dy = dy, .dx = dz_});
    dz = dz_;
  }
  if (bias_.value.defined()) {
    linear_backward(session_->context(), {}, {.dy = dz, .dbias = bias_.gradient}, session_->scratch());
  }
  shape_like(*session_, dprojected_, projected_.view());
  aggregate_transposed(projected_, dz, dprojected_);
  if (need_dx) shape_like(*session_, dx_, x_);
  linear_backward(session_->context(), {.x = x_, .weight = weight_.value},
                  {.dy = dprojected_, .dx = need_dx ? dx_.view() : TensorView{}, .dweight = weight_.gradient},
                  session_->scratch());
  return need_dx ? dx_.share() : SharedTensor{};
}

/// Of a layer that aggregated x itself.
SharedTensor GCNConv::aggregated_backward(const ConstTensorView& dy, bool need_dx) {
  const bool through = need_dx || options_.edge_weight_gradient;
  if (through) shape_like(*session_, daggregated_, aggregated_.view());
  linear_backward(session_->context(), product(aggregated_, options_.activation),
                  {.dy = dy,
                   .dx = through ? daggregated_.view() : TensorView{},
                   .dweight = weight_.gradient,
                   .dbias = bias_.gradient,
                   .y = y_},
                  session_->scratch());
  if (!through) return {};
  if (need_dx) shape_like(*session_, dx_, x_);
  aggregate_transposed(x_, daggregated_, need_dx ? dx_.view() : TensorView{});
  return need_dx ? dx_.share() : SharedTensor{};
}

void GCNConv::collect(ParameterList& list) {
  list.push_back(&weight_);
  if (bias_.value.defined()) list.push_back(&bias_);
}

GinNetwork::GinNetwork(Session& session, const std::string& name, std::int64_t in, std::int64_t out)
    : session_(&session),
      first_(session, name + ".mlp.0", in, out),
      inner_norm_(session, name + ".mlp.1", out),
      inner_relu_(session, Activation::relu),
      second_(session, name + ".mlp.3", out, out),
      outer_norm_(session, name + ".norm", out),
      outer_relu_(session, Activation::relu) {}

SharedTensor GinNetwork::forward(const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  const ConstTensorView inner = inner_relu_.forward(inner_norm_.forward(first_.forward(x)));
  return outer_relu_.forward(outer_norm_.forward(second_.forward(inner)));
}

SharedTensor GinNetwork::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("GinNetwork");
  const ConstTensorView dinner = second_.backward(outer_norm_.backward(outer_relu_.backward(dy)));
  return first_.backward(inner_norm_.backward(inner_relu_.backward(dinner)), need_dx);
}

void GinNetwork::collect(ParameterList& list) {
  first_.collect(list);
  inner_norm_.collect(list);
  second_.collect(list);
  outer_norm_.collect(list);
}

GINAggregation::GINAggregation(Session& session, const std::string& name, std::int64_t in, const GINOptions& options)
    : session_(&session), in_(expect_positive("in", in)), epsilon_(make_epsilon(session, name, options)) {}

Aggregate GINAggregation::problem() const {
  return {.graph = graph_, .x = x_.source, .epsilon = x_.one_set ? ConstTensorView(epsilon_.value) : ConstTensorView{}};
}

SharedTensor GINAggregation::run(const Graph& graph, const NodeInputs& x) {
  const ForwardPass pass(*session_, saved_);
  expect_nodes(*session_, graph, x, in_);
  graph_ = graph;
  x_ = x;
  shape_like(*session_, y_, x.destination);
  aggregate_forward(session_->context(), problem(), {.y = y_}, session_->scratch());
  if (!x.one_set) add_own_term(*session_, x.destination, epsilon_, own_, y_);
  return y_.share();
}

SharedTensor GINAggregation::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("GINAggregation");
  expect_matrix(*session_, "dy", dy, graph_.num_destinations(), in_);
  destination_gradient_ = {};
  if (!need_dx && !learns()) return {};
  if (!x_.one_set) {
    destination_gradient_ = own_term_backward(*session_, dy, epsilon_, own_, need_dx);
    if (!need_dx) return {};
  }
  if (need_dx) shape_like(*session_, dx_, x_.source);
  aggregate_backward(session_->context(), problem(), {},
                     {.dy = dy,
                      .dx = need_dx ? dx_.view() : TensorView{},
                      .depsilon = x_.one_set ? gradient_of(epsilon_) : TensorView{}},
                     session_->scratch());
  return need_dx ? dx_.share() : SharedTensor{};
}

void GINAggregation::collect(ParameterList& list) {
  list.push_back(&epsilon_);
}

GINConv::GINConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out,
                 const GINOptions& options)
    : session_(&session), aggregation_(session, name, in, options), network_(session, name, in, out) {}

SharedTensor GINConv::forward(const Graph& graph, const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  return network_.forward(aggregation_.forward(graph, x));
}

SharedTensor GINConv::forward(const Graph& graph, const NodeFeatures& x) {
  const ForwardPass pass(*session_, saved_);
  return network_.forward(aggregation_.forward(graph, x));
}

SharedTensor GINConv::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("GINConv");
  destination_gradient_ = {};
  const bool through = need_dx || aggregation_.learns();
  const SharedTensor daggregated = network_.backward(dy, through);
  if (!through) return {};
  SharedTensor dx = aggregation_.backward(daggregated, need_dx);
  destination_gradient_ = aggregation_.destination_gradient();
  return dx;
}

void GINConv::collect(ParameterList& list) {
  aggregation_.collect(list);
  network_.collect(list);
}

}  // namespace warpgnn::nn
