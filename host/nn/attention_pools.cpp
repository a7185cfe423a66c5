// SPDX-License-Identifier: MIT
// Pools whose weights come from networks of their own.

#include "host/nn/run.hpp"
#include "warpgnn/nn/pool_layers.hpp"

namespace warpgnn::nn {

AttentionPool::AttentionPool(Session& session, const std::string& name, std::int64_t in, std::int64_t hidden,
                             PoolReduce reduce, PoolGate gate, double temperature)
    : session_(&session), reduce_(reduce), gate_(gate), temperature_(temperature) {
  if (gate == PoolGate::none) return;
  first_.emplace(session, name + ".gate.0", in, hidden, LinearOptions{.activation = Activation::tanh});
  second_.emplace(session, name + ".gate.2", hidden, 1);
}

Pool AttentionPool::problem() const {
  return {.graph = graph_, .reduce = reduce_, .gate = gate_, .temperature = temperature_, .x = x_, .score = score_};
}

SharedTensor AttentionPool::forward(const Graph& graph, const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  if (first_) expect_matrix(*session_, "x", x, graph.num_nodes(), first_->inputs());
  graph_ = graph;
  x_ = x;
  score_ = {};
  if (gate_ != PoolGate::none) {
    score_ = reshape(second_->forward(first_->forward(x)), {x.shape[0]});
  }
  shape(*session_, y_, {graph.num_graphs(), x.shape[1]});
  if (gate_ == PoolGate::softmax) {
    shape(*session_, maximum_, {graph.num_graphs()});
    shape(*session_, sum_, {graph.num_graphs()});
  }
  if (reduce_ == PoolReduce::max) shape(*session_, arg_, {graph.num_graphs(), x.shape[1]}, Dtype::int32);
  pool_forward(session_->context(), problem(), result(), session_->scratch());
  return y_.share();
}

SharedTensor AttentionPool::backward(const ConstTensorView& dy) {
  saved_.expect("AttentionPool");
  const bool gated = gate_ != PoolGate::none;
  shape_like(*session_, dx_, x_);
  if (gated) shape(*session_, dscore_, {x_.shape[0]});
  pool_backward(session_->context(), problem(), result(), {.dy = dy, .dx = dx_, .dscore = dscore_},
                session_->scratch());
  if (!gated) return dx_.share();
  first_->backward_onto(second_->backward(reshape(ConstTensorView(dscore_), {x_.shape[0], 1})), dx_);
  return dx_.share();
}

SharedTensor AttentionPool::attention() {
  shape(*session_, attention_, {x_.shape[0]});
  pool_weights(session_->context(), problem(), result(), {.weight = attention_});
  return attention_.share();
}

void AttentionPool::collect(ParameterList& list) {
  if (gate_ == PoolGate::none) return;
  first_->collect(list);
  second_->collect(list);
}

MultiHeadAttentionPool::MultiHeadAttentionPool(Session& session, const std::string& name, std::int64_t in,
                                               const MultiHeadAttentionPoolOptions& options)
    : session_(&session),
      options_(options),
      first_(session, name + ".gate.0", in, expect_positive("hidden", options.hidden),
             {.activation = Activation::tanh}),
      second_(session, name + ".gate.2", options.hidden, expect_positive("heads", options.heads)),
      value_(session, name + ".value", in, options.heads * expect_positive("channels", options.channels)) {}

Pool MultiHeadAttentionPool::problem() const {
  return {
      .graph = graph_, .gate = PoolGate::softmax, .temperature = options_.temperature, .x = values_, .score = score_};
}

SharedTensor MultiHeadAttentionPool::forward(const Graph& graph, const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, graph.num_nodes(), value_.inputs());
  graph_ = graph;
  const std::int64_t heads = options_.heads, channels = options_.channels, graphs = graph.num_graphs();
  score_ = second_.forward(first_.forward(x));
  values_ = reshape(value_.forward(x), {x.shape[0], heads, channels});
  shape(*session_, y_, {graphs, heads, channels});
  shape(*session_, maximum_, {graphs, heads});
  shape(*session_, sum_, {graphs, heads});
  pool_forward(session_->context(), problem(), result(), session_->scratch());
  return y_.share(reshape(y_.view(), {graphs, heads * channels}));
}

SharedTensor MultiHeadAttentionPool::backward(const ConstTensorView& dy) {
  saved_.expect("MultiHeadAttentionPool");
  const std::int64_t heads = options_.heads, channels = options_.channels;
  expect_matrix(*session_, "dy", dy, graph_.num_graphs(), heads * channels);
  shape_like(*session_, dvalues_, values_);
  shape_like(*session_, dscore_, score_);
  pool_backward(session_->context(), problem(), result(),
                {.dy = split_columns(dy, heads, channels), .dx = dvalues_, .dscore = dscore_}, session_->scratch());
  shape(*session_, dx_, {values_.shape[0], value_.inputs()});
  value_.backward_to(reshape(ConstTensorView(dvalues_), {values_.shape[0], heads * channels}), dx_);
  first_.backward_onto(second_.backward(dscore_), dx_);
  return dx_.share();
}

SharedTensor MultiHeadAttentionPool::attention() {
  shape_like(*session_, attention_, score_);
  pool_weights(session_->context(), problem(), result(), {.weight = attention_});
  return attention_.share();
}

void MultiHeadAttentionPool::collect(ParameterList& list) {
  first_.collect(list);
  second_.collect(list);
  value_.collect(list);
}

GatedSumPool::GatedSumPool(Session& session, const std::string& name, std::int64_t in, std::int64_t out)
    : session_(&session),
      out_(out),
      gate_(session, name + ".gate", in, out),
      value_(session, name + ".value", in, out) {}

Pool GatedSumPool::problem() const {
  return {.graph = graph_, .gate = PoolGate::sigmoid, .x = values_, .score = score_};
}

SharedTensor GatedSumPool::forward(const Graph& graph, const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, graph.num_nodes(), value_.inputs());
  graph_ = graph;
  score_ = gate_.forward(x);
  values_ = reshape(value_.forward(x), {x.shape[0], out_, 1});  // every feature is a head with a score of its own
  shape(*session_, y_, {graph.num_graphs(), out_, 1});
  pool_forward(session_->context(), problem(), {.y = y_}, session_->scratch());
  return y_.share(reshape(y_.view(), {graph.num_graphs(), out_}));
}

SharedTensor GatedSumPool::backward(const ConstTensorView& dy) {
  saved_.expect("GatedSumPool");
  expect_matrix(*session_, "dy", dy, graph_.num_graphs(), out_);
  shape_like(*session_, dvalues_, values_);
  shape_like(*session_, dscore_, score_);
  pool_backward(session_->context(), problem(), {},
                {.dy = split_columns(dy, out_, 1), .dx = dvalues_, .dscore = dscore_}, session_->scratch());
  shape(*session_, dx_, {values_.shape[0], value_.inputs()});
  value_.backward_to(reshape(ConstTensorView(dvalues_), {values_.shape[0], out_}), dx_);
  gate_.backward_onto(dscore_, dx_);
  return dx_.share();
}

void GatedSumPool::collect(ParameterList& list) {
  gate_.collect(list);
  value_.collect(list);
}

}  // namespace warpgnn::nn
