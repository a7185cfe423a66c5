// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "tests/oracle/types.hpp"

namespace oracle {

/// y = x weight^T + bias: x [N, I], weight [O, I], bias [O] or empty.
Sums linear(const Reals& x, const Reals& weight, const Reals& bias, std::size_t rows, std::size_t inputs,
            std::size_t outputs);
struct LinearGradients {
  Sums dx;
  Sums dweight;
  Sums dbias;
};
LinearGradients linear_backward(const Reals& x, const Reals& weight, const Reals& dy, std::size_t rows,
                                std::size_t inputs, std::size_t outputs);

enum class Activation { relu, leaky_relu, elu, tanh, sigmoid, identity };
double activation(Activation kind, double slope, double x);
/// The derivative at x; at a kink that of the negative side.
double activation_derivative(Activation kind, double slope, double x);

struct BatchNorm {
  Sums y;
  Reals mean;     // of the batch
  Reals inv_std;  // 1 / sqrt(biased variance + epsilon)
  Reals running_mean;
  Reals running_var;
};
BatchNorm batch_norm_training(const Reals& x, const Reals& gamma, const Reals& beta, const Reals& running_mean,
                              const Reals& running_var, double epsilon, double momentum);
Sums batch_norm_evaluation(const Reals& x, const Reals& gamma, const Reals& beta, const Reals& running_mean,
                           const Reals& running_var, double epsilon);
struct BatchNormGradients {
  Sums dx;
  Sums dgamma;
  Sums dbeta;
};
/// Through mean and variance by the plain chain rule.
BatchNormGradients batch_norm_backward(const Reals& x, const Reals& gamma, const Reals& dy, double epsilon);

struct ClassOptions {
  double smoothing = 0;
  std::int64_t ignored = -100;
  Reals weight{};  // empty: all ones
};
struct CrossEntropy {
  double loss = 0;
  Reals probability;
  double total_weight = 0;
};
CrossEntropy cross_entropy(const Reals& logits, const Ids& label, std::size_t classes,
                           const ClassOptions& options = {});
/// The chain rule over the losses of all classes.
Reals cross_entropy_backward(const Reals& logits, const Ids& label, std::size_t classes,
                             const ClassOptions& options = {});

/// A loss between a prediction x and a target t, and its derivative by x.
struct SoftCrossEntropy {
  double loss = 0, total_weight = 0;
  Reals maximum, sum, row_weight, dlogits;
};
SoftCrossEntropy soft_cross_entropy(const Reals& logits, const Reals& target, std::size_t classes);

struct Pointwise {
  double loss = 0, derivative = 0;
};
Pointwise squared_loss(double x, double t);
Pointwise absolute_loss(double x, double t);
Pointwise huber_loss(double x, double t, double delta);
/// Of a logit and a chance; in long double, whose range needs no care.
Pointwise binary_cross_entropy(double x, double t);

struct PointwiseMean {
  double loss = 0, total_weight = 0;
  Reals dprediction;
};
/// The weighted mean over elements. `weight` may be empty: all ones.
PointwiseMean pointwise_mean(const Reals& prediction, const Reals& target, const Reals& weight,
                             const std::function<Pointwise(double, double)>& loss);

struct Adam {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  bool decoupled = false;
};
struct AdamState {
  Reals value, first_moment, second_moment;
  std::int64_t step = 0;
};
void adam_step(const Adam& settings, const Reals& gradient, AdamState& state);

}  // namespace oracle
