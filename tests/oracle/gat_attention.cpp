// SPDX-License-Identifier: MIT
#include "tests/oracle/gat_attention.hpp"

#include "tests/oracle/gcn_norm.hpp"
#include "tests/oracle/random.hpp"

namespace oracle {
namespace {

double mask(const Gat& in, std::size_t e, std::size_t h) {
  if (in.dropout == 0.0) return 1.0;
  return dropout_factor(in.dropout, counted_seed(in.seed, in.counter), static_cast<std::int64_t>(e),
                        static_cast<std::int64_t>(h));
}

Reals logits(const Gat& in) {
  Reals l(in.edges.count() * in.heads);
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t h = 0; h < in.heads; ++h) {
      const double p = in.score(e, h);
      // Minus infinity masks an edge whatever the slope: 0 * -inf would be NaN.
      l[e * in.heads + h] = p > 0.0 || std::isinf(p) ? p : in.slope * p;
    }
  }
  return l;
}

}  // namespace

double Gat::score(std::size_t e, std::size_t h) const {
  const double nodes = source_score[edges.from(e) * heads + h] + destination_score[edges.to(e) * heads + h];
  return edge_score.empty() ? nodes : nodes + edge_score[e * heads + h];
}

GatForward gat(const Gat& in) {
  const std::size_t H = in.heads, C = in.channels;
  const Reals l = logits(in);
  GatForward out{Sums(in.edges.destinations() * H * C), softmax_statistics(in.edges, H, l),
                 Sums(in.edges.destinations() * H * C), Sums(in.edges.destinations() * H),
                 edge_softmax(in.edges, H, l)};
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t h = 0; h < H; ++h) {
      const std::size_t j = in.edges.from(e), i = in.edges.to(e);
      const double alpha = out.weight[e * H + h];
      const bool positive = in.score(e, h) > 0.0;
      if (positive) out.positive_weight.add(i * H + h, alpha);
      for (std::size_t c = 0; c < C; ++c) {
        const double term = mask(in, e, h) * alpha * in.value[(j * H + h) * C + c];
        out.y.add((i * H + h) * C + c, term);
        if (positive) out.positive_y.add((i * H + h) * C + c, term);
      }
    }
  }
  return out;
}

GatGradients gat_backward(const Gat& in, const Reals& dy) {
  const std::size_t H = in.heads, C = in.channels;
  const Reals alpha = edge_softmax(in.edges, H, logits(in));
  GatGradients out{Sums(in.edges.sources() * H * C), Sums(in.edges.sources() * H), Sums(in.edges.destinations() * H),
                   Sums(in.edges.count() * H)};
  Sums dalpha(in.edges.count() * H);
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t h = 0; h < H; ++h) {
      const std::size_t j = in.edges.from(e), i = in.edges.to(e);
      for (std::size_t c = 0; c < C; ++c) {
        const double g = mask(in, e, h) * dy[(i * H + h) * C + c];
        dalpha.add(e * H + h, g * in.value[(j * H + h) * C + c]);
        out.dvalue.add((j * H + h) * C + c, alpha[e * H + h] * g);
      }
    }
  }
  Sums dl = edge_softmax_backward(in.edges, H, alpha, dalpha.value);
  // The terms of dalpha may cancel: what rounds is their size, not that of their sum.
  dl.magnitude = edge_softmax_backward(in.edges, H, alpha, dalpha.magnitude).magnitude;
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t h = 0; h < H; ++h) {
      const std::size_t k = e * H + h;
      const double leak = in.score(e, h) > 0.0 ? 1.0 : in.slope;
      const double dp = dl.value[k] * leak;
      const double size = dl.magnitude[k];
      out.dedge_score.add(k, dp, size);
      out.dsource_score.add(in.edges.from(e) * H + h, dp, size);
      out.ddestination_score.add(in.edges.to(e) * H + h, dp, size);
    }
  }
  return out;
}

Sums head_dot(const Reals& x, const Reals& vector, std::size_t heads, std::size_t channels) {
  Sums score(x.size() / channels);
  for (std::size_t k = 0; k < x.size(); ++k) score.add(k / channels, x[k] * vector[k % (heads * channels)]);
  return score;
}

HeadDotGradients head_dot_backward(const Reals& x, const Reals& vector, const Reals& dscore, std::size_t heads,
                                   std::size_t channels) {
  HeadDotGradients out{Sums(x.size()), Sums(vector.size())};
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double g = dscore[k / channels];
    out.dx.add(k, g * vector[k % (heads * channels)]);
    out.dvector.add(k % (heads * channels), g * x[k]);
  }
  return out;
}

}  // namespace oracle
