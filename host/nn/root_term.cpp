// SPDX-License-Identifier: MIT
#include "warpgnn/nn/root_term.hpp"

#include "host/nn/run.hpp"

namespace warpgnn::nn {

RootTerm::RootTerm(Session& session, const std::string& weight, std::int64_t in, std::int64_t out)
    : weight_(glorot(session, weight, {out, in}, in, out)) {}

void RootTerm::add(Session& session, const ConstTensorView& x, const Tensor& y) {
  if (!defined()) return;
  shape_like(session, product_, y.view());
  linear_forward(session.context(), {.x = x, .weight = weight_.value}, {.y = product_});
  add_scaled(session.context(), {.scale = 1, .source = product_, .target = y});
}

SharedTensor RootTerm::backward(Session& session, const ConstTensorView& x, const ConstTensorView& dy, bool need_dx) {
  if (need_dx) shape_like(session, dx_, x);
  if (defined()) {
    linear_backward(session.context(), {.x = x, .weight = weight_.value},
                    {.dy = dy, .dx = need_dx ? dx_.view() : TensorView{}, .dweight = weight_.gradient},
                    session.scratch());
  } else if (need_dx) {
    dx_.fill_zero();
  }
  return need_dx ? dx_.share() : SharedTensor{};
}

void RootTerm::collect(ParameterList& list) {
  if (defined()) list.push_back(&weight_);
}

}  // namespace warpgnn::nn
