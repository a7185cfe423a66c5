// SPDX-License-Identifier: MIT
// Set2Set. Its steps lie behind each other in memory, so that the gradients of the weights are one product over all of
// them; h and r are written where they belong in q*.

#include <cmath>

#include "host/nn/run.hpp"
#include "warpgnn/nn/pool_layers.hpp"
#include "warpgnn/ops/lstm.hpp"
#include "warpgnn/ops/segment_dot.hpp"

namespace warpgnn::nn {

namespace {

double bound_of(std::int64_t in) {
  return 1 / std::sqrt(static_cast<double>(expect_positive("in", in)));
}

}  // namespace

Set2Set::Set2Set(Session& session, const std::string& name, std::int64_t in, std::int64_t steps)
    : session_(&session),
      features_(in),
      steps_(expect_positive("steps", steps)),
      input_weight_(uniform(session, name + ".weight_ih", {4 * in, 2 * in}, bound_of(in))),
      hidden_weight_(uniform(session, name + ".weight_hh", {4 * in, in}, bound_of(in))),
      bias_(uniform(session, name + ".bias", {4 * in}, bound_of(in))) {}

SharedTensor Set2Set::forward(const Graph& graph, const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, graph.num_nodes(), features_);
  graph_ = graph;
  x_ = x;
  const std::int64_t graphs = graph.num_graphs(), nodes = graph.num_nodes();
  shape(*session_, states_, {(steps_ + 1) * graphs, 2 * features_});
  states_.fill_zero();  // of which only the state before the first step has to be
  shape(*session_, gates_, {steps_ * graphs, 4 * features_});
  shape(*session_, cells_, {steps_ * graphs, features_});
  shape(*session_, scores_, {steps_ * nodes});
  shape(*session_, maximum_, {steps_ * graphs});
  shape(*session_, sum_, {steps_ * graphs});
  shape(*session_, product_, {graphs, 4 * features_});
  for (std::int64_t step = 0; step < steps_; ++step) {
    advance(step);
    read(step);
  }
  return states_.share(rows(states_.view(), steps_ * graphs, graphs));
}

/// The LSTM: h, the left half of q*.
void Set2Set::advance(std::int64_t step) {
  const std::int64_t graphs = graph_.num_graphs();
  const ConstTensorView before = rows(ConstTensorView(states_), step * graphs, graphs);
  const TensorView after = rows(states_.view(), (step + 1) * graphs, graphs);
  const TensorView gates = rows(gates_.view(), step * graphs, graphs);
  linear_forward(session_->context(), {.x = before, .weight = input_weight_.value, .bias = bias_.value}, {.y = gates});
  linear_forward(session_->context(), {.x = columns(before, 0, features_), .weight = hidden_weight_.value},
                 {.y = product_});
  add_scaled(session_->context(), {.scale = 1, .source = product_, .target = gates});
  const ConstTensorView cells(cells_);
  lstm_cell_forward(
      session_->context(),
      {.gates = gates, .c_previous = step == 0 ? ConstTensorView{} : rows(cells, (step - 1) * graphs, graphs)},
      {.c = rows(cells_.view(), step * graphs, graphs), .h = columns(after, 0, features_)});
}

/// The softmax over what the nodes answer to h: r, the right half of q*.
void Set2Set::read(std::int64_t step) {
  const std::int64_t graphs = graph_.num_graphs(), nodes = graph_.num_nodes();
  const TensorView state = rows(states_.view(), (step + 1) * graphs, graphs);
  const TensorView score = rows(scores_.view(), step * nodes, nodes);
  segment_dot_forward(session_->context(), {.graph = graph_, .x = x_, .query = columns(state, 0, features_)},
                      {.score = score});
  pool_forward(session_->context(), {.graph = graph_, .gate = PoolGate::softmax, .x = x_, .score = score},
               {.y = columns(state, features_, features_),
                .maximum = rows(maximum_.view(), step * graphs, graphs),
                .sum = rows(sum_.view(), step * graphs, graphs)},
               session_->scratch());
}

SharedTensor Set2Set::backward(const ConstTensorView& dy) {
  saved_.expect("Set2Set");
  const std::int64_t graphs = graph_.num_graphs(), nodes = graph_.num_nodes();
  expect_matrix(*session_, "dy", dy, graphs, 2 * features_);
  for (Tensor* tensor : {&dstate_, &dstate_before_}) shape(*session_, *tensor, {graphs, 2 * features_});
  for (Tensor* tensor : {&dhidden_, &dcell_}) shape(*session_, *tensor, {graphs, features_});
  for (Tensor* tensor : {&dread_x_, &dx_}) shape(*session_, *tensor, {nodes, features_});
  shape(*session_, dscore_, {nodes});
  shape(*session_, dgates_, {steps_ * graphs, 4 * features_});
  dx_.fill_zero();
  dcell_.fill_zero();
  dstate_.fill_zero();
  add_scaled(session_->context(), {.scale = 1, .source = dy, .target = dstate_});
  for (std::int64_t step = steps_ - 1; step >= 0; --step) {
    read_backward(step);
    advance_backward(step);
    std::swap(dstate_, dstate_before_);
  }
  weight_gradients();
  return dx_.share();
}

/// From the gradient of r: adds to that of h, in dstate_, and to dx_.
void Set2Set::read_backward(std::int64_t step) {
  const std::int64_t graphs = graph_.num_graphs(), nodes = graph_.num_nodes();
  const TensorView state = rows(states_.view(), (step + 1) * graphs, graphs);
  const ConstTensorView score = rows(ConstTensorView(scores_), step * nodes, nodes);
  pool_backward(session_->context(), {.graph = graph_, .gate = PoolGate::softmax, .x = x_, .score = score},
                {.y = columns(state, features_, features_),
                 .maximum = rows(maximum_.view(), step * graphs, graphs),
                 .sum = rows(sum_.view(), step * graphs, graphs)},
                {.dy = columns(ConstTensorView(dstate_), features_, features_), .dx = dread_x_, .dscore = dscore_},
                session_->scratch());
  segment_dot_backward(session_->context(), {.graph = graph_, .x = x_, .query = columns(state, 0, features_)},
                       {.dscore = dscore_, .dx = dread_x_, .dquery = dhidden_}, session_->scratch());
  add_scaled(session_->context(), {.scale = 1, .source = dhidden_, .target = columns(dstate_.view(), 0, features_)});
  add_scaled(session_->context(), {.scale = 1, .source = dread_x_, .target = dx_});
}

/// From the gradients of h and c: those of the gates, of c before and, but before the first step, of q* before.
void Set2Set::advance_backward(std::int64_t step) {
  const std::int64_t graphs = graph_.num_graphs();
  const ConstTensorView cells(cells_);
  const TensorView dgates = rows(dgates_.view(), step * graphs, graphs);
  lstm_cell_backward(
      session_->context(),
      {.gates = rows(ConstTensorView(gates_), step * graphs, graphs),
       .c_previous = step == 0 ? ConstTensorView{} : rows(cells, (step - 1) * graphs, graphs)},
      {.c = rows(cells_.view(), step * graphs, graphs)},
      {.dh = columns(ConstTensorView(dstate_), 0, features_), .dc = dcell_, .dgates = dgates, .dc_previous = dcell_});
  if (step == 0) return;
  linear_backward(session_->context(), {.weight = input_weight_.value}, {.dy = dgates, .dx = dstate_before_},
                  session_->scratch());
  linear_backward(session_->context(), {.weight = hidden_weight_.value}, {.dy = dgates, .dx = dhidden_},
                  session_->scratch());
  add_scaled(session_->context(),
             {.scale = 1, .source = dhidden_, .target = columns(dstate_before_.view(), 0, features_)});
}

void Set2Set::weight_gradients() {
  const ConstTensorView before = rows(ConstTensorView(states_), 0, steps_ * graph_.num_graphs());
  linear_backward(session_->context(), {.x = before},
                  {.dy = dgates_, .dweight = input_weight_.gradient, .dbias = bias_.gradient}, session_->scratch());
  linear_backward(session_->context(), {.x = columns(before, 0, features_)},
                  {.dy = dgates_, .dweight = hidden_weight_.gradient}, session_->scratch());
}

void Set2Set::collect(ParameterList& list) {
  list.insert(list.end(), {&input_weight_, &hidden_weight_, &bias_});
}

}  // namespace warpgnn::nn
