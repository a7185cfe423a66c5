// SPDX-License-Identifier: MIT
#include "tests/oracle/dense.hpp"

#include <algorithm>

namespace oracle {

Sums linear(const Reals& x, const Reals& weight, const Reals& bias, std::size_t rows, std::size_t inputs,
            std::size_t outputs) {
  Sums y(rows * outputs);
  for (std::size_t n = 0; n < rows; ++n) {
    for (std::size_t o = 0; o < outputs; ++o) {
      if (!bias.empty()) y.add(n * outputs + o, bias[o]);
      for (std::size_t k = 0; k < inputs; ++k) y.add(n * outputs + o, x[n * inputs + k] * weight[o * inputs + k]);
    }
  }
  return y;
}

LinearGradients linear_backward(const Reals& x, const Reals& weight, const Reals& dy, std::size_t rows,
                                std::size_t inputs, std::size_t outputs) {
  LinearGradients out{Sums(rows * inputs), Sums(outputs * inputs), Sums(outputs)};
  for (std::size_t n = 0; n < rows; ++n) {
    for (std::size_t o = 0; o < outputs; ++o) {
      const double g = dy[n * outputs + o];
      out.dbias.add(o, g);
      for (std::size_t k = 0; k < inputs; ++k) {
        out.dx.add(n * inputs + k, g * weight[o * inputs + k]);
        out.dweight.add(o * inputs + k, g * x[n * inputs + k]);
      }
    }
  }
  return out;
}

double activation(Activation kind, double slope, double x) {
  switch (kind) {
    case Activation::relu: return x > 0.0 ? x : 0.0;
    case Activation::leaky_relu: return x > 0.0 ? x : slope * x;
    case Activation::elu: return x > 0.0 ? x : slope * std::expm1(x);
    case Activation::tanh: return std::tanh(x);
    case Activation::identity: return x;
    case Activation::sigmoid: break;
  }
  return 1.0 / (1.0 + std::exp(-x));
}

double activation_derivative(Activation kind, double slope, double x) {
  switch (kind) {
    case Activation::relu: return x > 0.0 ? 1.0 : 0.0;
    case Activation::leaky_relu: return x > 0.0 ? 1.0 : slope;
    case Activation::elu: return x > 0.0 ? 1.0 : slope * std::exp(x);
    case Activation::tanh: return 1.0 / (std::cosh(x) * std::cosh(x));
    case Activation::identity: return 1.0;
    case Activation::sigmoid: break;
  }
  const double y = activation(Activation::sigmoid, slope, x);
  return y * (1.0 - y);
}

namespace {

/// Mean and biased variance of each column.
struct Moments {
  Sums mean;
  Reals variance;
};

Moments moments(const Reals& x, std::size_t features) {
  const std::size_t rows = x.size() / features;
  Moments out{Sums(features), Reals(features, 0.0)};
  for (std::size_t k = 0; k < x.size(); ++k) out.mean.add(k % features, x[k] / static_cast<double>(rows));
  for (std::size_t k = 0; k < x.size(); ++k) {
    out.variance[k % features] += std::pow(x[k] - out.mean.value[k % features], 2) / static_cast<double>(rows);
  }
  return out;
}

}  // namespace

BatchNorm batch_norm_training(const Reals& x, const Reals& gamma, const Reals& beta, const Reals& running_mean,
                              const Reals& running_var, double epsilon, double momentum) {
  const std::size_t features = gamma.size();
  const auto rows = static_cast<double>(x.size() / features);
  const Moments batch = moments(x, features);
  BatchNorm out{Sums(x.size()), batch.mean.value, Reals(features), running_mean, running_var};
  for (std::size_t f = 0; f < features; ++f) {
    out.inv_std[f] = 1.0 / std::sqrt(batch.variance[f] + epsilon);
    out.running_mean[f] = (1.0 - momentum) * running_mean[f] + momentum * batch.mean.value[f];
    if (rows > 1.0) {
      const double unbiased = batch.variance[f] * rows / (rows - 1.0);
      out.running_var[f] = (1.0 - momentum) * running_var[f] + momentum * unbiased;
    }
  }
  for (std::size_t k = 0; k < x.size(); ++k) {
    const std::size_t f = k % features;
    const double scale = gamma[f] * out.inv_std[f];
    out.y.add(k, scale * (x[k] - out.mean[f]), std::abs(scale) * (std::abs(x[k]) + batch.mean.magnitude[f]));
    out.y.add(k, beta[f]);
  }
  return out;
}

Sums batch_norm_evaluation(const Reals& x, const Reals& gamma, const Reals& beta, const Reals& running_mean,
                           const Reals& running_var, double epsilon) {
  const std::size_t features = gamma.size();
  Sums y(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    const std::size_t f = k % features;
    const double scale = gamma[f] / std::sqrt(running_var[f] + epsilon);
    y.add(k, scale * x[k]);
    y.add(k, -scale * running_mean[f]);
    y.add(k, beta[f]);
  }
  return y;
}

BatchNormGradients batch_norm_backward(const Reals& x, const Reals& gamma, const Reals& dy, double epsilon) {
  const std::size_t features = gamma.size();
  const auto rows = static_cast<double>(x.size() / features);
  const Moments batch = moments(x, features);
  BatchNormGradients out{Sums(x.size()), Sums(features), Sums(features)};
  Sums dmean(features), dvariance(features);
  // x - mean, and what rounds in it.
  const auto centred = [&](std::size_t k) { return x[k] - batch.mean.value[k % features]; };
  const auto centred_size = [&](std::size_t k) { return std::abs(x[k]) + batch.mean.magnitude[k % features]; };
  for (std::size_t k = 0; k < x.size(); ++k) {
    const std::size_t f = k % features;
    const double inv_std = 1.0 / std::sqrt(batch.variance[f] + epsilon);
    const double dz = dy[k] * gamma[f];
    out.dbeta.add(f, dy[k]);
    out.dgamma.add(f, dy[k] * centred(k) * inv_std, std::abs(dy[k]) * centred_size(k) * inv_std);
    dmean.add(f, -dz * inv_std);
    dvariance.add(f, -0.5 * dz * centred(k) * std::pow(inv_std, 3),
                  0.5 * std::abs(dz) * centred_size(k) * std::pow(inv_std, 3));
  }
  for (std::size_t k = 0; k < x.size(); ++k) {
    const std::size_t f = k % features;
    out.dx.add(k, dy[k] * gamma[f] / std::sqrt(batch.variance[f] + epsilon));
    out.dx.add(k, dmean.value[f] / rows, dmean.magnitude[f] / rows);
    out.dx.add(k, dvariance.value[f] * 2.0 * centred(k) / rows, dvariance.magnitude[f] * 2.0 * centred_size(k) / rows);
  }
  return out;
}

namespace {

/// What the loss -log softmax(logits)_k of a row counts: the row's label, smoothed, times the class weights.
Reals class_shares(std::int64_t label, std::size_t classes, const ClassOptions& options) {
  Reals share(classes, 0.0);
  if (label == options.ignored) return share;
  for (std::size_t k = 0; k < classes; ++k) {
    const double hit = k == static_cast<std::size_t>(label) ? 1.0 - options.smoothing : 0.0;
    share[k] =
        (hit + options.smoothing / static_cast<double>(classes)) * (options.weight.empty() ? 1 : options.weight[k]);
  }
  return share;
}

}  // namespace

CrossEntropy cross_entropy(const Reals& logits, const Ids& label, std::size_t classes, const ClassOptions& options) {
  CrossEntropy out{0.0, Reals(logits.size())};
  for (std::size_t n = 0; n < label.size(); ++n) {
    const double* row = logits.data() + n * classes;
    const double maximum = *std::max_element(row, row + classes);
    double total = 0.0;
    for (std::size_t k = 0; k < classes; ++k) total += std::exp(row[k] - maximum);
    const Reals share = class_shares(label[n], classes, options);
    for (std::size_t k = 0; k < classes; ++k) {
      out.probability[n * classes + k] = std::exp(row[k] - maximum) / total;
      if (share[k] != 0) out.loss += share[k] * (std::log(total) - (row[k] - maximum));
    }
    if (label[n] == options.ignored) continue;
    out.total_weight += options.weight.empty() ? 1.0 : options.weight[static_cast<std::size_t>(label[n])];
  }
  if (out.total_weight != 0) out.loss /= out.total_weight;
  return out;
}

Reals cross_entropy_backward(const Reals& logits, const Ids& label, std::size_t classes, const ClassOptions& options) {
  const CrossEntropy forward = cross_entropy(logits, label, classes, options);
  Reals dlogits(logits.size(), 0.0);
  for (std::size_t n = 0; n < label.size(); ++n) {
    const Reals share = class_shares(label[n], classes, options);
    for (std::size_t k = 0; k < classes; ++k) {
      for (std::size_t c = 0; c < classes; ++c) {
        const double slope = forward.probability[n * classes + c] - (c == k ? 1.0 : 0.0);
        if (forward.total_weight != 0) dlogits[n * classes + c] += share[k] * slope / forward.total_weight;
      }
    }
  }
  return dlogits;
}

Pointwise squared_loss(double x, double t) {
  return {std::pow(x - t, 2), 2 * (x - t)};
}
Pointwise absolute_loss(double x, double t) {
  return {std::abs(x - t), static_cast<double>((x > t) - (x < t))};
}
Pointwise huber_loss(double x, double t, double delta) {
  const double distance = std::abs(x - t);
  if (distance <= delta) return {distance * distance / 2, x - t};
  return {delta * (distance - delta / 2), std::copysign(delta, x - t)};
}
Pointwise binary_cross_entropy(double x, double t) {
  const long double chance = 1 / (1 + std::exp(-static_cast<long double>(x)));
  const long double other = 1 / (1 + std::exp(static_cast<long double>(x)));
  return {static_cast<double>(-t * std::log(chance) - (1 - t) * std::log(other)), static_cast<double>(chance - t)};
}

SoftCrossEntropy soft_cross_entropy(const Reals& logits, const Reals& target, std::size_t classes) {
  const std::size_t rows = logits.size() / classes;
  SoftCrossEntropy out;
  for (std::size_t n = 0; n < rows; ++n) {
    const auto x = logits.begin() + static_cast<std::ptrdiff_t>(n * classes);
    const auto t = target.begin() + static_cast<std::ptrdiff_t>(n * classes);
    const double largest = *std::max_element(x, x + static_cast<std::ptrdiff_t>(classes));
    double sum = 0, weight = 0, loss = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      sum += std::exp(x[static_cast<std::ptrdiff_t>(k)] - largest);
      weight += t[static_cast<std::ptrdiff_t>(k)];
    }
    for (std::size_t k = 0; k < classes; ++k) {
      const auto at = static_cast<std::ptrdiff_t>(k);
      if (t[at] != 0) loss += t[at] * (std::log(sum) - (x[at] - largest));
      const double chance = weight == 0 ? 0 : weight * std::exp(x[at] - largest) / sum;
      out.dlogits.push_back(chance - t[at]);
    }
    out.maximum.push_back(largest);
    out.sum.push_back(sum);
    out.row_weight.push_back(weight);
    out.loss += loss;
    out.total_weight += weight;
  }
  if (out.total_weight == 0) return out;
  out.loss /= out.total_weight;
  for (double& gradient : out.dlogits) gradient /= out.total_weight;
  return out;
}

PointwiseMean pointwise_mean(const Reals& prediction, const Reals& target, const Reals& weight,
                             const std::function<Pointwise(double, double)>& loss) {
  PointwiseMean mean{0, 0, Reals(prediction.size(), 0.0)};
  for (std::size_t k = 0; k < prediction.size(); ++k) {
    const double w = weight.empty() ? 1 : weight[k];
    if (w == 0) continue;
    mean.loss += w * loss(prediction[k], target[k]).loss;
    mean.total_weight += w;
  }
  if (mean.total_weight == 0) return mean;
  mean.loss /= mean.total_weight;
  for (std::size_t k = 0; k < prediction.size(); ++k) {
    const double w = weight.empty() ? 1 : weight[k];
    if (w != 0) mean.dprediction[k] = w * loss(prediction[k], target[k]).derivative / mean.total_weight;
  }
  return mean;
}

void adam_step(const Adam& settings, const Reals& gradient, AdamState& state) {
  const auto t = static_cast<double>(++state.step);
  for (std::size_t k = 0; k < gradient.size(); ++k) {
    const double g = settings.decoupled ? gradient[k] : gradient[k] + settings.weight_decay * state.value[k];
    if (settings.decoupled) state.value[k] *= 1.0 - settings.learning_rate * settings.weight_decay;
    double& m = state.first_moment[k];
    double& v = state.second_moment[k];
    m = settings.beta1 * m + (1.0 - settings.beta1) * g;
    v = settings.beta2 * v + (1.0 - settings.beta2) * g * g;
    const double m_hat = m / (1.0 - std::pow(settings.beta1, t));
    const double v_hat = v / (1.0 - std::pow(settings.beta2, t));
    state.value[k] -= settings.learning_rate * m_hat / (std::sqrt(v_hat) + settings.epsilon);
  }
}

}  // namespace oracle
