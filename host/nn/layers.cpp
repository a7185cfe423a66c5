// SPDX-License-Identifier: MIT
#include "warpgnn/nn/layers.hpp"

#include <cmath>

#include "host/nn/run.hpp"

namespace warpgnn::nn {

Linear::Linear(Session& session, const std::string& name, std::int64_t in, std::int64_t out,
               const LinearOptions& options)
    : session_(&session),
      options_(options),
      weight_(uniform(session, name + ".weight", {expect_positive("out", out), expect_positive("in", in)},
                      1 / std::sqrt(static_cast<double>(in)))) {
  if (options.bias) bias_ = uniform(session, name + ".bias", {out}, 1 / std::sqrt(static_cast<double>(in)));
}

warpgnn::Linear Linear::problem() const {
  return {.x = x_,
          .weight = weight_.value,
          .bias = bias_.value,
          .activation = options_.activation,
          .slope = options_.slope};
}

SharedTensor Linear::forward(const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, kAnyRows, weight_.value.view().shape[1]);
  x_ = x;
  shape(*session_, y_, {x.shape[0], weight_.value.view().shape[0]});
  linear_forward(session_->context(), problem(), {.y = y_}, session_->scratch());
  return y_.share();
}

void Linear::gradients(const ConstTensorView& dy, const TensorView& dx, bool add_to_dx) {
  saved_.expect("Linear");
  expect_matrix(*session_, "dy", dy, x_.shape[0], weight_.value.view().shape[0]);
  linear_backward(session_->context(), problem(),
                  {.dy = dy,
                   .dx = dx,
                   .dweight = weight_.gradient,
                   .dbias = bias_.gradient,
                   .y = options_.activation == Activation::identity ? ConstTensorView{} : ConstTensorView(y_),
                   .add_to_dx = add_to_dx},
                  session_->scratch());
}

SharedTensor Linear::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("Linear");
  if (need_dx) shape(*session_, dx_, {x_.shape[0], x_.shape[1]});
  gradients(dy, need_dx ? dx_.view() : TensorView{}, false);
  return need_dx ? dx_.share() : SharedTensor{};
}

void Linear::backward_to(const ConstTensorView& dy, const TensorView& dx) {
  gradients(dy, dx, false);
}

void Linear::backward_onto(const ConstTensorView& dy, const TensorView& dx) {
  gradients(dy, dx, true);
}

void Linear::collect(ParameterList& list) {
  list.push_back(&weight_);
  if (bias_.value.defined()) list.push_back(&bias_);
}

Activate::Activate(Session& session, Activation kind, double slope) : session_(&session), kind_(kind), slope_(slope) {}

SharedTensor Activate::forward(const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  expect_dtype(*session_, "x", x);
  shape_like(*session_, y_, x);
  activation_forward(session_->context(), {.kind = kind_, .slope = slope_, .x = x}, {.y = y_});
  return y_.share();
}

SharedTensor Activate::backward(const ConstTensorView& dy) {
  saved_.expect("Activate");
  shape_like(*session_, dx_, y_.view());
  activation_backward(session_->context(), {.kind = kind_, .slope = slope_}, {.y = y_}, {.dy = dy, .dx = dx_});
  return dx_.share();
}

DropoutLayer::DropoutLayer(Session& session, double probability) : session_(&session), probability_(probability) {
  expect_probability("probability", probability);
}

void DropoutLayer::apply(const ConstTensorView& from, const TensorView& to) const {
  dropout(session_->context(),
          {.probability = probability_, .seed = seed_, .x = from, .y = to, .counter = session_->dropout_counter()});
}

SharedTensor DropoutLayer::forward(const SharedTensor& x) {
  const ForwardPass pass(*session_, saved_);
  expect_dtype(*session_, "x", x);
  active_ = session_->training() && probability_ > 0;
  if (!active_) return x;
  seed_ = session_->next_dropout_seed();
  shape_like(*session_, y_, x);
  apply(x, y_);
  return y_.share();
}

SharedTensor DropoutLayer::backward(const SharedTensor& dy) {
  saved_.expect("DropoutLayer");
  if (!active_) return dy;
  shape_like(*session_, dx_, dy);
  apply(dy, dx_);
  return dx_.share();
}

BatchNorm::BatchNorm(Session& session, const std::string& name, std::int64_t features, const BatchNormOptions& options)
    : session_(&session),
      options_(options),
      gamma_(ones(session, name + ".weight", {features})),
      beta_(zeros(session, name + ".bias", {features})),
      running_mean_(zeros(session, name + ".running_mean", {features})),
      running_var_(ones(session, name + ".running_var", {features})),
      saved_mean_(session.context(), session.dtype(), {features}),
      saved_inv_std_(session.context(), session.dtype(), {features}) {
  running_mean_.trainable = running_var_.trainable = false;
  if (options.affine) return;
  gamma_.gradient = Tensor();
  beta_.gradient = Tensor();
}

SharedTensor BatchNorm::forward(const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, kAnyRows, gamma_.value.view().shape[0]);
  x_ = x;
  shape_like(*session_, y_, x);
  batch_norm_forward(session_->context(),
                     {.training = session_->training(),
                      .epsilon = options_.epsilon,
                      .momentum = options_.momentum,
                      .x = x,
                      .gamma = gamma_.value,
                      .beta = beta_.value},
                     {.y = y_,
                      .running_mean = running_mean_.value,
                      .running_var = running_var_.value,
                      .saved_mean = saved_mean_,
                      .saved_inv_std = saved_inv_std_},
                     session_->scratch());
  return y_.share();
}

SharedTensor BatchNorm::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("BatchNorm");
  if (need_dx) shape_like(*session_, dx_, x_);
  batch_norm_backward(
      session_->context(), {.x = x_, .gamma = gamma_.value},
      {.saved_mean = saved_mean_, .saved_inv_std = saved_inv_std_},
      {.dy = dy, .dx = need_dx ? dx_.view() : TensorView{}, .dgamma = gamma_.gradient, .dbeta = beta_.gradient},
      session_->scratch());
  return need_dx ? dx_.share() : SharedTensor{};
}

void BatchNorm::collect(ParameterList& list) {
  if (options_.affine) list.insert(list.end(), {&gamma_, &beta_});
  list.insert(list.end(), {&running_mean_, &running_var_});
}

LayerNorm::LayerNorm(Session& session, const std::string& name, std::int64_t features, double epsilon)
    : session_(&session),
      epsilon_(epsilon),
      gamma_(ones(session, name + ".weight", {expect_positive("features", features)})),
      beta_(zeros(session, name + ".bias", {features})) {}

SharedTensor LayerNorm::forward(const ConstTensorView& x) {
  const ForwardPass pass(*session_, saved_);
  expect_matrix(*session_, "x", x, kAnyRows, gamma_.value.view().shape[0]);
  x_ = x;
  shape_like(*session_, y_, x);
  shape(*session_, mean_, {x.shape[0]});
  shape(*session_, inv_std_, {x.shape[0]});
  layer_norm_forward(session_->context(), {.epsilon = epsilon_, .x = x, .gamma = gamma_.value, .beta = beta_.value},
                     {.y = y_, .mean = mean_, .inv_std = inv_std_});
  return y_.share();
}

SharedTensor LayerNorm::backward(const ConstTensorView& dy, bool need_dx) {
  saved_.expect("LayerNorm");
  if (need_dx) shape_like(*session_, dx_, x_);
  layer_norm_backward(
      session_->context(), {.x = x_, .gamma = gamma_.value}, {.mean = mean_, .inv_std = inv_std_},
      {.dy = dy, .dx = need_dx ? dx_.view() : TensorView{}, .dgamma = gamma_.gradient, .dbeta = beta_.gradient},
      session_->scratch());
  return need_dx ? dx_.share() : SharedTensor{};
}

void LayerNorm::collect(ParameterList& list) {
  list.insert(list.end(), {&gamma_, &beta_});
}

CrossEntropy::CrossEntropy(Session& session, const CrossEntropyOptions& options)
    : session_(&session), options_(options), total_weight_(session.context(), session.dtype(), {1}) {
  const std::vector<double>& weight = options.class_weight;
  if (!weight.empty()) class_weight_ = upload(session, weight, {static_cast<std::int64_t>(weight.size())});
}

SharedTensor CrossEntropy::forward(const ConstTensorView& logits, const ConstTensorView& labels) {
  const ForwardPass pass(*session_, saved_);
  labels_ = labels;
  shape(*session_, loss_, {1});
  shape_like(*session_, probability_, logits);
  cross_entropy_forward(session_->context(),
                        {.label_smoothing = options_.label_smoothing,
                         .ignore_index = options_.ignore_index,
                         .logits = logits,
                         .label = labels,
                         .class_weight = class_weight_},
                        {.loss = loss_, .probability = probability_, .total_weight = total_weight_},
                        session_->scratch());
  return loss_.share();
}

SharedTensor CrossEntropy::backward() {
  saved_.expect("CrossEntropy");
  shape_like(*session_, dlogits_, probability_.view());
  cross_entropy_backward(session_->context(),
                         {.label_smoothing = options_.label_smoothing,
                          .ignore_index = options_.ignore_index,
                          .label = labels_,
                          .class_weight = class_weight_},
                         {.probability = probability_, .total_weight = total_weight_}, {.dlogits = dlogits_});
  return dlogits_.share();
}

SoftCrossEntropy::SoftCrossEntropy(Session& session)
    : session_(&session),
      loss_(session.context(), session.dtype(), {1}),
      total_weight_(session.context(), session.dtype(), {1}) {}

SoftCrossEntropyResult SoftCrossEntropy::result() const {
  return {.loss = loss_, .total_weight = total_weight_, .maximum = maximum_, .sum = sum_, .row_weight = row_weight_};
}

SharedTensor SoftCrossEntropy::forward(const ConstTensorView& logits, const ConstTensorView& target) {
  const ForwardPass pass(*session_, saved_);
  problem_ = {.logits = logits, .target = target};
  for (Tensor* rows : {&maximum_, &sum_, &row_weight_}) shape(*session_, *rows, {logits.shape[0]});
  shape(*session_, loss_, {1});
  soft_cross_entropy_forward(session_->context(), problem_, result(), session_->scratch());
  return loss_.share();
}

SharedTensor SoftCrossEntropy::backward() {
  saved_.expect("SoftCrossEntropy");
  shape_like(*session_, dlogits_, problem_.logits);
  soft_cross_entropy_backward(session_->context(), problem_, result(), {.dlogits = dlogits_});
  return dlogits_.share();
}

PointwiseLoss::PointwiseLoss(Session& session, PointwiseLossKind kind, double delta)
    : session_(&session),
      problem_{.kind = kind, .delta = delta},
      total_weight_(session.context(), session.dtype(), {1}) {}

SharedTensor PointwiseLoss::forward(const ConstTensorView& prediction, const ConstTensorView& target,
                                    const ConstTensorView& weight) {
  const ForwardPass pass(*session_, saved_);
  problem_.prediction = prediction;
  problem_.target = target;
  problem_.weight = weight;
  shape(*session_, loss_, {1});
  pointwise_loss_forward(session_->context(), problem_, {.loss = loss_, .total_weight = total_weight_},
                         session_->scratch());
  return loss_.share();
}

SharedTensor PointwiseLoss::backward() {
  saved_.expect("PointwiseLoss");
  shape_like(*session_, dprediction_, problem_.prediction);
  pointwise_loss_backward(session_->context(), problem_, {.total_weight = total_weight_},
                          {.dprediction = dprediction_});
  return dprediction_.share();
}

}  // namespace warpgnn::nn
