// SPDX-License-Identifier: MIT
#include "tests/oracle/message_aggregate.hpp"

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

Reals divisors(const MessageAggregate& in) {
  Reals divisor(in.edges.destinations(), in.reduce == Reduce::mean ? 0.0 : 1.0);
  if (in.reduce != Reduce::mean) return divisor;
  for (std::size_t e = 0; e < in.edges.count(); ++e) divisor[in.edges.to(e)] += 1.0;
  return divisor;
}

}  // namespace

double MessageAggregate::message_of(std::size_t e, std::size_t f) const {
  const double own = edge[e * features + f];
  if (message == EdgeMessage::edge) return own;
  const double source = x[edges.from(e) * features + f];
  if (message == EdgeMessage::multiply) return source * own;
  const double sum = source + own;
  return message == EdgeMessage::relu_add && sum < 0 ? 0 : sum;
}

double MessageAggregate::magnitude_of(std::size_t e, std::size_t f) const {
  const double own = std::abs(edge[e * features + f]);
  if (message == EdgeMessage::edge) return own;
  const double source = std::abs(x[edges.from(e) * features + f]);
  return message == EdgeMessage::multiply ? source * own : source + own;
}

MessageAggregated message_aggregate(const MessageAggregate& in) {
  const std::size_t size = in.edges.destinations() * in.features;
  const Reals divisor = divisors(in);
  MessageAggregated out{Sums(size), Ids(is_extremum(in.reduce) ? size : 0, -1)};
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t f = 0; f < in.features; ++f) {
      const std::size_t i = in.edges.to(e), at = i * in.features + f;
      const double message = in.message_of(e, f), magnitude = in.magnitude_of(e, f);
      if (!is_extremum(in.reduce)) {
        out.y.add(at, message / divisor[i], magnitude / divisor[i]);
      } else if (out.arg[at] < 0 || beats(in.reduce, message, out.y.value[at])) {
        out.arg[at] = static_cast<std::int64_t>(e);
        out.y.value[at] = message;
        out.y.magnitude[at] = magnitude;
      }
    }
  }
  if (in.epsilon) {
    for (std::size_t k = 0; k < size; ++k) out.y.add(k, (1.0 + *in.epsilon) * in.x[k]);
  }
  return out;
}

MessageAggregateGradients message_aggregate_backward(const MessageAggregate& in, const Reals& dy) {
  const std::size_t sources = in.message == EdgeMessage::edge ? 0 : in.edges.sources();
  MessageAggregateGradients out{Sums(sources * in.features), Sums(in.edges.count() * in.features), Sums(1)};
  const Reals divisor = divisors(in);
  const Ids arg = message_aggregate(in).arg;
  for (std::size_t e = 0; e < in.edges.count(); ++e) {
    for (std::size_t f = 0; f < in.features; ++f) {
      const std::size_t from = in.edges.from(e) * in.features + f, own = e * in.features + f;
      const std::size_t to = in.edges.to(e) * in.features + f;
      if (is_extremum(in.reduce) && arg[to] != static_cast<std::int64_t>(e)) continue;
      const double dmessage = dy[to] / divisor[in.edges.to(e)];
      switch (in.message) {
        case EdgeMessage::edge: out.dedge.add(own, dmessage); break;
        case EdgeMessage::multiply:
          out.dx.add(from, dmessage * in.edge[own]);
          out.dedge.add(own, dmessage * in.x[from]);
          break;
        case EdgeMessage::relu_add:
          if (in.x[from] + in.edge[own] <= 0) break;
          [[fallthrough]];
        case EdgeMessage::add:
          out.dx.add(from, dmessage);
          out.dedge.add(own, dmessage);
          break;
      }
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
