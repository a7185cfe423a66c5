// SPDX-License-Identifier: MIT
#include "host/nn/own_term.hpp"

namespace warpgnn::nn {

namespace {

/// A matrix as one column: epsilon's product with it is a linear layer of one feature.
template <class View>
View column_of(const View& matrix) {
  return reshape(matrix, {matrix.count(), 1});
}

}  // namespace

Parameter make_epsilon(Session& session, const std::string& name, const GINOptions& options) {
  Parameter epsilon = zeros(session, name + ".epsilon", {1});
  if (options.epsilon != 0) epsilon.value = upload(session, {options.epsilon}, {1});
  epsilon.trainable = options.train_epsilon;
  return epsilon;
}

void add_own_term(Session& session, const ConstTensorView& x, const Parameter& epsilon, OwnTerm& term,
                  const Tensor& y) {
  shape_like(session, term.x, x);
  shape_like(session, term.scaled, x);
  copy(session.context(), x, term.x);
  linear_forward(session.context(),
                 {.x = column_of(ConstTensorView(term.x)), .weight = column_of(ConstTensorView(epsilon.value))},
                 {.y = column_of(term.scaled.view())});
  add_scaled(session.context(), {.scale = 1, .source = x, .target = y});
  add_scaled(session.context(), {.scale = 1, .source = term.scaled, .target = y});
}

SharedTensor own_term_backward(Session& session, const ConstTensorView& dy, Parameter& epsilon, OwnTerm& term,
                               bool need_dx) {
  if (!need_dx && !epsilon.trainable) return {};
  if (need_dx) shape_like(session, term.dx, term.x.view());
  copy(session.context(), dy, term.scaled);  // whose rows are dense
  linear_backward(session.context(),
                  {.x = column_of(ConstTensorView(term.x)), .weight = column_of(ConstTensorView(epsilon.value))},
                  {.dy = column_of(ConstTensorView(term.scaled)),
                   .dx = need_dx ? column_of(term.dx.view()) : TensorView{},
                   .dweight = epsilon.trainable ? column_of(epsilon.gradient.view()) : TensorView{}},
                  session.scratch());
  if (!need_dx) return {};
  add_scaled(session.context(), {.scale = 1, .source = dy, .target = term.dx});
  return term.dx.share();
}

}  // namespace warpgnn::nn
