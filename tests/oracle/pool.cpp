// SPDX-License-Identifier: MIT
#include "tests/oracle/pool.hpp"

#include <limits>

#include "tests/oracle/gcn_norm.hpp"

namespace oracle {
namespace {

/// The batch as a bipartite graph, so that the softmax of a pool is the softmax over a row: node n -> graph g.
Edges membership(const Pool& in) {
  Edges edges{in.offset.back(), static_cast<std::int64_t>(in.graphs()), {}, {}};
  for (std::size_t g = 0; g < in.graphs(); ++g) {
    for (std::size_t n = in.begin(g); n < in.end(g); ++n) {
      edges.source.push_back(static_cast<std::int64_t>(n));
      edges.destination.push_back(static_cast<std::int64_t>(g));
    }
  }
  return edges;
}

/// Subtracts before it divides: scores that are close are told apart however large they are.
Reals softmax_weights(const Pool& in) {
  const Edges nodes = membership(in);
  const Statistics row = softmax_statistics(nodes, in.heads, in.score, in.temperature);
  Reals weight(in.score.size(), 0.0);
  for (std::size_t k = 0; k < weight.size(); ++k) {
    const std::size_t at = nodes.to(k / in.heads) * in.heads + k % in.heads;
    if (row.sum.value[at] == 0) continue;
    weight[k] = std::exp((in.score[k] - row.maximum[at]) / in.temperature) / row.sum.value[at];
  }
  return weight;
}

Reals gate_weights(const Pool& in) {
  const std::size_t scores = static_cast<std::size_t>(in.offset.back()) * in.heads;
  switch (in.gate) {
    case PoolGate::none: return Reals(scores, 1.0);
    case PoolGate::softmax: return softmax_weights(in);
    case PoolGate::raw: return in.score;
    case PoolGate::sigmoid: break;
  }
  Reals weight(scores);
  for (std::size_t k = 0; k < scores; ++k) weight[k] = 1.0 / (1.0 + std::exp(-in.score[k]));
  return weight;
}

double divisor(const Pool& in, std::size_t g) {
  return in.reduce == PoolReduce::mean ? static_cast<double>(in.end(g) - in.begin(g)) : 1.0;
}

void pick_maximum(const Pool& in, Pooled& out) {
  for (std::size_t g = 0; g < in.graphs(); ++g) {
    for (std::size_t n = in.begin(g); n < in.end(g); ++n) {
      for (std::size_t f = 0; f < in.features; ++f) {
        const std::size_t at = g * in.features + f;
        const double candidate = in.x[n * in.features + f];
        double& best = out.y.value[at];
        const bool wins = !std::isnan(best) && (std::isnan(candidate) || candidate > best);
        if (out.arg[at] >= 0 && !wins) continue;
        best = candidate;
        out.y.magnitude[at] = std::abs(candidate);
        out.arg[at] = static_cast<std::int64_t>(n);
      }
    }
  }
}

}  // namespace

Pooled pool(const Pool& in) {
  Pooled out{Sums(in.graphs() * in.features), Statistics{}, {}, gate_weights(in)};
  if (in.gate == PoolGate::softmax) {
    out.softmax = softmax_statistics(membership(in), in.heads, in.score, in.temperature);
  }
  if (in.reduce == PoolReduce::max) {
    out.arg.assign(in.graphs() * in.features, -1);
    pick_maximum(in, out);
    return out;
  }
  for (std::size_t g = 0; g < in.graphs(); ++g) {
    for (std::size_t n = in.begin(g); n < in.end(g); ++n) {
      for (std::size_t f = 0; f < in.features; ++f) {
        out.y.add(g * in.features + f, out.weight[in.score_at(n, f)] * in.x[n * in.features + f] / divisor(in, g));
      }
    }
  }
  return out;
}

PoolGradients pool_backward(const Pool& in, const Reals& dy) {
  const Pooled forward = pool(in);
  const auto nodes = static_cast<std::size_t>(in.offset.back());
  PoolGradients out{Sums(nodes * in.features), Sums(nodes * in.heads)};
  Sums da(nodes * in.heads);
  for (std::size_t g = 0; g < in.graphs(); ++g) {
    for (std::size_t n = in.begin(g); n < in.end(g); ++n) {
      for (std::size_t f = 0; f < in.features; ++f) {
        const std::size_t at = n * in.features + f;
        const double gradient = dy[g * in.features + f] / divisor(in, g);
        if (in.reduce == PoolReduce::max && forward.arg[g * in.features + f] != static_cast<std::int64_t>(n)) continue;
        out.dx.add(at, forward.weight[in.score_at(n, f)] * gradient);
        da.add(in.score_at(n, f), gradient * in.x[at]);
      }
    }
  }
  if (in.gate == PoolGate::softmax) {
    out.dscore = edge_softmax_backward(membership(in), in.heads, forward.weight, da.value);
    out.dscore.magnitude = edge_softmax_backward(membership(in), in.heads, forward.weight, da.magnitude).magnitude;
    for (double& each : out.dscore.value) each /= in.temperature;
    for (double& each : out.dscore.magnitude) each /= in.temperature;
    return out;
  }
  for (std::size_t k = 0; k < nodes * in.heads; ++k) {
    const double a = forward.weight[k];
    if (in.gate == PoolGate::sigmoid) out.dscore.add(k, a * (1.0 - a) * da.value[k], a * (1.0 - a) * da.magnitude[k]);
    if (in.gate == PoolGate::raw) out.dscore.add(k, da.value[k], da.magnitude[k]);
  }
  return out;
}

}  // namespace oracle
