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

/// Checked before the first parameter is made.
template <class Shape>
const Shape& checked(const Shape& shape) {
  expect_positive("heads", shape.heads);
  expect_positive("channels", shape.channels);
  expect_probability("attention_dropout", shape.attention_dropout);
  expect_not_negative("edge_features", shape.edge_features);
  return shape;
}

/// A projection that queries and keys share takes features of one width.
std::int64_t checked_destination(std::int64_t in, std::int64_t in_destination, bool shared) {
  const std::int64_t width = destination_inputs(in, in_destination);
  if (!shared || width == in) return width;
  throw Error(ErrorCode::invalid_argument, "in_destination: expected that of the sources, " + std::to_string(in) +
                                               ", beside share_weights, got " + std::to_string(width));
}

}  // namespace

AttentionConv::AttentionConv(Session& session, const std::string& name, std::int64_t in, const Shape& shape)
    : session_(&session),
      shape_(checked(shape)),
      in_(expect_positive("in", in)),
      in_destination_(checked_destination(in, shape.in_destination, shape.shared)) {
  const bool apart = in_ != in_destination_;
  weight_ = glorot(session, name + ".weight", {apart ? shape.keys() : shape.projections(), in}, in, shape.width());
  if (apart) {
    destination_weight_ = glorot(session, name + ".weight_dst", {shape.width() + shape.extra, in_destination_},
                                 in_destination_, shape.width());
  }
  if (shape.projection_bias) projection_bias_ = zeros(session, name + ".projection_bias", {shape.projections()});
  if (shape.score != AttentionScore::dot) {
    vector_ = glorot(session, name + ".att", {shape.heads, shape.channels}, shape.channels, 1);
  }
  if (shape.edge_features > 0) {
    edge_weight_ = glorot(session, name + ".edge_weight", {shape.width(), shape.edge_features}, shape.edge_features,
                          shape.width());
  }
}

void AttentionConv::shape_projections(Projections& projections) {
  shape(*session_, projections.all,
        {graph_.num_destinations(), x_.one_set ? shape_.projections() : shape_.width() + shape_.extra});
  if (!x_.one_set) shape(*session_, projections.source, {graph_.num_sources(), shape_.keys()});
}

/// Query, key or value, as heads.
TensorView AttentionConv::part_of(const Projections& projections, std::int64_t part) const {
  const bool apart = !x_.one_set && part > 0;
  return column_heads(apart ? projections.source : projections.all,
                      (part - (part > 0 && (apart || shape_.shared) ? 1 : 0)) * shape_.width(), shape_.heads,
                      shape_.channels);
}

TensorView AttentionConv::extra_of(const Projections& projections) const {
  return columns(projections.all.view(), projections.all.view().shape[1] - shape_.extra, shape_.extra);
}

ConstTensorView AttentionConv::extra() const {
  return extra_of(projected_);
}

TensorView AttentionConv::extra_gradient() {
  shape_projections(dprojected_);
  return extra_of(dprojected_);
}

/// Where the matrix is two, queries and the further projection stand in that of the destinations.
AttentionConv::Place AttentionConv::place_of(std::int64_t first) const {
  if (!destination_weight_.value.defined()) return {&weight_, first};
  const std::int64_t first_key = shape_.first_key(), behind = first_key + shape_.keys();
  if (first < first_key) return {&destination_weight_, first};
  if (first < behind) return {&weight_, first - first_key};
  return {&destination_weight_, first - shape_.keys()};
}

/// y = the product with as many rows of the matrix as y has columns.
void AttentionConv::project(const ConstTensorView& x, std::int64_t first, const TensorView& y) {
  const Tensor& bias = projection_bias_.value;
  const Place place = place_of(first);
  linear_forward(session_->context(),
                 {.x = x,
                  .weight = rows(ConstTensorView(place.weight->value), place.first, y.shape[1]),
                  .bias = bias.defined() ? rows(ConstTensorView(bias), first, y.shape[1]) : ConstTensorView{}},
                 {.y = y});
}

void AttentionConv::project() {
  shape_projections(projected_);
  const std::int64_t width = shape_.width();
  if (x_.one_set) {
    project(x_.source, 0, projected_.all);
  } else {
    project(x_.destination, 0, columns(projected_.all.view(), 0, width));
    if (shape_.extra > 0) project(x_.destination, shape_.projections() - shape_.extra, extra_of(projected_));
    project(x_.source, shape_.first_key(), projected_.source);
  }
  if (shape_.edge_features == 0) return;
  const std::int64_t edges = graph_.num_edges();
  shape(*session_, edge_key_, {edges, shape_.heads, shape_.channels});
  linear_forward(session_->context(), {.x = edge_features_, .weight = edge_weight_.value},
                 {.y = reshape(edge_key_.view(), {edges, width})});
}

Attention AttentionConv::problem() const {
  return {.graph = graph_,
          .score = shape_.score,
          .negative_slope = shape_.negative_slope,
          .scale = shape_.scale,
          .dropout = dropout_,
          .query = part_of(projected_, 0),
          .key = part_of(projected_, 1),
          .value = part_of(projected_, shape_.own_value ? 2 : 1),
          .edge_key = edge_key_,
          .edge_value = shape_.edge_value ? ConstTensorView(edge_key_) : ConstTensorView{},
          .vector = vector_.value};
}

SharedTensor AttentionConv::attend(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features) {
  expect_nodes(*session_, graph, x, in_, in_destination_);
  expect_edge_features(*session_, graph, edge_features, shape_.edge_features);
  const std::int64_t nodes = graph.num_destinations();
  graph_ = graph;
  x_ = x;
  edge_features_ = edge_features;
  dropout_ = draw_dropout(*session_, shape_.attention_dropout);
  project();

  shape(*session_, y_, {nodes, shape_.heads, shape_.channels});
  shape(*session_, maximum_, {nodes, shape_.heads});
  shape(*session_, sum_, {nodes, shape_.heads});
  attention_forward(session_->context(), problem(), result(), session_->scratch());
  return shape_.average_heads ? average_heads(*session_, y_, averaged_)
                              : y_.share(reshape(y_.view(), {nodes, shape_.width()}));
}

void AttentionConv::expect_gradient(const ConstTensorView& dy) {
  saved_.expect(shape_.layer);
  expect_matrix(*session_, "dy", dy, graph_.num_destinations(), shape_.outputs());
}

SharedTensor AttentionConv::attend_backward(const ConstTensorView& dy, bool need_dx) {
  shape_projections(dprojected_);
  // Over one set the gradient of a query that is the key has to be added to that of the key.
  const bool one_shared = shape_.shared && x_.one_set;
  if (one_shared) shape(*session_, dquery_, {graph_.num_nodes(), shape_.heads, shape_.channels});
  if (shape_.edge_features > 0) shape_like(*session_, dedge_key_, edge_key_.view());
  attention_backward(session_->context(), problem(), result(),
                     {.dy = shape_.average_heads ? spread_over_heads(*session_, dy, shape_.heads, dheads_)
                                                 : split_columns(dy, shape_.heads, shape_.channels),
                      .dquery = one_shared ? dquery_.view() : part_of(dprojected_, 0),
                      .dkey = part_of(dprojected_, 1),
                      .dvalue = shape_.own_value ? part_of(dprojected_, 2) : TensorView{},
                      .dedge_key = dedge_key_,
                      .dvector = vector_.gradient},
                     session_->scratch());
  if (one_shared) {
    add_scaled(session_->context(), {.scale = 1,
                                     .source = reshape(ConstTensorView(dquery_), {graph_.num_nodes(), shape_.width()}),
                                     .target = columns(dprojected_.all.view(), 0, shape_.width())});
  }
  if (shape_.edge_features > 0) edge_backward();
  return projection_backward(need_dx);
}

/// The way back from columns that project() wrote.
void AttentionConv::projection_backward(const ConstTensorView& x, std::int64_t first, const ConstTensorView& dy,
                                        const TensorView& dx) {
  const Tensor& dbias = projection_bias_.gradient;
  const Place place = place_of(first);
  linear_backward(session_->context(),
                  {.x = x, .weight = rows(ConstTensorView(place.weight->value), place.first, dy.shape[1])},
                  {.dy = dy,
                   .dx = dx,
                   .dweight = rows(place.weight->gradient.view(), place.first, dy.shape[1]),
                   .dbias = dbias.defined() ? rows(dbias.view(), first, dy.shape[1]) : TensorView{}},
                  session_->scratch());
}

SharedTensor AttentionConv::projection_backward(bool need_dx) {
  const auto to = [&](const ConstTensorView& x, Tensor& dx) {
    if (need_dx) shape_like(*session_, dx, x);
    return need_dx ? dx.view() : TensorView{};
  };
  const auto shared = [&](const Tensor& dx) { return need_dx ? dx.share() : SharedTensor{}; };
  destination_gradient_ = {};
  const TensorView dx = to(x_.source, dx_);
  if (x_.one_set) {
    projection_backward(x_.source, 0, dprojected_.all, dx);
    return shared(dx_);
  }
  const TensorView ddestination = to(x_.destination, ddestination_);
  projection_backward(x_.source, shape_.first_key(), dprojected_.source, dx);
  if (shape_.shared) {
    add_shared_backward(ddestination);
  } else {
    projection_backward(x_.destination, 0, columns(ConstTensorView(dprojected_.all), 0, shape_.width()), ddestination);
  }
  if (shape_.extra > 0) {
    const TensorView dextra = to(x_.destination, dextra_);
    projection_backward(x_.destination, shape_.projections() - shape_.extra, extra_of(dprojected_), dextra);
    if (need_dx) add_scaled(session_->context(), {.scale = 1, .source = dextra, .target = ddestination});
  }
  destination_gradient_ = shared(ddestination_);
  return shared(dx_);
}

/// From the queries of destinations, by a projection whose gradient has that from the sources already.
void AttentionConv::add_shared_backward(const TensorView& ddestination) {
  const TensorView dweight = rows(weight_.gradient.view(), 0, shape_.width());
  const Tensor& bias = projection_bias_.gradient;
  const bool biased = bias.defined();
  shape_like(*session_, dweight_, dweight);
  if (biased) shape(*session_, dbias_, {shape_.width()});
  linear_backward(session_->context(),
                  {.x = x_.destination, .weight = rows(ConstTensorView(weight_.value), 0, shape_.width())},
                  {.dy = columns(ConstTensorView(dprojected_.all), 0, shape_.width()),
                   .dx = ddestination,
                   .dweight = dweight_,
                   .dbias = biased ? dbias_.view() : TensorView{}},
                  session_->scratch());
  const auto add = [&](const ConstTensorView& more, const TensorView& sum) {
    add_scaled(session_->context(), {.scale = 1, .source = more, .target = sum});
  };
  add(dweight_, dweight);
  if (biased) add(dbias_, rows(bias.view(), 0, shape_.width()));
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

SharedTensor AttentionConv::attention(bool after_dropout) {
  shape(*session_, attention_, {graph_.num_edges(), shape_.heads});
  attention_weights(session_->context(), problem(), result(), {.weight = attention_, .dropped = after_dropout},
                    session_->scratch());
  return attention_.share();
}

void AttentionConv::collect_projections(ParameterList& list) {
  for (Parameter* each : {&weight_, &destination_weight_, &projection_bias_, &vector_, &edge_weight_}) {
    if (each->value.defined()) list.push_back(each);
  }
}

}  // namespace warpgnn::nn
