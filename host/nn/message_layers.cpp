// SPDX-License-Identifier: MIT
#include "warpgnn/nn/message_layers.hpp"

#include <cmath>

#include "host/nn/own_term.hpp"
#include "warpgnn/ops/normalize_rows.hpp"

namespace warpgnn::nn {

namespace {

/// From both addends of a result to x: of one node set, the sum of both ways.
SharedTensor join_ways(Session& session, RootTerm& root, const NodeInputs& x, const ConstTensorView& dy,
                       const Tensor* dneighbor, SharedTensor& destination_gradient) {
  const bool need_dx = dneighbor != nullptr;
  const SharedTensor droot = root.backward(session, x.destination, dy, need_dx && (root.defined() || !x.one_set));
  if (x.one_set) {
    if (droot.defined()) add_scaled(session.context(), {.scale = 1, .source = droot, .target = *dneighbor});
  } else {
    destination_gradient = droot;
  }
  return need_dx ? dneighbor->share() : SharedTensor{};
}

}  // namespace

// --- GINE ------------------------------------------------------------------------------------------------------------

GINEAggregation::GINEAggregation(Session& session, const std::string& name, std::int64_t in, std::int64_t edge_features,
                                 const GINOptions& options)
    : session_(&session), in_(expect_positive("in", in)), epsilon_(make_epsilon(session, name, options)) {
  if (expect_not_negative("edge_features", edge_features) > 0)
    projection_.emplace(session, name + ".edge", edge_features, in);
}

MessageAggregate GINEAggregation::problem() const {
  return {.graph = graph_,
          .message = EdgeMessage::relu_add,
          .x = x_.source,
          .edge = edge_,
          .epsilon = x_.one_set ? ConstTensorView(epsilon_.value) : ConstTensorView{}};
}

SharedTensor GINEAggregation::run(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features) {
  const ForwardPass pass(*session_, saved_);
  expect_nodes(*session_, graph, x, in_);
  expect_edge_features(*session_, graph, edge_features, projection_ ? projection_->inputs() : in_);
  graph_ = graph;
  x_ = x;
  edge_ = projection_ ? projection_->forward(edge_features) : edge_features;
  shape_like(*session_, y_, x.destination);
  message_aggregate_forward(session_->context(), problem(), {.y = y_}, session_->scratch());
  if (!x.one_set) add_own_term(*session_, x.destination, epsilon_, own_, y_);
  return y_.share();
}

SharedTensor GINEAggregation::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("GINEAggregation");
  expect_matrix(*session_, "dy", dy, graph_.num_destinations(), in_);
  destination_gradient_ = dedge_features_ = {};
  if (!x_.one_set) destination_gradient_ = own_term_backward(*session_, dy, epsilon_, own_, need_dx);
  shape_like(*session_, dedge_, edge_);
  if (need_dx) shape_like(*session_, dx_, x_.source);
  message_aggregate_backward(session_->context(), problem(), {},
                             {.dy = dy,
                              .dx = need_dx ? dx_.view() : TensorView{},
                              .dedge = dedge_,
                              .depsilon = x_.one_set ? gradient_of(epsilon_) : TensorView{}},
                             session_->scratch());
  dedge_features_ = projection_ ? projection_->backward(dedge_) : dedge_.share();
  return need_dx ? dx_.share() : SharedTensor{};
}

void GINEAggregation::collect(ParameterList& list) {
  list.push_back(&epsilon_);
  if (projection_) projection_->collect(list);
}

GINEConv::GINEConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out,
                   std::int64_t edge_features, const GINOptions& options)
    : session_(&session), network_(session, name, in, out), aggregation_(session, name, in, edge_features, options) {}

SharedTensor GINEConv::forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_features) {
  const ForwardPass pass(*session_, saved_);
  return network_.forward(aggregation_.forward(graph, x, edge_features));
}

SharedTensor GINEConv::forward(const Graph& graph, const NodeFeatures& x, const ConstTensorView& edge_features) {
  const ForwardPass pass(*session_, saved_);
  return network_.forward(aggregation_.forward(graph, x, edge_features));
}

SharedTensor GINEConv::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("GINEConv");
  return aggregation_.backward(network_.backward(dy), need_dx);
}

void GINEConv::collect(ParameterList& list) {
  aggregation_.collect(list);
  network_.collect(list);
}

// --- GraphSAGE -------------------------------------------------------------------------------------------------------

namespace {

/// Checked before the first parameter is made.
const SAGEOptions& checked(const SAGEOptions& options) {
  if (!options.reduce.empty()) return options;
  throw Error(ErrorCode::invalid_argument, "reduce: expected one reduction or more, got none");
}

}  // namespace

SAGEConv::SAGEConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out,
                   const SAGEOptions& options)
    : session_(&session),
      options_(checked(options)),
      in_(expect_positive("in", in)),
      in_destination_(destination_inputs(in, options.in_destination)),
      out_(expect_positive("out", out)),
      args_(options.reduce.size()) {
  if (options.project) {
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    projection_weight_ = uniform(session, name + ".lin.weight", {in, in}, bound);
    projection_bias_ = uniform(session, name + ".lin.bias", {in}, bound);
  }
  const auto gathered = static_cast<std::int64_t>(options.reduce.size()) * in;
  neighbor_weight_ = glorot(session, name + ".lin_l.weight", {out, gathered}, gathered, out);
  if (options.root_weight) root_ = RootTerm(session, name + ".lin_r.weight", in_destination_, out);
  if (options.bias) bias_ = zeros(session, name + ".lin_l.bias", {out});
}

void SAGEConv::project() {
  if (!options_.project) return;
  shape_like(*session_, projected_, x_.source);
  linear_forward(session_->context(),
                 {.x = x_.source, .weight = projection_weight_.value, .bias = projection_bias_.value},
                 {.y = projected_});
  activation_forward(session_->context(), {.kind = Activation::relu, .x = projected_}, {.y = projected_});
}

/// Every reduction into columns of its own.
void SAGEConv::aggregate() {
  const std::int64_t nodes = graph_.num_destinations();
  shape(*session_, aggregated_, {nodes, static_cast<std::int64_t>(options_.reduce.size()) * in_});
  std::int64_t first = 0;
  for (std::size_t k = 0; k < args_.size(); ++k, first += in_) {
    const Reduce reduce = options_.reduce[k];
    if (reduce == Reduce::max || reduce == Reduce::min) shape(*session_, args_[k], {nodes, in_}, Dtype::int32);
    aggregate_forward(session_->context(), {.graph = graph_, .reduce = reduce, .x = messages()},
                      {.y = columns(aggregated_.view(), first, in_), .arg = args_[k]}, session_->scratch());
  }
}

SharedTensor SAGEConv::run(const Graph& graph, const NodeInputs& x) {
  const ForwardPass pass(*session_, saved_);
  expect_nodes(*session_, graph, x, in_, in_destination_);
  const std::int64_t nodes = graph.num_destinations();
  graph_ = graph;
  x_ = x;
  project();
  aggregate();
  shape(*session_, y_, {nodes, out_});
  linear_forward(session_->context(), {.x = aggregated_, .weight = neighbor_weight_.value, .bias = bias_.value},
                 {.y = y_});
  root_.add(*session_, x.destination, y_);
  if (options_.normalize) {
    shape(*session_, norm_, {nodes});
    normalize_rows_forward(session_->context(), {.x = y_}, {.y = y_, .norm = norm_});
  }
  return y_.share();
}

/// The gradient of y before it was divided by its length.
ConstTensorView SAGEConv::through_norm(const ConstTensorView& dy) {
  if (!options_.normalize) return dy;
  shape_like(*session_, dy_, y_.view());
  normalize_rows_backward(session_->context(), {}, {.y = y_, .norm = norm_}, {.dy = dy, .dx = dy_});
  return dy_;
}

/// The sum of the ways back through all reductions.
void SAGEConv::aggregate_transposed(const Tensor& dmessages) {
  std::int64_t first = 0;
  for (std::size_t k = 0; k < args_.size(); ++k, first += in_) {
    if (k > 0) shape_like(*session_, dpart_, x_.source);
    const Tensor& dpart = k == 0 ? dmessages : dpart_;
    aggregate_backward(session_->context(), {.graph = graph_, .reduce = options_.reduce[k]}, {.arg = args_[k]},
                       {.dy = columns(ConstTensorView(daggregated_), first, in_), .dx = dpart}, session_->scratch());
    if (k > 0) add_scaled(session_->context(), {.scale = 1, .source = dpart_, .target = dmessages});
  }
}

void SAGEConv::project_backward(bool need_dx) {
  activation_backward(session_->context(), {.kind = Activation::relu}, {.y = projected_},
                      {.dy = dmessages_, .dx = dmessages_});
  linear_backward(session_->context(), {.x = x_.source, .weight = projection_weight_.value},
                  {.dy = dmessages_,
                   .dx = need_dx ? dneighbor_.view() : TensorView{},
                   .dweight = projection_weight_.gradient,
                   .dbias = projection_bias_.gradient},
                  session_->scratch());
}

SharedTensor SAGEConv::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("SAGEConv");
  destination_gradient_ = {};
  expect_matrix(*session_, "dy", dy, graph_.num_destinations(), out_);
  const ConstTensorView dsum = through_norm(dy);
  const bool through = need_dx || options_.project;
  if (through) shape_like(*session_, daggregated_, aggregated_.view());
  linear_backward(session_->context(), {.x = aggregated_, .weight = neighbor_weight_.value},
                  {.dy = dsum,
                   .dx = through ? daggregated_.view() : TensorView{},
                   .dweight = neighbor_weight_.gradient,
                   .dbias = bias_.gradient},
                  session_->scratch());
  if (need_dx) shape_like(*session_, dneighbor_, x_.source);
  if (options_.project) {
    shape_like(*session_, dmessages_, x_.source);
    aggregate_transposed(dmessages_);
    project_backward(need_dx);
  } else if (need_dx) {
    aggregate_transposed(dneighbor_);
  }
  return join_ways(*session_, root_, x_, dsum, need_dx ? &dneighbor_ : nullptr, destination_gradient_);
}

void SAGEConv::collect(ParameterList& list) {
  for (Parameter* each : {&projection_weight_, &projection_bias_, &neighbor_weight_}) {
    if (each->value.defined()) list.push_back(each);
  }
  root_.collect(list);
  if (bias_.value.defined()) list.push_back(&bias_);
}

// --- R-GCN -----------------------------------------------------------------------------------------------------------

namespace {

/// Checked before the first parameter is made.
const RGCNOptions& checked(const RGCNOptions& options, std::int64_t in, std::int64_t out) {
  expect_positive("in", in);
  expect_positive("out", out);
  expect_positive("relations", options.relations);
  expect_not_negative("bases", options.bases);
  if (expect_not_negative("blocks", options.blocks) == 0) return options;
  const std::string blocks = std::to_string(options.blocks);
  if (options.bases > 0) {
    throw Error(ErrorCode::invalid_argument,
                "blocks: expected 0 beside bases (" + std::to_string(options.bases) + "), got " + blocks);
  }
  const auto expect_multiple = [&](const char* name, std::int64_t size) {
    if (size % options.blocks == 0) return;
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + ": expected a multiple of blocks (" + blocks + "), got " + std::to_string(size));
  };
  expect_multiple("in", in);
  expect_multiple("out", out);
  return options;
}

/// Coefficients with which every relation is a basis of its own.
Tensor identity(const Session& session, std::int64_t size) {
  std::vector<double> values(static_cast<std::size_t>(size * size), 0.0);
  for (std::size_t k = 0; k < values.size(); k += static_cast<std::size_t>(size) + 1) values[k] = 1;
  return upload(session, values, {size, size});
}

}  // namespace

RGCNConv::RGCNConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out,
                   const RGCNOptions& options)
    : session_(&session),
      options_(checked(options, in, out)),
      in_(in),
      in_destination_(destination_inputs(in, options.in_destination)),
      out_(out) {
  const std::int64_t relations = options.relations, block_in = in / blocks(), block_out = out / blocks();
  const std::int64_t matrices = options.bases > 0 ? options.bases : relations;
  weight_ = glorot(session, name + ".weight", {out, matrices * block_in}, block_in, block_out);
  if (options.bases > 0) {
    coefficient_ = glorot(session, name + ".comp", {relations, options.bases}, relations, options.bases);
  } else {
    coefficient_.value = identity(session, relations);
  }
  if (options.root_weight) root_ = RootTerm(session, name + ".root", in_destination_, out);
  if (options.bias) bias_ = zeros(session, name + ".bias", {out});
}

RelationAggregate RGCNConv::problem(std::int64_t block) const {
  return {.graph = graph_,
          .relation = relation_,
          .coefficient = coefficient_.value,
          .weight = edge_weight_,
          .x = block_of(x_.source, block)};
}

/// From the sums of a block to its columns of y.
warpgnn::Linear RGCNConv::product(std::int64_t block) const {
  const std::int64_t nodes = graph_.num_destinations(), height = out_ / blocks();
  const Tensor& bias = bias_.value;
  return {.x = reshape(rows(ConstTensorView(sums_), block * nodes, nodes), {nodes, weight_.value.view().shape[1]}),
          .weight = rows(ConstTensorView(weight_.value), block * height, height),
          .bias = bias.defined() ? rows(ConstTensorView(bias), block * height, height) : ConstTensorView{}};
}

SharedTensor RGCNConv::run(const Graph& graph, const NodeInputs& x, const ConstTensorView& relation,
                           const ConstTensorView& edge_weight) {
  const ForwardPass pass(*session_, saved_);
  expect_nodes(*session_, graph, x, in_, in_destination_);
  const std::int64_t nodes = graph.num_destinations();
  expect_edge_weight(*session_, graph, edge_weight);
  graph_ = graph;
  relation_ = relation;
  edge_weight_ = edge_weight;
  x_ = x;
  shape(*session_, sums_, {blocks() * nodes, sums(), in_ / blocks()});
  shape(*session_, y_, {nodes, out_});
  for (std::int64_t block = 0; block < blocks(); ++block) {
    relation_aggregate_forward(session_->context(), problem(block), {.y = rows(sums_.view(), block * nodes, nodes)},
                               session_->scratch());
    linear_forward(session_->context(), product(block), {.y = block_of(y_.view(), block)});
  }
  root_.add(*session_, x.destination, y_);
  return y_.share();
}

/// From a block's columns of y to its weights, its columns of x and the edges' weights.
void RGCNConv::block_backward(std::int64_t block, const ConstTensorView& dy, bool need_dx) {
  const std::int64_t nodes = graph_.num_destinations(), height = out_ / blocks();
  const Tensor& dbias = bias_.gradient;
  shape(*session_, dsums_, {nodes, sums(), in_ / blocks()});
  linear_backward(session_->context(), product(block),
                  {.dy = block_of(dy, block),
                   .dx = reshape(dsums_.view(), {nodes, weight_.value.view().shape[1]}),
                   .dweight = rows(weight_.gradient.view(), block * height, height),
                   .dbias = dbias.defined() ? rows(dbias.view(), block * height, height) : TensorView{}},
                  session_->scratch());
  Tensor& dedge_weight = block == 0 ? dedge_weight_ : dedge_part_;
  if (options_.edge_weight_gradient) shape(*session_, dedge_weight, {graph_.num_edges()});
  relation_aggregate_backward(session_->context(), problem(block),
                              {.dy = dsums_,
                               .dx = need_dx ? block_of(dneighbor_.view(), block) : TensorView{},
                               .dcoefficient = coefficient_.gradient,
                               .dweight = dedge_weight},
                              session_->scratch());
  if (options_.edge_weight_gradient && block > 0) {
    add_scaled(session_->context(), {.scale = 1, .source = dedge_part_, .target = dedge_weight_});
  }
}

SharedTensor RGCNConv::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("RGCNConv");
  destination_gradient_ = {};
  expect_matrix(*session_, "dy", dy, graph_.num_destinations(), out_);
  if (need_dx) shape_like(*session_, dneighbor_, x_.source);
  for (std::int64_t block = 0; block < blocks(); ++block) block_backward(block, dy, need_dx);
  return join_ways(*session_, root_, x_, dy, need_dx ? &dneighbor_ : nullptr, destination_gradient_);
}

void RGCNConv::collect(ParameterList& list) {
  list.push_back(&weight_);
  if (options_.bases > 0) list.push_back(&coefficient_);
  root_.collect(list);
  if (bias_.value.defined()) list.push_back(&bias_);
}

}  // namespace warpgnn::nn
