// SPDX-License-Identifier: MIT
#include "model/gru.hpp"

#include <cmath>

#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/ops/gru.hpp"
#include "warpgnn/ops/linear.hpp"

namespace train {

namespace nn = warpgnn::nn;
using warpgnn::ConstTensorView;
using warpgnn::Context;
using warpgnn::Tensor;
using warpgnn::TensorView;

namespace {

constexpr std::int64_t kParts = 3;  // reset, update and new state

}  // namespace

Gru::Gru(nn::Session& session, const std::string& name, std::int64_t in, std::int64_t width)
    : session_(&session),
      width_(width),
      input_(session, name + ".input", in, kParts * width),
      weight_(
          nn::uniform(session, name + ".weight", {kParts * width, width}, 1 / std::sqrt(static_cast<double>(width)))),
      bias_(nn::zeros(session, name + ".bias", {kParts * width})) {}

TensorView Gru::at(const Tensor& tensor, std::int64_t step, std::int64_t parts) const {
  const std::int64_t width = parts * width_;
  return warpgnn::columns(warpgnn::reshape(tensor.view(), {sequences_, steps_ * width}), step * width, width);
}

ConstTensorView Gru::input_at(std::int64_t step) const {
  const std::int64_t width = kParts * width_;
  return warpgnn::columns(warpgnn::reshape(from_input_, {sequences_, steps_ * width}), step * width, width);
}

ConstTensorView Gru::forward(const ConstTensorView& x, std::int64_t steps) {
  const Context& context = session_->context();
  steps_ = steps;
  sequences_ = x.shape[0] / steps;
  from_input_ = input_.forward(x);
  for (Tensor* tensor : {&states_, &previous_}) tensor->resize(context, session_->dtype(), {x.shape[0], width_});
  from_states_.resize(context, session_->dtype(), {x.shape[0], kParts * width_});
  previous_.fill_zero();
  for (std::int64_t t = 0; t < steps; ++t) {
    if (t > 0) warpgnn::copy(context, at(states_, t - 1, 1), at(previous_, t, 1));
    warpgnn::linear_forward(context, {.x = at(previous_, t, 1), .weight = weight_.value, .bias = bias_.value},
                            {.y = at(from_states_, t, kParts)}, session_->scratch());
    warpgnn::gru_cell_forward(
        context, {.input = input_at(t), .hidden = at(from_states_, t, kParts), .h_previous = at(previous_, t, 1)},
        {.h = at(states_, t, 1)});
  }
  return states_;
}

ConstTensorView Gru::backward(const ConstTensorView& dstates) {
  const Context& context = session_->context();
  dstates_.resize(context, session_->dtype(), {dstates.shape[0], width_});
  dinput_.resize(context, session_->dtype(), {dstates.shape[0], kParts * width_});
  dprevious_.resize(context, session_->dtype(), {sequences_, width_});
  warpgnn::copy(context, dstates, dstates_);
  for (std::int64_t t = steps_ - 1; t >= 0; --t) {
    const TensorView hidden = at(from_states_, t, kParts), dh = at(dstates_, t, 1);
    warpgnn::gru_cell_backward(context, {.input = input_at(t), .hidden = hidden, .h_previous = at(previous_, t, 1)},
                               {.dh = dh, .dinput = at(dinput_, t, kParts), .dhidden = hidden, .dh_previous = dh});
    if (t == 0) break;
    warpgnn::linear_backward(context, {.x = at(previous_, t, 1), .weight = weight_.value},
                             {.dy = hidden, .dx = dprevious_}, session_->scratch());
    warpgnn::add_scaled(context, {.source = dh, .target = dprevious_});
    warpgnn::add_scaled(context, {.source = dprevious_, .target = at(dstates_, t - 1, 1)});
  }
  warpgnn::linear_backward(context, {.x = previous_, .weight = weight_.value, .bias = bias_.value},
                           {.dy = from_states_, .dweight = weight_.gradient, .dbias = bias_.gradient},
                           session_->scratch());
  return input_.backward(dinput_);
}

void Gru::collect(nn::ParameterList& list) {
  input_.collect(list);
  list.push_back(&weight_);
  list.push_back(&bias_);
}

}  // namespace train
