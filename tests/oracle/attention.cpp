// SPDX-License-Identifier: MIT
#include "tests/oracle/attention.hpp"

#include <limits>

#include "tests/oracle/gcn_norm.hpp"
#include "tests/oracle/random.hpp"

namespace oracle {
namespace {

double mask(const Attention& in, std::size_t e, std::size_t h) {
  if (in.dropout == 0.0) return 1.0;
  return dropout_factor(in.dropout, counted_seed(in.seed, in.counter), static_cast<std::int64_t>(e),
                        static_cast<std::int64_t>(h));
}

/// Where channel c of head h of an edge's ends and of the edge itself stand.
struct Place {
  std::size_t destination, source, edge, vector;
};
Place place(const Attention& in, std::size_t e, std::size_t h, std::size_t c) {
  const std::size_t H = in.heads, D = in.channels, column = h * D + c;
  return {in.edges.to(e) * H * D + column, in.edges.from(e) * H * D + column, e * H * D + column, column};
}

/// A number, and the size of what it was added up from.
struct Term {
  double value, magnitude;
};

Term key_of(const Attention& in, const Place& at) {
  const double key = in.key[at.source], edge = in.edge_key.empty() ? 0.0 : in.edge_key[at.edge];
  return {key + edge, std::abs(key) + std::abs(edge)};
}

double activate(const Attention& in, double q) {
  if (in.score == AttentionScore::additive) return std::tanh(q);
  return q > 0.0 ? q : in.slope * q;
}

Term slope_at(const Attention& in, double q) {
  if (in.score == AttentionScore::gatv2) return q > 0.0 ? Term{1.0, 1.0} : Term{in.slope, std::abs(in.slope)};
  const double t = std::tanh(q);
  return {1.0 - t * t, 1.0 + t * t};
}

Sums scores(const Attention& in) {
  Sums l(in.edges.count() * in.heads);
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t h = 0; h < in.heads; ++h) {
      for (std::size_t c = 0; c < in.channels; ++c) {
        const Place at = place(in, e, h, c);
        const double query = in.query[at.destination], key = key_of(in, at).value;
        l.add(e * in.heads + h, in.score == AttentionScore::dot ? in.scale * query * key
                                                                : in.vector[at.vector] * activate(in, query + key));
      }
      if (!in.edge_bias.empty()) l.add(e * in.heads + h, in.edge_bias[e * in.heads + h]);
    }
  }
  return l;
}

Term value_of(const Attention& in, std::size_t e, std::size_t h, std::size_t c) {
  const std::size_t H = in.heads, C = in.values;
  const double value = in.value[(in.edges.from(e) * H + h) * C + c];
  const double edge = in.edge_value.empty() ? 0.0 : in.edge_value[(e * H + h) * C + c];
  return {value + edge, std::abs(value) + std::abs(edge)};
}

/// How far rounding of the scores of a row and head reaches into its weights, as a factor of everything that has a
/// weight: a score of many terms has an error of a fraction of their size.
Reals sensitivity(const Attention& in, const Sums& l) {
  Reals largest(in.edges.destinations() * in.heads, 0.0);
  for (std::size_t k = 0; k < l.value.size(); ++k) {
    double& row = largest[in.edges.to(k / in.heads) * in.heads + k % in.heads];
    if (std::isfinite(l.magnitude[k])) row = std::max(row, l.magnitude[k]);
  }
  for (double& row : largest) row = 1 + row / 16;
  return largest;
}

void write_softmax_sums(const Attention& in, const Sums& l, AttentionForward& out) {
  const std::size_t H = in.heads;
  out.maximum.value.assign(out.maximum.value.size(), -std::numeric_limits<double>::infinity());
  for (std::size_t k = 0; k < l.value.size(); ++k) {
    const std::size_t at = in.edges.to(k / H) * H + k % H;
    out.maximum.value[at] = std::max(out.maximum.value[at], l.value[k]);
    out.maximum.magnitude[at] = std::max(out.maximum.magnitude[at], l.magnitude[k]);
  }
  for (std::size_t k = 0; k < l.value.size(); ++k) {
    const std::size_t at = in.edges.to(k / H) * H + k % H;
    if (out.maximum.value[at] == -std::numeric_limits<double>::infinity()) continue;
    const double term = std::exp(l.value[k] - out.maximum.value[at]);
    out.sum.add(at, term, term * (1 + out.maximum.magnitude[at]));
  }
}

}  // namespace

AttentionForward attention(const Attention& in) {
  const std::size_t H = in.heads, C = in.values;
  const Sums l = scores(in);
  AttentionForward out{Sums(in.edges.destinations() * H * C), Sums(in.edges.destinations() * H),
                       Sums(in.edges.destinations() * H), Sums(in.edges.count() * H), Sums(in.edges.count() * H)};
  write_softmax_sums(in, l, out);
  const Reals alpha = edge_softmax(in.edges, H, l.value), sensitive = sensitivity(in, l);
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t h = 0; h < H; ++h) {
      const std::size_t row = in.edges.to(e) * H + h;
      const double weight = mask(in, e, h) * alpha[e * H + h];
      out.weight.add(e * H + h, alpha[e * H + h], alpha[e * H + h] * sensitive[row]);
      out.dropped.add(e * H + h, weight, weight * sensitive[row]);
      for (std::size_t c = 0; c < C; ++c) {
        const Term value = value_of(in, e, h, c);
        out.y.add(row * C + c, weight * value.value, std::abs(weight) * value.magnitude * sensitive[row]);
      }
    }
  }
  return out;
}

AttentionGradients attention_backward(const Attention& in, const Reals& dy) {
  const std::size_t H = in.heads, D = in.channels, C = in.values, E = in.edges.count();
  const Sums l = scores(in);
  const Reals alpha = edge_softmax(in.edges, H, l.value), sensitive = sensitivity(in, l);
  AttentionGradients out{Sums(in.edges.destinations() * H * D),
                         Sums(in.edges.sources() * H * D),
                         Sums(in.edges.sources() * H * C),
                         Sums(E * H * D),
                         Sums(E * H * C),
                         Sums(E * H),
                         Sums(H * D)};
  Sums dalpha(E * H);
  for (std::size_t e = 0; e < E; ++e) {
    for (std::size_t h = 0; h < H; ++h) {
      const std::size_t row = in.edges.to(e) * H + h;
      for (std::size_t c = 0; c < C; ++c) {
        const double g = mask(in, e, h) * dy[row * C + c], term = alpha[e * H + h] * g;
        const Term value = value_of(in, e, h, c);
        dalpha.add(e * H + h, g * value.value, std::abs(g) * value.magnitude);
        out.dvalue.add((in.edges.from(e) * H + h) * C + c, term, std::abs(term) * sensitive[row]);
        out.dedge_value.add((e * H + h) * C + c, term, std::abs(term) * sensitive[row]);
      }
    }
  }
  out.dedge_bias = edge_softmax_backward(in.edges, H, alpha, dalpha.value);
  // The terms of dalpha may cancel: what rounds is their size, not that of their sum.
  out.dedge_bias.magnitude = edge_softmax_backward(in.edges, H, alpha, dalpha.magnitude).magnitude;
  for (std::size_t k = 0; k < E * H; ++k) out.dedge_bias.magnitude[k] *= sensitive[in.edges.to(k / H) * H + k % H];
  for (std::size_t e = 0; e < E; ++e) {
    for (std::size_t h = 0; h < H; ++h) {
      const double dl = out.dedge_bias.value[e * H + h], size = out.dedge_bias.magnitude[e * H + h];
      for (std::size_t c = 0; c < D; ++c) {
        const Place at = place(in, e, h, c);
        const Term keys = key_of(in, at);
        const double query = in.query[at.destination], key = keys.value;
        if (in.score == AttentionScore::dot) {
          const double dkey = in.scale * query;
          out.dkey.add(at.source, dl * dkey, size * std::abs(dkey));
          out.dedge_key.add(at.edge, dl * dkey, size * std::abs(dkey));
          out.dquery.add(at.destination, dl * in.scale * key, size * std::abs(in.scale) * keys.magnitude);
          continue;
        }
        const Term slope = slope_at(in, query + key);
        const double vector = in.vector[at.vector];
        const double term = dl * vector * slope.value, term_size = size * std::abs(vector) * slope.magnitude;
        out.dkey.add(at.source, term, term_size);
        out.dedge_key.add(at.edge, term, term_size);
        out.dquery.add(at.destination, term, term_size);
        const double f = activate(in, query + key);
        out.dvector.add(at.vector, dl * f, size * std::abs(f));
      }
    }
  }
  return out;
}

}  // namespace oracle
