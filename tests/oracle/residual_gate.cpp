// SPDX-License-Identifier: MIT
#include "tests/oracle/residual_gate.hpp"

namespace oracle {
namespace {

/// z of each row, and the size of its terms.
Sums scores(const ResidualGate& in) {
  const std::size_t F = in.columns;
  Sums z(in.x.size() / F);
  for (std::size_t k = 0; k < in.x.size(); ++k) {
    const double x = in.x[k], r = in.residual[k], difference = x - r;
    const std::size_t c = k % F;
    z.add(k / F, in.weight[c] * x);
    z.add(k / F, in.weight[F + c] * r);
    z.add(k / F, in.weight[2 * F + c] * difference, std::abs(in.weight[2 * F + c]) * (std::abs(x) + std::abs(r)));
  }
  return z;
}

double sigmoid(double z) {
  return 1.0 / (1.0 + std::exp(-z));
}

}  // namespace

ResidualGateForward residual_gate(const ResidualGate& in) {
  const std::size_t F = in.columns;
  const Sums z = scores(in);
  ResidualGateForward out{Sums(in.x.size()), Sums(z.value.size())};
  for (std::size_t n = 0; n < z.value.size(); ++n) {
    const double gate = sigmoid(z.value[n]);
    out.gate.add(n, gate, gate * (1 + z.magnitude[n]));
  }
  for (std::size_t k = 0; k < in.x.size(); ++k) {
    const double gate = out.gate.value[k / F], size = 1 + z.magnitude[k / F];
    out.y.add(k, gate * in.residual[k], std::abs(in.residual[k]) * size);
    out.y.add(k, (1 - gate) * in.x[k], std::abs(in.x[k]) * size);
  }
  return out;
}

ResidualGateGradients residual_gate_backward(const ResidualGate& in, const Reals& dy) {
  const std::size_t F = in.columns;
  const Sums gates = residual_gate(in).gate;
  Sums dgate(gates.value.size());
  for (std::size_t k = 0; k < in.x.size(); ++k) {
    dgate.add(k / F, dy[k] * (in.residual[k] - in.x[k]),
              std::abs(dy[k]) * (std::abs(in.residual[k]) + std::abs(in.x[k])));
  }
  ResidualGateGradients out{Sums(in.x.size()), Sums(in.x.size()), Sums(3 * F)};
  for (std::size_t k = 0; k < in.x.size(); ++k) {
    const std::size_t n = k / F, c = k % F;
    const double gate = gates.value[n], dz = gate * (1 - gate) * dgate.value[n], size = dgate.magnitude[n];
    const double w0 = in.weight[c], w1 = in.weight[F + c], w2 = in.weight[2 * F + c];
    out.dx.add(k, (1 - gate) * dy[k], std::abs(dy[k]));
    out.dx.add(k, dz * (w0 + w2), size * (std::abs(w0) + std::abs(w2)));
    out.dresidual.add(k, gate * dy[k], std::abs(dy[k]));
    out.dresidual.add(k, dz * (w1 - w2), size * (std::abs(w1) + std::abs(w2)));
    const double x = in.x[k], r = in.residual[k];
    out.dweight.add(c, dz * x, size * std::abs(x));
    out.dweight.add(F + c, dz * r, size * std::abs(r));
    out.dweight.add(2 * F + c, dz * (x - r), size * (std::abs(x) + std::abs(r)));
  }
  return out;
}

}  // namespace oracle
