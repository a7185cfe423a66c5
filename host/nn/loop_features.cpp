// SPDX-License-Identifier: MIT
#include "warpgnn/nn/loop_features.hpp"

#include <cmath>

#include "host/nn/run.hpp"

namespace warpgnn::nn {

namespace {

/// One row that stands for many.
ConstTensorView repeated(const Tensor& row, std::int64_t count) {
  ConstTensorView all = reshape(ConstTensorView(row), {1, row.view().count()});
  all.shape[0] = count;
  all.stride[0] = 0;
  return all;
}

}  // namespace

LoopFeatures::LoopFeatures(Session& session, const LoopFeaturesOptions& options)
    : session_(&session), options_(options) {
  if (options.fill != LoopFill::mean && options.fill != LoopFill::constant) {
    throw Error(ErrorCode::invalid_argument,
                "fill: expected a LoopFill, got " + std::to_string(static_cast<int>(options.fill)));
  }
  if (!std::isfinite(options.value)) {
    throw Error(ErrorCode::invalid_argument, "value: expected a finite number, got " + std::to_string(options.value));
  }
}

SharedTensor LoopFeatures::forward(const LooplessGraph& loopless, const ConstTensorView& edge_features) {
  const ForwardPass pass(*session_, saved_);
  const std::int64_t nodes = loopless.graph.num_nodes(), kept = loopless.graph.num_edges();
  const std::int64_t columns = edge_features.shape[1];
  expect_matrix(*session_, "edge_features", edge_features, loopless.position.view().shape[0], columns);
  graph_ = loopless.graph;
  position_ = loopless.position;
  shape(*session_, y_, {kept + nodes, columns});
  const TensorView edges = rows(y_.view(), 0, kept), loops = rows(y_.view(), kept, nodes);
  gather_rows(session_->context(), {.x = edge_features, .index = loopless.edges, .y = edges});
  if (options_.fill == LoopFill::mean) {
    message_aggregate_forward(session_->context(),
                              {.graph = graph_, .message = EdgeMessage::edge, .reduce = Reduce::mean, .edge = edges},
                              {.y = loops}, session_->scratch());
    return y_.share();
  }
  if (columns_ != columns) {
    value_ = upload(*session_, std::vector<double>(static_cast<std::size_t>(columns), options_.value), {columns});
    zero_ = empty_like(session_->context(), value_);
    zero_.fill_zero();
    columns_ = columns;
  }
  add_bias(session_->context(), {.x = repeated(zero_, nodes), .bias = value_, .y = loops});
  return y_.share();
}

SharedTensor LoopFeatures::backward(const ConstTensorView& dy) {
  saved_.expect("LoopFeatures");
  const std::int64_t nodes = graph_.num_nodes(), kept = graph_.num_edges(), columns = y_.view().shape[1];
  expect_matrix(*session_, "dy", dy, kept + nodes, columns);
  ConstTensorView dkept = rows(dy, 0, kept);
  if (options_.fill == LoopFill::mean) {
    shape(*session_, dkept_, {kept, columns});
    message_aggregate_backward(session_->context(),
                               {.graph = graph_, .message = EdgeMessage::edge, .reduce = Reduce::mean}, {},
                               {.dy = rows(dy, kept, nodes), .dedge = dkept_}, session_->scratch());
    add_scaled(session_->context(), {.scale = 1, .source = dkept, .target = dkept_});
    dkept = dkept_;
  }
  shape(*session_, dx_, {position_.shape[0], columns});
  gather_rows(session_->context(), {.x = dkept, .index = position_, .y = dx_});
  return dx_.share();
}

}  // namespace warpgnn::nn
