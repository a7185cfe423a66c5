// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/types.hpp"

namespace oracle {

/// y = gate residual + (1 - gate) x with gate = sigmoid(<w_0, x> + <w_1, residual> + <w_2, x - residual>), row by row:
/// x and residual [N, columns], weight [3, columns].
struct ResidualGate {
  std::size_t columns = 1;
  Reals x, residual, weight;
};

struct ResidualGateForward {
  Sums y;
  Sums gate;  // [N], with the size of the sum behind it
};
ResidualGateForward residual_gate(const ResidualGate& in);

struct ResidualGateGradients {
  Sums dx, dresidual, dweight;
};
ResidualGateGradients residual_gate_backward(const ResidualGate& in, const Reals& dy);

}  // namespace oracle
