// SPDX-License-Identifier: MIT
#include "host/nn/heads.hpp"
#include "warpgnn/nn/relation_layers.hpp"
#include "warpgnn/ops/message_aggregate.hpp"

namespace warpgnn::nn {

namespace {

/// Checked before the first parameter is made.
const RGATOptions& checked(const RGATOptions& options) {
  expect_positive("relations", options.relations);
  expect_positive("heads", options.heads);
  expect_positive("channels", options.channels);
  expect_probability("attention_dropout", options.attention_dropout);
  expect_not_negative("edge_features", options.edge_features);
  return options;
}

/// sum += each of the `parts` equal parts of a matrix's rows.
void add_parts(const Session& session, const ConstTensorView& matrix, std::int64_t parts, const Tensor& sum) {
  const std::int64_t width = matrix.shape[1] / parts;
  for (std::int64_t part = 0; part < parts; ++part) {
    add_scaled(session.context(), {.scale = 1, .source = columns(matrix, part * width, width), .target = sum});
  }
}

}  // namespace

RGATConv::RGATConv(Session& session, const std::string& name, std::int64_t in, const RGATOptions& options)
    : session_(&session),
      options_(checked(options)),
      in_(expect_positive("in", in)),
      weight_(glorot(session, name + ".weight", {options.relations * width(), in}, in, width())),
      source_vector_(glorot(session, name + ".att_src", {options.relations * options.heads, options.channels},
                            options.channels, 1)),
      destination_vector_(glorot(session, name + ".att_dst", {options.relations * options.heads, options.channels},
                                 options.channels, 1)) {
  if (options.edge_features > 0) {
    edge_matrix_ =
        glorot(session, name + ".att_edge", {options.heads, options.edge_features}, options.edge_features, 1);
  }
  if (options.bias) bias_ = zeros(session, name + ".bias", {options.average_heads ? options.channels : width()});
}

GatAttention RGATConv::problem() const {
  return {.graph = graph(),
          .negative_slope = options_.negative_slope,
          .dropout = dropout_,
          // What a node is to each relation, as rows of the expanded graph.
          .value = reshape(ConstTensorView(z_), {nodes_ * options_.relations, options_.heads, options_.channels}),
          .source_score = source_score_,
          // Across relations, a row's term differs from edge to edge and is part of the edge's score.
          .destination_score = across() ? no_score_ : typed_score_,
          .edge_score = edge_score_};
}

GatAttentionResult RGATConv::result(bool training) const {
  const bool positive = training && !across();  // for the gradient of the destinations' term
  return {.y = attended_,
          .maximum = maximum_,
          .sum = sum_,
          .positive_y = positive ? positive_y_.view() : TensorView{},
          .positive_weight = positive ? positive_weight_.view() : TensorView{}};
}

void RGATConv::check(const RelationGraph& graph, const ConstTensorView& x) const {
  if (graph.relations != options_.relations) {
    throw Error(ErrorCode::invalid_argument, "graph: expected " + std::to_string(options_.relations) +
                                                 " relations, got " + std::to_string(graph.relations));
  }
  expect_matrix(*session_, "x", x, graph.typed.num_nodes() / options_.relations, in_);
}

void RGATConv::project(const RelationGraph& graph) {
  const Context& context = session_->context();
  const std::int64_t rows = nodes_ * options_.relations, heads = options_.relations * options_.heads;
  shape(*session_, z_, {nodes_, heads, options_.channels});
  shape(*session_, source_score_, {rows, options_.heads});
  shape(*session_, typed_score_, {rows, options_.heads});
  linear_forward(context, {.x = x_, .weight = weight_.value},
                 {.y = reshape(z_.view(), {nodes_, heads * options_.channels})});
  head_dot_forward(context, {.x = z_, .vector = source_vector_.value, .second_vector = destination_vector_.value},
                   {.score = reshape(source_score_.view(), {nodes_, heads}),
                    .second_score = reshape(typed_score_.view(), {nodes_, heads})});
  if (scores_edges()) score_edges(graph);
  if (!across()) return;
  shape(*session_, no_score_, {nodes_, options_.heads});
  no_score_.fill_zero();
}

/// What edges' own features add, and across relations the destinations' term.
void RGATConv::score_edges(const RelationGraph& graph) {
  const Context& context = session_->context();
  const bool both = across() && options_.edge_features > 0;
  const std::int64_t edges = merged_.num_edges();
  shape(*session_, edge_score_, {edges, options_.heads});
  if (across()) gather_rows(context, {.x = typed_score_, .index = graph.typed_destination, .y = edge_score_});
  if (options_.edge_features == 0) return;
  Tensor& term = both ? edge_term_ : edge_score_;
  shape(*session_, term, {edges, options_.heads});
  linear_forward(context, {.x = edge_features_, .weight = edge_matrix_.value}, {.y = term});
  if (both) add_scaled(context, {.scale = 1, .source = edge_term_, .target = edge_score_});
}

void RGATConv::attend() {
  const std::int64_t heads = options_.heads, channels = options_.channels;
  const bool training = session_->training();
  shape(*session_, attended_, {rows(), heads, channels});
  shape(*session_, maximum_, {rows(), heads});
  shape(*session_, sum_, {rows(), heads});
  if (training && !across()) {
    shape(*session_, positive_y_, {rows(), heads, channels});
    shape(*session_, positive_weight_, {rows(), heads});
  }
  gat_attention_forward(session_->context(), problem(), result(training), session_->scratch());
}

/// Relations added, then heads averaged, then the bias.
SharedTensor RGATConv::combine() {
  SharedTensor y = attended_.share(reshape(attended_.view(), {nodes_, (across() ? 1 : options_.relations) * width()}));
  if (!across()) {
    shape(*session_, summed_, {nodes_, width()});
    summed_.fill_zero();
    add_parts(*session_, y, options_.relations, summed_);
    y = summed_.share();
  }
  if (options_.average_heads) {
    y = average_heads(*session_, split_columns(y, options_.heads, options_.channels), averaged_);
  }
  if (!bias_.value.defined()) return y;
  shape_like(*session_, biased_, y);
  add_bias(session_->context(), {.x = y, .bias = bias_.value, .y = biased_});
  return biased_.share();
}

SharedTensor RGATConv::forward(const RelationGraph& graph, const ConstTensorView& x,
                               const ConstTensorView& edge_features) {
  const ForwardPass pass(*session_, saved_);
  check(graph, x);
  expect_edge_features(*session_, graph.merged, edge_features, options_.edge_features);
  typed_ = graph.typed;
  merged_ = graph.merged;
  nodes_ = merged_.num_destinations();
  x_ = x;
  edge_features_ = edge_features;
  dropout_ = draw_dropout(*session_, options_.attention_dropout);
  project(graph);
  attend();
  return combine();
}

/// The gradient of what the attention returned, [rows, heads, channels]: combine's way back.
ConstTensorView RGATConv::attended_gradient(const ConstTensorView& dy) {
  ConstTensorView dheads = dy;
  if (options_.average_heads) {
    dheads = reshape(spread_over_heads(*session_, dy, options_.heads, dheads_), {nodes_, width()});
  }
  if (across()) return split_columns(dheads, options_.heads, options_.channels);
  shape(*session_, dattended_, {nodes_, options_.relations * width()});
  for (std::int64_t r = 0; r < options_.relations; ++r) {
    copy(session_->context(), dheads, columns(dattended_.view(), r * width(), width()));
  }
  return reshape(ConstTensorView(dattended_), {rows(), options_.heads, options_.channels});
}

/// From the attention's result to z as value and to the scores.
void RGATConv::attend_backward(const ConstTensorView& dy) {
  const std::int64_t heads = options_.heads, typed_rows = nodes_ * options_.relations;
  shape_like(*session_, dz_, z_.view());
  shape(*session_, dsource_score_, {typed_rows, heads});
  shape(*session_, dtyped_score_, {typed_rows, heads});
  if (scores_edges()) shape(*session_, dedge_score_, {merged_.num_edges(), heads});
  gat_attention_backward(session_->context(), problem(), result(true),
                         {.dy = dy,
                          .dvalue = reshape(dz_.view(), {typed_rows, heads, options_.channels}),
                          .dsource_score = dsource_score_,
                          .ddestination_score = across() ? TensorView{} : dtyped_score_.view(),
                          .dedge_score = dedge_score_},
                         session_->scratch());
  if (!across()) return;
  // The gather's way back: rows of the typed graph hold the edges that read the same score.
  message_aggregate_forward(session_->context(), {.graph = typed_, .message = EdgeMessage::edge, .edge = dedge_score_},
                            {.y = dtyped_score_}, session_->scratch());
}

/// From the edges' scores to their features, and to the matrix they are products with.
void RGATConv::edge_backward() {
  if (options_.edge_features == 0) return;
  shape(*session_, dedge_features_, {merged_.num_edges(), options_.edge_features});
  linear_backward(session_->context(), {.x = edge_features_, .weight = edge_matrix_.value},
                  {.dy = dedge_score_, .dx = dedge_features_, .dweight = edge_matrix_.gradient}, session_->scratch());
}

/// From the scores to z as well, and to the vectors they are products with.
void RGATConv::scores_backward() {
  const std::int64_t heads = options_.relations * options_.heads;
  head_dot_backward(session_->context(),
                    {.x = z_, .vector = source_vector_.value, .second_vector = destination_vector_.value},
                    {.dscore = reshape(ConstTensorView(dsource_score_), {nodes_, heads}),
                     .dx = dz_,
                     .dvector = source_vector_.gradient,
                     .dsecond_score = reshape(ConstTensorView(dtyped_score_), {nodes_, heads}),
                     .dsecond_vector = destination_vector_.gradient},
                    session_->scratch());
}

SharedTensor RGATConv::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("RGATConv");
  expect_matrix(*session_, "dy", dy, nodes_, options_.average_heads ? options_.channels : width());
  if (bias_.value.defined())
    linear_backward(session_->context(), {}, {.dy = dy, .dbias = bias_.gradient}, session_->scratch());
  attend_backward(attended_gradient(dy));
  scores_backward();
  edge_backward();
  if (need_dx) shape_like(*session_, dx_, x_);
  linear_backward(session_->context(), {.x = x_, .weight = weight_.value},
                  {.dy = reshape(ConstTensorView(dz_), {nodes_, options_.relations * width()}),
                   .dx = need_dx ? dx_.view() : TensorView{},
                   .dweight = weight_.gradient},
                  session_->scratch());
  return need_dx ? dx_.share() : SharedTensor{};
}

SharedTensor RGATConv::attention() {
  shape(*session_, attention_, {graph().num_edges(), options_.heads});
  gat_attention_weights(session_->context(), problem(), result(false), {.weight = attention_});
  return attention_.share();
}

void RGATConv::collect(ParameterList& list) {
  list.insert(list.end(), {&weight_, &source_vector_, &destination_vector_});
  if (edge_matrix_.value.defined()) list.push_back(&edge_matrix_);
  if (bias_.value.defined()) list.push_back(&bias_);
}

}  // namespace warpgnn::nn
