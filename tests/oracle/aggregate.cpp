// SPDX-License-Identifier: MIT
#include "tests/oracle/aggregate.hpp"

#include <algorithm>

namespace oracle {
namespace {

bool is_extremum(Reduce reduce) {
  return reduce == Reduce::max || reduce == Reduce::min;
}

bool beats(Reduce reduce, double candidate, double best) {
  if (std::isnan(best)) return false;
  if (std::isnan(candidate)) return true;
  return reduce == Reduce::max ? candidate > best : candidate < best;
}

/// What one edge's message is divided by: for a mean the number of in-edges.
Reals divisors(const Aggregate& in) {
  Reals divisor(in.edges.destinations(), 0.0);
  for (std::size_t e = 0; e < in.edges.count(); ++e) divisor[in.edges.to(e)] += 1.0;
  for (double& d : divisor) d = in.reduce == Reduce::mean ? std::max(d, 1.0) : 1.0;
  return divisor;
}

void add_messages(const Aggregate& in, Sums& y) {
  const Reals divisor = divisors(in);
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t f = 0; f < in.features; ++f) {
      const std::size_t i = in.edges.to(e);
      const double factor = in.weight_of(e) * in.scale_of(e) / divisor[i];
      y.add(i * in.features + f, factor * in.x[in.edges.from(e) * in.features + f]);
    }
  }
}

void pick_extremum(const Aggregate& in, Aggregated& out) {
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t f = 0; f < in.features; ++f) {
      const std::size_t at = in.edges.to(e) * in.features + f;
      const double message = in.x[in.edges.from(e) * in.features + f];
      if (out.arg[at] >= 0 && !beats(in.reduce, message, out.y.value[at])) continue;
      out.arg[at] = static_cast<std::int64_t>(e);
      out.y.value[at] = message;
      out.y.magnitude[at] = std::abs(message);
    }
  }
}

}  // namespace

Aggregated aggregate(const Aggregate& in) {
  const std::size_t size = in.edges.destinations() * in.features;
  Aggregated out{Sums(size), Ids(is_extremum(in.reduce) ? size : 0, -1)};
  if (is_extremum(in.reduce)) {
    pick_extremum(in, out);
  } else {
    add_messages(in, out.y);
  }
  if (in.epsilon) {
    for (std::size_t k = 0; k < size; ++k) out.y.add(k, (1.0 + *in.epsilon) * in.x[k]);
  }
  return out;
}

AggregateGradients aggregate_backward(const Aggregate& in, const Reals& dy) {
  AggregateGradients out{Sums(in.edges.sources() * in.features), Sums(in.edges.count()), Sums(1)};
  const Reals divisor = divisors(in);
  const Ids arg = aggregate(in).arg;
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t f = 0; f < in.features; ++f) {
      const std::size_t from = in.edges.from(e) * in.features + f;
      const std::size_t to = in.edges.to(e) * in.features + f;
      if (is_extremum(in.reduce) && arg[to] != static_cast<std::int64_t>(e)) continue;
      const double dmessage = in.scale_of(e) * dy[to] / divisor[in.edges.to(e)];
      out.dx.add(from, in.weight_of(e) * dmessage);
      out.dweight.add(e, dmessage * in.x[from]);
    }
  }
  if (in.epsilon) {
    for (std::size_t k = 0; k < dy.size(); ++k) {
      out.dx.add(k, (1.0 + *in.epsilon) * dy[k]);
      out.depsilon.add(0, dy[k] * in.x[k]);
    }
  }
  return out;
}

}  // namespace oracle
