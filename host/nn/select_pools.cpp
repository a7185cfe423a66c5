// SPDX-License-Identifier: MIT
// Pools that keep the best nodes.

#include <cmath>

#include "host/nn/run.hpp"
#include "warpgnn/nn/pool_layers.hpp"

namespace warpgnn::nn {

GatedSelection::GatedSelection(Session& session, const TopKOptions& options) : session_(&session), options_(options) {
  if (expect_not_negative("count", options.count) > 0) return;
  if (options.ratio > 0 && options.ratio <= 1) return;
  throw Error(ErrorCode::invalid_argument, "ratio: expected a number in (0, 1], got " + std::to_string(options.ratio));
}

SharedTensor GatedSelection::forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& projection) {
  const ForwardPass pass(*session_, saved_);
  x_ = x;
  const std::int64_t nodes = graph.num_nodes(), kept = top_k_count(graph, options_.ratio, options_.count);
  shape(*session_, gate_, {nodes, 1});
  activation_forward(session_->context(), {.kind = Activation::tanh, .x = projection}, {.y = gate_});
  shape(*session_, selected_, {kept}, Dtype::int32);
  shape(*session_, position_, {nodes}, Dtype::int32);
  segment_top_k(
      session_->context(),
      {.graph = graph, .ratio = options_.ratio, .count = options_.count, .score = reshape(projection, {nodes})},
      {.selected = selected_, .position = position_}, session_->scratch());
  selection_ = induced_subgraph(session_->context(), graph, selected_);
  shape(*session_, y_, {kept, x.shape[1]});
  scaled_gather_forward(session_->context(), {.x = x, .scale = reshape(gate_.view(), {nodes}), .index = selected_},
                        {.y = y_});
  return y_.share();
}

SharedTensor GatedSelection::backward(const ConstTensorView& dy) {
  saved_.expect("GatedSelection");
  expect_matrix(*session_, "dy", dy, y_.view().shape[0], y_.view().shape[1]);
  shape_like(*session_, dx_, x_);
  shape_like(*session_, dgate_, gate_.view());
  const std::int64_t nodes = gate_.view().shape[0];
  scaled_gather_backward(session_->context(),
                         {.x = x_, .scale = reshape(ConstTensorView(gate_), {nodes}), .position = position_},
                         {.dy = dy, .dx = dx_, .dscale = reshape(dgate_.view(), {nodes})});
  activation_backward(session_->context(), {.kind = Activation::tanh}, {.y = gate_}, {.dy = dgate_, .dx = dgate_});
  return dgate_.share();
}

TopKPool::TopKPool(Session& session, const std::string& name, std::int64_t in, const TopKOptions& options)
    : session_(&session),
      direction_(
          uniform(session, name + ".weight", {1, expect_positive("in", in)}, 1 / std::sqrt(static_cast<double>(in)))),
      selection_(session, options) {}

SharedTensor TopKPool::forward(const Graph& graph, const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, graph.num_nodes(), direction_.value.view().shape[1]);
  x_ = x;
  shape_like(*session_, unit_, direction_.value.view());
  shape(*session_, norm_, {1});
  normalize_rows_forward(session_->context(), {.x = direction_.value}, {.y = unit_, .norm = norm_});
  shape(*session_, projection_, {graph.num_nodes(), 1});
  linear_forward(session_->context(), {.x = x, .weight = unit_}, {.y = projection_});
  return selection_.forward(graph, x, projection_);
}

SharedTensor TopKPool::backward(const ConstTensorView& dy) {
  saved_.expect("TopKPool");
  const ConstTensorView dprojection = selection_.backward(dy);
  shape_like(*session_, dx_, x_);
  shape_like(*session_, dunit_, unit_.view());
  linear_backward(session_->context(), {.x = x_, .weight = unit_}, {.dy = dprojection, .dx = dx_, .dweight = dunit_},
                  session_->scratch());
  normalize_rows_backward(session_->context(), {}, {.y = unit_, .norm = norm_},
                          {.dy = dunit_, .dx = direction_.gradient});
  add_scaled(session_->context(), {.scale = 1, .source = selection_.dx(), .target = dx_});
  return dx_.share();
}

void TopKPool::collect(ParameterList& list) {
  list.push_back(&direction_);
}

SAGPool::SAGPool(Session& session, const std::string& name, std::int64_t in, const TopKOptions& options)
    : session_(&session), score_(session, name + ".score", in, 1), selection_(session, options) {}

SharedTensor SAGPool::forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_weight) {
  const ForwardPass pass(*session_, saved_);
  return selection_.forward(graph, x, score_.forward(graph, x, edge_weight));
}

SharedTensor SAGPool::forward(const Graph& graph, const ConstTensorView& x, const NodeScale& scale) {
  const ForwardPass pass(*session_, saved_);
  return selection_.forward(graph, x, score_.forward(graph, x, scale));
}

SharedTensor SAGPool::backward(const ConstTensorView& dy) {
  saved_.expect("SAGPool");
  const ConstTensorView dprojection = selection_.backward(dy);
  const Tensor& dx = selection_.dx();
  add_scaled(session_->context(), {.scale = 1, .source = score_.backward(dprojection), .target = dx});
  return dx.share();
}

void SAGPool::collect(ParameterList& list) {
  score_.collect(list);
}

}  // namespace warpgnn::nn
