// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "tests/oracle/aggregate.hpp"

namespace oracle {

enum class EdgeMessage { add, multiply, relu_add, edge };

struct MessageAggregate {
  Edges edges;
  EdgeMessage message = EdgeMessage::add;
  Reduce reduce = Reduce::sum;
  std::size_t features = 1;
  Reals x;                        // [N_src, F], not read for `edge`
  Reals edge;                     // [E, F]
  std::optional<double> epsilon;  // adds (1 + epsilon) x_i

  /// Element f of what edge e sends.
  double message_of(std::size_t e, std::size_t f) const;
  /// The terms that rounding of a message is measured by.
  double magnitude_of(std::size_t e, std::size_t f) const;
};

struct MessageAggregated {
  Sums y;   // [N_dst, F]
  Ids arg;  // [N_dst, F], max and min only
};
MessageAggregated message_aggregate(const MessageAggregate& in);

struct MessageAggregateGradients {
  Sums dx;        // [N_src, F]
  Sums dedge;     // [E, F]
  Sums depsilon;  // [1]
};
MessageAggregateGradients message_aggregate_backward(const MessageAggregate& in, const Reals& dy);

}  // namespace oracle
