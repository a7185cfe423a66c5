// SPDX-License-Identifier: MIT
#include "tests/oracle/layer_norm.hpp"

namespace oracle {
namespace {

/// Mean and biased variance of one row, and what rounds in the mean.
struct Moments {
  double mean = 0, magnitude = 0, variance = 0;
};

Moments moments(const Reals& x, std::size_t row, std::size_t features) {
  const auto count = static_cast<double>(features);
  Moments out;
  for (std::size_t f = 0; f < features; ++f) {
    out.mean += x[row * features + f] / count;
    out.magnitude += std::abs(x[row * features + f]) / count;
  }
  for (std::size_t f = 0; f < features; ++f) out.variance += std::pow(x[row * features + f] - out.mean, 2) / count;
  return out;
}

double length(const Reals& x, std::size_t row, std::size_t features) {
  double squares = 0;
  for (std::size_t f = 0; f < features; ++f) squares += x[row * features + f] * x[row * features + f];
  return std::sqrt(squares);
}

}  // namespace

LayerNorm layer_norm(const Reals& x, const Reals& gamma, const Reals& beta, double epsilon) {
  const std::size_t features = gamma.size(), rows = x.size() / features;
  LayerNorm out{Sums(x.size()), Reals(rows), Reals(rows)};
  for (std::size_t n = 0; n < rows; ++n) {
    const Moments row = moments(x, n, features);
    out.mean[n] = row.mean;
    out.inv_std[n] = 1.0 / std::sqrt(row.variance + epsilon);
    for (std::size_t f = 0; f < features; ++f) {
      const std::size_t k = n * features + f;
      const double scale = gamma[f] * out.inv_std[n];
      out.y.add(k, scale * (x[k] - row.mean), std::abs(scale) * (std::abs(x[k]) + row.magnitude));
      out.y.add(k, beta[f]);
    }
  }
  return out;
}

LayerNormGradients layer_norm_backward(const Reals& x, const Reals& gamma, const Reals& dy, double epsilon) {
  const std::size_t features = gamma.size(), rows = x.size() / features;
  const auto count = static_cast<double>(features);
  LayerNormGradients out{Sums(x.size()), Sums(features), Sums(features)};
  for (std::size_t n = 0; n < rows; ++n) {
    const Moments row = moments(x, n, features);
    const double inv_std = 1.0 / std::sqrt(row.variance + epsilon);
    Sums dmean(1), dvariance(1);
    const auto size = [&](std::size_t k) { return std::abs(x[k]) + row.magnitude; };  // of what rounds in x - mean
    for (std::size_t f = 0; f < features; ++f) {
      const std::size_t k = n * features + f;
      const double centred = x[k] - row.mean, dz = dy[k] * gamma[f];
      out.dbeta.add(f, dy[k]);
      out.dgamma.add(f, dy[k] * centred * inv_std, std::abs(dy[k]) * size(k) * inv_std);
      dmean.add(0, -dz * inv_std);
      dvariance.add(0, -0.5 * dz * centred * std::pow(inv_std, 3), 0.5 * std::abs(dz) * size(k) * std::pow(inv_std, 3));
    }
    for (std::size_t f = 0; f < features; ++f) {
      const std::size_t k = n * features + f;
      out.dx.add(k, dy[k] * gamma[f] * inv_std);
      out.dx.add(k, dmean.value[0] / count, dmean.magnitude[0] / count);
      out.dx.add(k, dvariance.value[0] * 2.0 * (x[k] - row.mean) / count,
                 dvariance.magnitude[0] * 2.0 * size(k) / count);
    }
  }
  return out;
}

Sums normalize_rows(const Reals& x, std::size_t features) {
  Sums y(x.size());
  for (std::size_t n = 0; n < x.size() / features; ++n) {
    const double norm = length(x, n, features);
    for (std::size_t k = n * features; k < (n + 1) * features; ++k) y.add(k, norm > 0 ? x[k] / norm : 0);
  }
  return y;
}

Sums normalize_rows_backward(const Reals& x, const Reals& dy, std::size_t features) {
  Sums dx(x.size());
  for (std::size_t n = 0; n < x.size() / features; ++n) {
    const double norm = length(x, n, features);
    if (norm == 0) continue;
    Sums dnorm(1);
    for (std::size_t k = n * features; k < (n + 1) * features; ++k) dnorm.add(0, -dy[k] * x[k] / (norm * norm));
    for (std::size_t k = n * features; k < (n + 1) * features; ++k) {
      dx.add(k, dy[k] / norm);
      dx.add(k, dnorm.value[0] * x[k] / norm, dnorm.magnitude[0] * std::abs(x[k]) / norm);
    }
  }
  return dx;
}

}  // namespace oracle
