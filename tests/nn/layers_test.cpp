// SPDX-License-Identifier: MIT
// The dense layers of warpgnn/nn.

#include "warpgnn/nn/layers.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/nn/layer_cases.hpp"
#include "tests/nn/layer_fixture.hpp"
#include "tests/oracle/layer_norm.hpp"
#include "tests/oracle/random.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/nn_formulas.hpp"

namespace warpgnn::test {
namespace {

using nn::Activate;
using nn::BatchNorm;
using nn::CrossEntropy;
using nn::DropoutLayer;
using nn::LayerNorm;
using nn::Linear;
using nn::Session;
using oracle::Ids;
using oracle::Reals;

constexpr std::int64_t kWidth = 5;
constexpr double kFactor = 100;

template <class Layer>
LayerSpec<Layer> dense(std::function<Layer(Session&)> make, const std::function<Reals(const Subject&)>& formula) {
  return {.width = kWidth,
          .make = std::move(make),
          .forward = [](Layer& layer, const Subject& subject) { return layer.forward(subject.x()); },
          .formula = formula};
}

SubjectCase linear_case(bool bias) {
  return layer_case<Linear>(
      bias ? "Linear" : "Linear without bias",
      dense<Linear>([bias](Session& session) { return Linear(session, "l", kWidth, 3, {.bias = bias}); },
                    [](const Subject& subject) {
                      return formula::linear(subject.parameters(), "l", reals_of(subject.x()), kWidth);
                    }));
}

SubjectCase activated_linear_case() {
  return layer_case<Linear>(
      "Linear with tanh",
      dense<Linear>([](Session& session) { return Linear(session, "l", kWidth, 3, {.activation = Activation::tanh}); },
                    [](const Subject& subject) {
                      return formula::activation(
                          oracle::Activation::tanh,
                          formula::linear(subject.parameters(), "l", reals_of(subject.x()), kWidth));
                    }));
}

SubjectCase activate_case(const std::string& name, Activation kind, oracle::Activation twin, double slope) {
  return layer_case<Activate>(
      "Activate " + name,
      dense<Activate>([=](Session& session) { return Activate(session, kind, slope); },
                      [=](const Subject& subject) { return formula::activation(twin, reals_of(subject.x()), slope); }));
}

SubjectCase dropout_case() {
  auto spec = dense<DropoutLayer>([](Session& session) { return DropoutLayer(session, 0.4); },
                                  [](const Subject& subject) {
                                    return oracle::dropout(reals_of(subject.x()), kWidth, 0.4,
                                                           subject.session().dropout_state());
                                  });
  spec.draws_masks = true;
  return layer_case<DropoutLayer>("DropoutLayer", std::move(spec));
}

SubjectCase layer_norm_case() {
  return layer_case<LayerNorm>(
      "LayerNorm", dense<LayerNorm>([](Session& session) { return LayerNorm(session, "ln", kWidth); },
                                    [](const Subject& subject) {
                                      return oracle::layer_norm(reals_of(subject.x()), subject.value("ln.weight"),
                                                                subject.value("ln.bias"), 1e-5)
                                          .y.value;
                                    }));
}

SubjectCase batch_norm_case(const std::string& name, const nn::BatchNormOptions& options) {
  return layer_case<BatchNorm>(
      name, dense<BatchNorm>([=](Session& session) { return BatchNorm(session, "bn", kWidth, options); },
                             [=](const Subject& subject) {
                               return formula::batch_norm(subject.parameters(), "bn", reals_of(subject.x()),
                                                          options.epsilon);
                             }));
}

}  // namespace

std::vector<SubjectCase> dense_layer_cases() {
  return {
      linear_case(true),
      linear_case(false),
      activated_linear_case(),
      activate_case("relu", Activation::relu, oracle::Activation::relu, 0.2),
      activate_case("leaky_relu", Activation::leaky_relu, oracle::Activation::leaky_relu, 0.3),
      activate_case("elu", Activation::elu, oracle::Activation::elu, 1.5),
      activate_case("tanh", Activation::tanh, oracle::Activation::tanh, 0.2),
      activate_case("sigmoid", Activation::sigmoid, oracle::Activation::sigmoid, 0.2),
      dropout_case(),
      batch_norm_case("BatchNorm", {}),
      batch_norm_case("BatchNorm epsilon", {.epsilon = 0.1}),
      batch_norm_case("BatchNorm without gamma and beta", {.affine = false}),
      layer_norm_case(),
  };
}

namespace {

class NnLayersTest : public LayerTest {};
class NnLayersGradientTest : public BackendTest {};

WARPGNN_INSTANTIATE_OP_TESTS(NnLayersTest);
WARPGNN_INSTANTIATE_BACKEND_TESTS(NnLayersGradientTest);

TEST_P(NnLayersTest, DropoutPassesThroughOutsideTraining) {
  Rng rng;
  Session session(context(), dtype(), 3);
  const Tensor x = tensor({4, kWidth}, rng.reals(4 * kWidth));
  const auto passes = [&](DropoutLayer& layer) {
    const std::uint64_t before = session.dropout_state();
    EXPECT_EQ(layer.forward(x).data, x.view().data);
    if (session.training()) {
      EXPECT_EQ(layer.backward(x).data, x.view().data);
    }
    EXPECT_EQ(session.dropout_state(), before) << "a mask was drawn";
  };
  DropoutLayer layer(session, 0.5), never(session, 0);
  passes(never);
  session.set_training(false);
  passes(layer);
  session.set_training(true);
  EXPECT_NE(reals(layer.forward(x)), reals_of(x));
}

TEST_P(NnLayersTest, DropoutKeepsItsMaskWhenTrainingEndsBeforeBackward) {
  Rng rng;
  Session session(context(), dtype(), 3);
  const Tensor x = tensor({40, kWidth}, rng.reals(40 * kWidth, 0.5, 1)), ones = tensor({40, kWidth}, Reals(200, 1));
  DropoutLayer layer(session, 0.5);
  const Reals y = reals(layer.forward(x));
  session.set_training(false);
  const Reals dx = reals(layer.backward(ones));
  for (std::size_t k = 0; k < y.size(); ++k) ASSERT_EQ(y[k] == 0, dx[k] == 0) << k;
}

TEST_P(NnLayersTest, EveryDropoutForwardDrawsAnotherMask) {
  Session session(context(), dtype(), 3), twin(context(), dtype(), 3), other(context(), dtype(), 4);
  const Tensor ones = tensor({50, kWidth}, Reals(50 * kWidth, 1));
  const auto mask_of = [&](Session& from) { return reals(DropoutLayer(from, 0.5).forward(ones)); };
  const Reals first = mask_of(session), second = mask_of(session);
  EXPECT_NE(first, second);
  EXPECT_EQ(mask_of(twin), first);
  EXPECT_NE(mask_of(other), first);
}

TEST_P(NnLayersTest, BatchNormLearnsRunningStatistics) {
  Rng rng;
  Session session(context(), dtype(), 3);
  BatchNorm layer(session, "bn", kWidth);
  nn::ParameterList list;
  layer.collect(list);
  ASSERT_EQ(list.size(), 4U);
  EXPECT_FALSE(nn::find(list, "bn.running_mean").trainable);
  EXPECT_FALSE(nn::find(list, "bn.running_var").trainable);
  randomize(list, rng);
  const Reals gamma = reals_of(nn::find(list, "bn.weight").value), beta = reals_of(nn::find(list, "bn.bias").value);
  Reals mean(kWidth, 0), variance(kWidth, 1);
  for (const std::int64_t rows : {20, 7, 33}) {
    const Reals values = rng.reals(static_cast<std::size_t>(rows * kWidth), -1, 3);
    const Tensor x = tensor({rows, kWidth}, values);
    layer.forward(x);
    const auto want = oracle::batch_norm_training(values, gamma, beta, mean, variance, 1e-5, 0.1);
    mean = want.running_mean;
    variance = want.running_var;
  }
  const auto expect_statistics = [&] {
    expect_values(reals_of(nn::find(list, "bn.running_mean").value), mean, dtype(), kFactor, "running_mean");
    expect_values(reals_of(nn::find(list, "bn.running_var").value), variance, dtype(), kFactor, "running_var");
  };
  expect_statistics();

  session.set_training(false);
  for (const std::int64_t rows : {6, 1}) {
    const Reals values = rng.reals(static_cast<std::size_t>(rows * kWidth), -1, 3);
    const Tensor x = tensor({rows, kWidth}, values);
    expect_values(reals(layer.forward(x)),
                  oracle::batch_norm_evaluation(values, gamma, beta, mean, variance, 1e-5).value, dtype(), kFactor,
                  "y of an evaluation");
  }
  expect_statistics();
}

TEST_P(NnLayersTest, AMomentumIsTheShareOfABatch) {
  Session session(context(), dtype(), 3);
  BatchNorm layer(session, "bn", 1, {.momentum = 0.75});
  nn::ParameterList list;
  layer.collect(list);
  layer.forward(tensor({2, 1}, {1, 3}));  // mean 2, unbiased variance 2
  expect_values(reals_of(nn::find(list, "bn.running_mean").value), {1.5}, dtype(), kFactor, "running_mean");
  expect_values(reals_of(nn::find(list, "bn.running_var").value), {1.75}, dtype(), kFactor, "running_var");
}

TEST_P(NnLayersTest, CrossEntropyFollowsTheFormula) {
  Rng rng;
  Session session(context(), dtype(), 3);
  CrossEntropy layer(session);
  for (const std::int64_t rows : {6, 30, 1}) {
    const Reals values = rng.reals(static_cast<std::size_t>(rows * 4), -3, 3);
    Ids label(static_cast<std::size_t>(rows));
    for (std::int64_t& each : label) each = rng.below(4);
    const Tensor logits = tensor({rows, 4}, values), labels = labels_of(context(), label);
    const auto want = oracle::cross_entropy(values, label, 4);
    expect_values(reals(layer.forward(logits, labels)), {want.loss}, dtype(), kFactor, "loss");
    expect_values(reals(layer.probability()), want.probability, dtype(), kFactor, "probability");
    expect_values(reals(layer.backward()), oracle::cross_entropy_backward(values, label, 4), dtype(), kFactor,
                  "dlogits");
  }
}

TEST_P(NnLayersGradientTest, CrossEntropyAgreesWithDifferences) {
  Rng rng;
  Session session(context(), Dtype::float64, 3);
  CrossEntropy layer(session);
  const Reals at = rng.reals(28, -2, 2);
  Tensor logits = tensor_of(context(), Dtype::float64, {7, 4}, at);
  const Tensor labels = labels_of(context(), {0, 3, 1, 1, 2, 0, 3});
  layer.forward(logits, labels);
  const Reals gradient = reals_of(context(), layer.backward());
  const auto loss = [&](const Reals& shifted) {
    assign(logits, shifted);
    return reals_of(context(), layer.forward(logits, labels))[0];
  };
  expect_gradient(loss, at, gradient, "dlogits");
}

TEST_P(NnLayersTest, SoftCrossEntropyFollowsTheFormula) {
  Rng rng;
  Session session(context(), dtype(), 3);
  nn::SoftCrossEntropy layer(session);
  for (const std::int64_t rows : {6, 30, 1}) {
    const auto count = static_cast<std::size_t>(rows * 4);
    const Reals values = rng.reals(count, -3, 3), targets = rng.reals(count, 0, 2);
    const Tensor logits = tensor({rows, 4}, values), target = tensor({rows, 4}, targets);
    const auto want = oracle::soft_cross_entropy(values, targets, 4);
    expect_values(reals(layer.forward(logits, target)), {want.loss}, dtype(), kFactor, "loss");
    expect_values(reals(layer.backward()), want.dlogits, dtype(), kFactor, "dlogits");
  }
}

TEST_P(NnLayersTest, PointwiseLossFollowsTheFormula) {
  Rng rng;
  Session session(context(), dtype(), 3);
  nn::PointwiseLoss layer(session, PointwiseLossKind::huber, 0.5);
  const auto huber = [](double x, double t) { return oracle::huber_loss(x, t, 0.5); };
  for (const std::int64_t rows : {6, 30, 1}) {
    const auto count = static_cast<std::size_t>(rows * 4);
    const Reals values = rng.reals(count, -3, 3), targets = rng.reals(count, -1, 1), weights = rng.reals(count, 0.5, 2);
    const Tensor prediction = tensor({rows, 4}, values), target = tensor({rows, 4}, targets),
                 weight = tensor({rows, 4}, weights);
    for (const bool weighted : {false, true}) {
      const auto want = oracle::pointwise_mean(values, targets, weighted ? weights : Reals(), huber);
      const ConstTensorView given = weighted ? ConstTensorView(weight) : ConstTensorView();
      expect_values(reals(layer.forward(prediction, target, given)), {want.loss}, dtype(), kFactor, "loss");
      expect_values(reals(layer.backward()), want.dprediction, dtype(), kFactor, "dprediction");
    }
  }
}

TEST_P(NnLayersTest, ParametersCarryTheLayersName) {
  Session session(context(), dtype(), 3);
  Linear linear(session, "head", 2, 3), unbiased(session, "plain", 2, 3, {.bias = false});
  BatchNorm norm(session, "bn", 2), constant(session, "constant", 2, {.affine = false});
  nn::ParameterList list;
  linear.collect(list);
  unbiased.collect(list);
  norm.collect(list);
  constant.collect(list);
  std::vector<std::string> names;
  for (const nn::Parameter* each : list) names.push_back(each->name);
  EXPECT_EQ(names, (std::vector<std::string>{"head.weight", "head.bias", "plain.weight", "bn.weight", "bn.bias",
                                             "bn.running_mean", "bn.running_var", "constant.running_mean",
                                             "constant.running_var"}));
  EXPECT_EQ(list[0], &linear.weight());
}

TEST_P(NnLayersTest, SaysWhichParameterThereIsNoMemoryFor) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer ends a program that asks for so much";
#endif
  Session session(context(), dtype(), 3);
  const std::int64_t huge = std::int64_t{1} << 29;
  expect_error(ErrorCode::out_of_memory, {"memory:", "head.weight", std::to_string(huge * huge)},
               [&] { Linear(session, "head", huge, huge); });
}

TEST_P(NnLayersTest, RefusesWrongInputs) {
  Rng rng;
  Session session(context(), dtype(), 3);
  const Tensor x = tensor({4, kWidth}, rng.reals(4 * kWidth)), wide = tensor({4, 9}, rng.reals(36));
  const Tensor other_dtype = tensor_of(context(), dtype() == Dtype::float32 ? Dtype::float64 : Dtype::float32,
                                       {4, kWidth}, rng.reals(4 * kWidth));
  Linear linear(session, "l", kWidth, 3);
  expect_error(kInvalid, {"x:", "[N, 5]", "9]"}, [&] { linear.forward(wide); });
  expect_error(kInvalid, {"x:", name_of(dtype())}, [&] { linear.forward(other_dtype); });
  expect_error(kInvalid, {"x", "none"}, [&] { linear.forward({}); });
  linear.forward(x);
  expect_error(kInvalid, {"dy:", "3]", "9]"}, [&] { linear.backward(wide); });
  expect_error(kInvalid, {"dy", "none"}, [&] { linear.backward({}); });

  Activate relu(session, Activation::relu);
  expect_error(kInvalid, {"x", "none"}, [&] { relu.forward({}); });
  relu.forward(x);
  expect_error(kInvalid, {"dy", "[4, 5]", "[4, 9]"}, [&] { relu.backward(wide); });

  BatchNorm norm(session, "bn", kWidth);
  expect_error(kInvalid, {"x:", "[N, 5]", "9]"}, [&] { norm.forward(wide); });
  const Tensor empty = tensor({0, kWidth}, {});
  expect_error(kInvalid, {"x", "1 row"}, [&] { norm.forward(empty); });
  norm.forward(x);
  expect_error(kInvalid, {"dy", "[4, 5]", "[4, 9]"}, [&] { norm.backward(wide); });

  CrossEntropy loss(session);
  const Tensor labels = labels_of(context(), {0, 1, 2});
  expect_error(kInvalid, {"label", "[4]", "[3]"}, [&] { loss.forward(x, labels); });
  expect_error(kInvalid, {"label", "int32"}, [&] { loss.forward(tensor({1, 2}, {1, 2}), tensor({1}, {0})); });
}

TEST_P(NnLayersTest, RefusesWrongOptions) {
  Session session(context(), dtype(), 3);
  for (const double probability : {1.0, -0.5, std::numeric_limits<double>::quiet_NaN()}) {
    expect_error(kInvalid, {"probability", "[0, 1)"}, [&] { DropoutLayer(session, probability); });
  }
  expect_error(kInvalid, {"in", "0"}, [&] { Linear(session, "l", 0, 3); });
  expect_error(kInvalid, {"in", "-1"}, [&] { Linear(session, "l", -1, 3); });
  expect_error(kInvalid, {"out", "-2"}, [&] { Linear(session, "l", 3, -2); });
  expect_error(kInvalid, {"shape", "-4"}, [&] { BatchNorm(session, "bn", -4); });
}

TEST_P(NnLayersTest, CrossEntropyRefusesABackwardWithoutItsForward) {
  Session session(context(), dtype(), 3);
  CrossEntropy loss(session);
  const Tensor logits = tensor({2, 3}, {1, 2, 3, 1, 0, 1}), labels = labels_of(context(), {0, 2});
  const auto refuses = [&](const char* reason) {
    expect_error(kInvalid, {"CrossEntropy", "backward", reason}, [&] { loss.backward(); });
  };
  refuses("training");
  loss.forward(logits, labels);
  loss.backward();
  loss.backward();
  session.set_training(false);
  loss.forward(logits, labels);
  refuses("training");
  session.set_training(true);
  refuses("training");
  loss.forward(logits, labels);
  loss.forward(logits, labels);
  refuses("one forward");
  session.end_step();
  loss.forward(logits, labels);
  loss.backward();
}

/// Forwards of one training step do not stand in the way of the next one's, with and without masks.
TEST_P(NnLayersTest, AStepThatIsSkippedLeavesNothing) {
  Session session(context(), dtype(), 3);
  const Tensor x = tensor({4, kWidth}, Reals(4 * kWidth, 1));
  for (const double probability : {0.0, 0.5}) {
    DropoutLayer layer(session, probability);
    const std::uint64_t before = session.step();
    for (int step = 0; step < 3; ++step) {
      layer.forward(x);
      if (step == 1) layer.backward(x);
      session.end_step();
    }
    EXPECT_EQ(session.step(), before + 3);
    layer.forward(x);
    layer.backward(x);
  }
}

}  // namespace
}  // namespace warpgnn::test
