// SPDX-License-Identifier: MIT
// Arguments that the dense ops must refuse before they write anything.

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/backends.hpp"
#include "tests/support/refusals.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/ops/adam.hpp"
#include "warpgnn/ops/batch_norm.hpp"
#include "warpgnn/ops/elementwise.hpp"
#include "warpgnn/ops/linear.hpp"
#include "warpgnn/ops/loss.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

class DenseErrorTest : public OpTest {
 protected:
  TestTensor input(const Shape& shape) const {
    return TestTensor::input(context(), dtype(), shape, Rng().reals(count(shape), 0.5, 1));
  }
  TestTensor ids(const Shape& shape) const {
    return TestTensor::input_ids(context(), Dtype::int32, shape, oracle::Ids(count(shape), 0));
  }
  TestTensor output(const Shape& shape) const { return TestTensor::output(context(), dtype(), shape); }
  TestTensor inout(const Shape& shape) const {
    return TestTensor::inout(context(), dtype(), shape, Reals(count(shape), 0.75));
  }

 private:
  static std::size_t count(const Shape& shape) {
    std::size_t product = 1;
    for (const std::int64_t size : shape) product *= static_cast<std::size_t>(size);
    return product;
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(DenseErrorTest);

TEST_P(DenseErrorTest, LinearForward) {
  using Op = LinearForward;
  const auto x = input({6, 4}), weight = input({3, 4}), bias = input({3});
  const auto y = output({6, 3});
  const Refusals<Op> refuse(context(), linear_forward, {{x, weight, bias}, {y}}, {&y});
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse.argument("weight", &Op::weight, Presence::required, Blame::any);
  refuse.argument("bias", &Op::bias, Presence::optional);
  refuse.argument("y", &Op::y);
  refuse.overlap("y", &Op::y, &Op::x);
  refuse.overlap("y", &Op::y, &Op::bias);
  refuse.mistake({"weight:", "[3, 4]", "[3, 5]"}, [](Op& op) { op.weight.shape[1] = op.weight.stride[0] = 5; });
  refuse.mistake({"bias:", "contiguous"}, [](Op& op) { op.bias.stride[0] = 2; });
  refuse.mistake({"activation:", "0 to 5", "6"}, [](Op& op) { op.activation = Activation(6); });
  refuse.mistake({"slope:", "finite"}, [](Op& op) {
    op.activation = Activation::leaky_relu;
    op.slope = std::numeric_limits<double>::infinity();
  });
  refuse.accepted();
}

TEST_P(DenseErrorTest, LinearBackward) {
  using Op = LinearBackward;
  const auto x = input({3000, 4}), weight = input({3, 4}), dy = input({3000, 3});
  const auto dx = output({3000, 4}), dweight = output({3, 4}), dbias = output({3});
  const Refusals<Op> refuse(context(), linear_backward, {{x, weight}, {dy, dx, dweight, dbias}},
                            {&dx, &dweight, &dbias});
  refuse.argument("x", &Op::x);
  refuse.argument("weight", &Op::weight);
  refuse.argument("dy", &Op::dy, Presence::required, Blame::any);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dweight", &Op::dweight, Presence::optional);
  refuse.argument("dbias", &Op::dbias, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::dy);
  refuse.overlap("dweight", &Op::dweight, &Op::weight);
  refuse.overlap("dweight", &Op::dweight, &Op::dbias);
  refuse.mistake({"y:", "none"}, [](Op& op) { op.activation = Activation::relu; });
  refuse.mistake({"slope:", "positive"}, [](Op& op) {
    op.activation = Activation::elu;
    op.slope = 0;
  });
  refuse.accepted();
}

TEST_P(DenseErrorTest, Activations) {
  {
    using Op = ActivationForward;
    const auto x = input({5, 3});
    const auto y = output({5, 3});
    const Refusals<Op> refuse(context(), activation_forward, {{Activation::elu, 0.2, x}, {y}}, {&y});
    refuse.argument("y", &Op::y);
    refuse.mistake({"x:", "none"}, [](Op& op) { op.x = {}; });
    refuse.mistake({"x:", "int32"}, [](Op& op) { op.x.dtype = op.y.dtype = Dtype::int32; });
    refuse.mistake({"slope:", "inf"}, [](Op& op) { op.slope = std::numeric_limits<double>::infinity(); });
    refuse.mistake({"y:", "overlap"},
                   [&](Op& op) { op.y.data = const_cast<char*>(x.view().as<char>()) + size_of(dtype()); });
    refuse.accepted();
  }
  using Op = ActivationBackward;
  const auto y = input({5, 3}), dy = input({5, 3});
  const auto dx = output({5, 3});
  const Refusals<Op> refuse(context(), activation_backward, {{Activation::elu, 0.2}, {y}, {dy, dx}}, {&dx});
  refuse.argument("dy", &Op::dy);
  refuse.argument("dx", &Op::dx);
  refuse.mistake({"y:", "none"}, [](Op& op) { op.y = {}; });
  refuse.mistake({"slope:", "got 0"}, [](Op& op) { op.slope = 0; });
  refuse.overlap("dx", &Op::dx, &Op::y);
  refuse.accepted();
}

TEST_P(DenseErrorTest, DropoutGatherAndAdd) {
  {
    const auto x = input({5, 3});
    const auto y = output({5, 3});
    const auto counter = TestTensor::input_ids(context(), Dtype::int64, {1}, {3});
    const Refusals<Dropout> refuse(context(), dropout, {0.5, 1, x, y, counter}, {&y});
    refuse.argument("y", &Dropout::y);
    refuse.argument("counter", &Dropout::counter, Presence::optional);
    refuse.overlap("y", &Dropout::y, &Dropout::counter);
    refuse.mistake({"x:", "none"}, [](Dropout& op) { op.x = {}; });
    for (const double probability : {1.0, -0.25, 7.0}) {
      refuse.mistake({"probability:"}, [&](Dropout& op) { op.probability = probability; });
    }
    refuse.accepted();
  }
  {
    const auto counter = Tensor::from<std::int64_t>(context(), std::vector<std::int64_t>{3}, {1});
    const Refusals<AdvanceCounter> refuse(context(), advance_counter, {counter}, {});
    refuse.argument("counter", &AdvanceCounter::counter);
    EXPECT_EQ(counter.to_host<std::int64_t>(), std::vector<std::int64_t>{3});
    refuse.accepted();
  }
  {
    const auto x = input({5, 3});
    const auto index = ids({7});
    const auto y = output({7, 3});
    const Refusals<GatherRows> refuse(context(), gather_rows, {x, index, y}, {&y});
    refuse.argument("index", &GatherRows::index, Presence::required, Blame::any);
    refuse.argument("y", &GatherRows::y);
    refuse.overlap("y", &GatherRows::y, &GatherRows::x);
    refuse.mistake({"x:", "none"}, [](GatherRows& op) { op.x = {}; });
    refuse.accepted();
  }
  {
    const auto x = input({5, 3}), bias = input({3});
    const auto y = output({5, 3});
    const Refusals<AddBias> refuse(context(), add_bias, {x, bias, y}, {&y});
    refuse.argument("x", &AddBias::x, Presence::required, Blame::any);
    refuse.argument("bias", &AddBias::bias);
    refuse.argument("y", &AddBias::y);
    refuse.overlap("y", &AddBias::y, &AddBias::bias);
    refuse.accepted();
  }
  const auto source = input({5, 3});
  const auto target = inout({5, 3});
  const Refusals<AddScaled> refuse(context(), add_scaled, {2, source, target}, {&target});
  refuse.argument("target", &AddScaled::target);
  refuse.overlap("target", &AddScaled::target, &AddScaled::source);
  refuse.mistake({"source:", "none"}, [](AddScaled& op) { op.source = {}; });
  refuse.accepted();
}

TEST_P(DenseErrorTest, BatchNormForward) {
  using Op = BatchNormForward;
  const auto x = input({3000, 4}), gamma = input({4}), beta = input({4});
  const auto running_mean = inout({4}), running_var = inout({4});
  const auto y = output({3000, 4}), saved_mean = output({4}), saved_inv_std = output({4});
  const Refusals<Op> refuse(
      context(), batch_norm_forward,
      {{true, 1e-5, 0.1, x, gamma, beta}, {y, running_mean, running_var, saved_mean, saved_inv_std}},
      {&running_mean, &running_var, &y, &saved_mean, &saved_inv_std});
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse.argument("gamma", &Op::gamma);
  refuse.argument("beta", &Op::beta);
  refuse.argument("running_mean", &Op::running_mean);
  refuse.argument("running_var", &Op::running_var);
  refuse.argument("y", &Op::y);
  refuse.argument("saved_mean", &Op::saved_mean);
  refuse.argument("saved_inv_std", &Op::saved_inv_std);
  refuse.overlap("y", &Op::y, &Op::x);
  refuse.overlap("saved_mean", &Op::saved_mean, &Op::gamma);
  refuse.overlap("running_mean", &Op::running_mean, &Op::running_var);
  refuse.mistake({"epsilon:"}, [](Op& op) { op.epsilon = -1; });
  refuse.mistake({"momentum:"}, [](Op& op) { op.momentum = 1.5; });
  refuse.mistake({"x:", "1 row"}, [](Op& op) { op.x.shape[0] = op.y.shape[0] = 0; });
  refuse.workspace();
  refuse.accepted();
}

TEST_P(DenseErrorTest, BatchNormBackward) {
  using Op = BatchNormBackward;
  const auto x = input({3000, 4}), gamma = input({4}), mean = input({4}), inv_std = input({4}), dy = input({3000, 4});
  const auto dx = output({3000, 4}), dgamma = output({4}), dbeta = output({4});
  const Refusals<Op> refuse(
      context(), batch_norm_backward,
      {{.x = x, .gamma = gamma}, {.saved_mean = mean, .saved_inv_std = inv_std}, {dy, dx, dgamma, dbeta}},
      {&dx, &dgamma, &dbeta});
  refuse.argument("x", &Op::x, Presence::required, Blame::any);
  refuse.argument("gamma", &Op::gamma);
  refuse.argument("saved_mean", &Op::saved_mean);
  refuse.argument("saved_inv_std", &Op::saved_inv_std);
  refuse.argument("dy", &Op::dy);
  refuse.argument("dx", &Op::dx, Presence::optional);
  refuse.argument("dgamma", &Op::dgamma, Presence::optional);
  refuse.argument("dbeta", &Op::dbeta, Presence::optional);
  refuse.overlap("dx", &Op::dx, &Op::dy);
  refuse.overlap("dgamma", &Op::dgamma, &Op::dbeta);
  refuse.workspace();
  refuse.accepted();
}

TEST_P(DenseErrorTest, CrossEntropy) {
  {
    using Op = CrossEntropyForward;
    const auto logits = input({3000, 3});
    const auto label = ids({3000});
    const auto loss = output({1}), probability = output({3000, 3}), total_weight = output({1});
    const auto class_weight = input({3});
    const Refusals<Op> refuse(context(), cross_entropy_forward,
                              {{0.1, -100, logits, label, class_weight}, {loss, probability, total_weight}},
                              {&loss, &probability, &total_weight});
    refuse.argument("logits", &Op::logits, Presence::required, Blame::any);
    refuse.argument("label", &Op::label);
    refuse.argument("loss", &Op::loss);
    refuse.argument("probability", &Op::probability);
    refuse.argument("total_weight", &Op::total_weight);
    refuse.argument("class_weight", &Op::class_weight, Presence::optional);
    refuse.mistake({"label_smoothing:", "1.5"}, [](Op& op) { op.label_smoothing = 1.5; });
    refuse.overlap("probability", &Op::probability, &Op::logits);
    refuse.mistake({"logits:", "class"}, [](Op& op) { op.logits.shape[1] = op.probability.shape[1] = 0; });
    refuse.workspace();
    refuse.accepted();
  }
  using Op = CrossEntropyBackward;
  const auto probability = input({5, 3});
  const auto label = ids({5});
  const auto dlogits = output({5, 3});
  const auto total_weight = input({1}), class_weight = input({3});
  const Refusals<Op> refuse(
      context(), cross_entropy_backward,
      {{.label_smoothing = 0.1, .ignore_index = -100, .label = label, .class_weight = class_weight},
       {.probability = probability, .total_weight = total_weight},
       {dlogits}},
      {&dlogits});
  refuse.argument("probability", &Op::probability, Presence::required, Blame::any);
  refuse.argument("label", &Op::label);
  refuse.argument("dlogits", &Op::dlogits);
  refuse.argument("total_weight", &Op::total_weight);
  refuse.argument("class_weight", &Op::class_weight, Presence::optional);
  refuse.mistake({"label_smoothing:", "-0.5"}, [](Op& op) { op.label_smoothing = -0.5; });
  refuse.overlap("dlogits", &Op::dlogits, &Op::probability);
  refuse.accepted();
}

TEST_P(DenseErrorTest, SoftCrossEntropy) {
  const auto logits = input({3000, 3}), target = input({3000, 3});
  const SoftCrossEntropy problem{.logits = logits, .target = target};
  const auto common = [&](const auto& refuse, auto op) {
    using Op = decltype(op);
    refuse.argument("logits", &Op::logits, Presence::required, Blame::any);
    refuse.argument("target", &Op::target);
    refuse.argument("total_weight", &Op::total_weight);
    refuse.argument("maximum", &Op::maximum);
    refuse.argument("sum", &Op::sum);
    refuse.argument("row_weight", &Op::row_weight);
  };
  {
    const auto loss = output({1}), total_weight = output({1}), maximum = output({3000}), sum = output({3000}),
               row_weight = output({3000});
    const Refusals<SoftCrossEntropyForward> refuse(context(), soft_cross_entropy_forward,
                                                   {problem, {loss, total_weight, maximum, sum, row_weight}},
                                                   {&loss, &total_weight, &maximum, &sum, &row_weight});
    common(refuse, SoftCrossEntropyForward{});
    refuse.argument("loss", &SoftCrossEntropyForward::loss);
    refuse.mistake({"logits:", "class"}, [&](SoftCrossEntropyForward& wrong) {
      wrong.logits.shape[1] = 0;
      wrong.target.shape[1] = 0;
    });
    refuse.workspace();
    refuse.accepted();
  }
  const auto total_weight = input({1}), maximum = input({3000}), sum = input({3000}), row_weight = input({3000});
  const auto dlogits = output({3000, 3});
  const Refusals<SoftCrossEntropyBackward> refuse(
      context(), soft_cross_entropy_backward,
      {problem, {.total_weight = total_weight, .maximum = maximum, .sum = sum, .row_weight = row_weight}, {dlogits}},
      {&dlogits});
  common(refuse, SoftCrossEntropyBackward{});
  refuse.argument("dlogits", &SoftCrossEntropyBackward::dlogits);
  refuse.overlap("dlogits", &SoftCrossEntropyBackward::dlogits, &SoftCrossEntropyBackward::target);
  refuse.accepted();
}

TEST_P(DenseErrorTest, PointwiseLoss) {
  const auto prediction = input({3000, 3}), target = input({3000, 3}), weight = input({3000, 3});
  const PointwiseLoss problem{
      .kind = PointwiseLossKind::huber, .delta = 0.5, .prediction = prediction, .target = target, .weight = weight};
  const auto common = [&](const auto& refuse, auto op) {
    using Op = decltype(op);
    refuse.argument("prediction", &Op::prediction, Presence::required, Blame::any);
    refuse.argument("target", &Op::target);
    refuse.argument("weight", &Op::weight, Presence::optional);
    refuse.argument("total_weight", &Op::total_weight);
    refuse.mistake({"delta:", "0.0"}, [](Op& wrong) { wrong.delta = 0; });
    refuse.mistake({"delta:", "inf"}, [](Op& wrong) { wrong.delta = std::numeric_limits<double>::infinity(); });
    refuse.mistake({"kind:", "4"}, [](Op& wrong) { wrong.kind = static_cast<PointwiseLossKind>(4); });
  };
  {
    const auto loss = output({1}), total_weight = output({1});
    const Refusals<PointwiseLossForward> refuse(context(), pointwise_loss_forward, {problem, {loss, total_weight}},
                                                {&loss, &total_weight});
    common(refuse, PointwiseLossForward{});
    refuse.argument("loss", &PointwiseLossForward::loss);
    refuse.workspace();
    refuse.accepted();
  }
  const auto total_weight = input({1});
  const auto dprediction = output({3000, 3});
  const Refusals<PointwiseLossBackward> refuse(
      context(), pointwise_loss_backward, {problem, {.total_weight = total_weight}, {dprediction}}, {&dprediction});
  common(refuse, PointwiseLossBackward{});
  refuse.argument("dprediction", &PointwiseLossBackward::dprediction);
  refuse.overlap("dprediction", &PointwiseLossBackward::dprediction, &PointwiseLossBackward::prediction);
  refuse.accepted();
}

TEST_P(DenseErrorTest, Adam) {
  const auto value = inout({4}), first = inout({4}), second = inout({4});
  const auto gradient = input({4});
  Tensor step(context(), Dtype::int64, {1});
  step.fill_zero();
  const AdamSlot good{value, gradient, first, second};
  const auto refuse = [&](const std::vector<std::string>& words, const auto& spoil_op, const auto& spoil_slot) {
    std::vector<AdamSlot> slots{good, good};  // the second is wrong: the first must not be touched either
    spoil_slot(slots[1]);
    AdamStep op{.slots = slots, .step = step};
    spoil_op(op);
    expect_error(ErrorCode::invalid_argument, words, [&] { adam_step(context(), op); });
    for (const TestTensor* tensor : {&value, &first, &second}) EXPECT_TRUE(tensor->untouched());
    EXPECT_EQ(step.to_host<std::int64_t>()[0], 0);
  };
  const auto fine = [](auto&) {};
  refuse({"gradient:", "[4]", "[5]"}, fine, [](AdamSlot& slot) { slot.gradient.shape[0] = 5; });
  refuse({"first_moment:", "none"}, fine, [](AdamSlot& slot) { slot.first_moment = {}; });
  refuse({"second_moment:", "int32"}, fine, [](AdamSlot& slot) { slot.second_moment.dtype = Dtype::int32; });
  refuse({"value:", "contiguous"}, fine, [](AdamSlot& slot) { slot.value.stride[0] = 2; });
  refuse({"value:", "overlap"}, fine, [](AdamSlot& slot) { slot.value.data = slot.first_moment.data; });
  refuse(
      {"step:"}, [](AdamStep& op) { op.step = {}; }, fine);
  refuse(
      {"step:", "int64", "int32"}, [](AdamStep& op) { op.step.dtype = Dtype::int32; }, fine);
  refuse(
      {"beta1:"}, [](AdamStep& op) { op.beta1 = 1; }, fine);
  refuse(
      {"beta2:"}, [](AdamStep& op) { op.beta2 = -0.1; }, fine);
  refuse(
      {"epsilon:"}, [](AdamStep& op) { op.epsilon = -1; }, fine);
}

}  // namespace
}  // namespace warpgnn::test
