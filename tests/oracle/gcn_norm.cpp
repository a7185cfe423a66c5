// SPDX-License-Identifier: MIT
#include "tests/oracle/gcn_norm.hpp"

#include <limits>

namespace oracle {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double weight_of(const Reals& weight, std::size_t e) {
  return weight.empty() ? 1.0 : weight[e];
}

/// The largest score of each row and head; a NaN anywhere makes it NaN.
Reals row_maxima(const Edges& edges, std::size_t heads, const Reals& score) {
  Reals maximum(edges.destinations() * heads, -kInfinity);
  for (std::size_t e = 0; e < edges.count(); ++e) {
    for (std::size_t h = 0; h < heads; ++h) {
      double& best = maximum[edges.to(e) * heads + h];
      const double l = score[e * heads + h];
      if (l > best || std::isnan(l)) best = l;
    }
  }
  return maximum;
}

}  // namespace

GcnNorm gcn_norm(const Edges& edges, const Reals& weight) {
  GcnNorm out{Sums(edges.count()), Sums(edges.destinations())};
  Sums degree(edges.destinations());
  for (std::size_t e = 0; e < edges.count(); ++e) degree.add(edges.to(e), weight_of(weight, e));
  for (std::size_t k = 0; k < edges.destinations(); ++k) {
    if (degree.value[k] <= 0.0) continue;
    const double r = 1.0 / std::sqrt(degree.value[k]);
    out.inv_sqrt_degree.add(k, r, r * degree.magnitude[k] / degree.value[k]);
  }
  const Sums& r = out.inv_sqrt_degree;
  for (std::size_t e = 0; e < edges.count(); ++e) {
    const double w = weight_of(weight, e);
    out.norm.add(e, r.value[edges.from(e)] * w * r.value[edges.to(e)],
                 r.magnitude[edges.from(e)] * std::abs(w) * r.magnitude[edges.to(e)]);
  }
  return out;
}

Sums gcn_norm_backward(const Edges& edges, const Reals& weight, const Reals& dnorm) {
  const Sums r = gcn_norm(edges, weight).inv_sqrt_degree;
  Sums dr(edges.destinations());
  Sums dweight(edges.count());
  for (std::size_t e = 0; e < edges.count(); ++e) {
    const std::size_t j = edges.from(e), i = edges.to(e);
    const double gw = dnorm[e] * weight_of(weight, e);
    dr.add(i, gw * r.value[j], std::abs(gw) * r.magnitude[j]);
    dr.add(j, gw * r.value[i], std::abs(gw) * r.magnitude[i]);
  }
  for (std::size_t e = 0; e < edges.count(); ++e) {
    const std::size_t j = edges.from(e), i = edges.to(e);
    dweight.add(e, dnorm[e] * r.value[j] * r.value[i], std::abs(dnorm[e]) * r.magnitude[j] * r.magnitude[i]);
    dweight.add(e, -0.5 * std::pow(r.value[i], 3) * dr.value[i], 0.5 * std::pow(r.magnitude[i], 3) * dr.magnitude[i]);
  }
  return dweight;
}

Reals edge_softmax(const Edges& edges, std::size_t heads, const Reals& score) {
  const Reals maximum = row_maxima(edges, heads, score);
  Reals total(maximum.size(), 0.0);
  Reals weight(score.size(), 0.0);
  for (std::size_t e = 0; e < edges.count(); ++e) {
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t row = edges.to(e) * heads + h;
      if (maximum[row] == -kInfinity) continue;
      weight[e * heads + h] = std::exp(score[e * heads + h] - maximum[row]);
      total[row] += weight[e * heads + h];
    }
  }
  for (std::size_t e = 0; e < edges.count(); ++e) {
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t row = edges.to(e) * heads + h;
      if (maximum[row] != -kInfinity) weight[e * heads + h] /= total[row];
    }
  }
  return weight;
}

Sums edge_softmax_backward(const Edges& edges, std::size_t heads, const Reals& weight, const Reals& dweight) {
  Sums row_sum(edges.destinations() * heads);
  for (std::size_t e = 0; e < edges.count(); ++e) {
    for (std::size_t h = 0; h < heads; ++h) {
      row_sum.add(edges.to(e) * heads + h, weight[e * heads + h] * dweight[e * heads + h]);
    }
  }
  Sums dscore(weight.size());
  for (std::size_t e = 0; e < edges.count(); ++e) {
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t k = e * heads + h, row = edges.to(e) * heads + h;
      dscore.add(k, weight[k] * (dweight[k] - row_sum.value[row]),
                 weight[k] * (std::abs(dweight[k]) + row_sum.magnitude[row]));
    }
  }
  return dscore;
}

Statistics softmax_statistics(const Edges& edges, std::size_t heads, const Reals& score, double temperature) {
  Statistics out{row_maxima(edges, heads, score), Sums(edges.destinations() * heads)};
  for (std::size_t e = 0; e < edges.count(); ++e) {
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t row = edges.to(e) * heads + h;
      if (out.maximum[row] == -kInfinity) continue;
      const double term = std::exp((score[e * heads + h] - out.maximum[row]) / temperature);
      out.sum.add(row, term, term * (1 + std::abs(out.maximum[row] / temperature)));
    }
  }
  return out;
}

}  // namespace oracle
