// SPDX-License-Identifier: MIT
#include "tests/oracle/recurrent.hpp"

namespace oracle {
namespace {

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// The gates of feature f of row n.
struct Gates {
  double i, f, g, o;

  Gates(const Reals& gates, std::size_t n, std::size_t feature, std::size_t features)
      : i(sigmoid(gates[n * 4 * features + feature])),
        f(sigmoid(gates[n * 4 * features + features + feature])),
        g(std::tanh(gates[n * 4 * features + 2 * features + feature])),
        o(sigmoid(gates[n * 4 * features + 3 * features + feature])) {}
};

/// Calls body(node, graph) for every node.
template <class Body>
void for_each_node(const Ids& offset, const Body& body) {
  for (std::size_t g = 0; g + 1 < offset.size(); ++g) {
    for (std::int64_t n = offset[g]; n < offset[g + 1]; ++n) body(static_cast<std::size_t>(n), g);
  }
}

}  // namespace

Sums segment_dot(const Ids& offset, const Reals& x, const Reals& query, std::size_t features) {
  Sums score(x.size() / features);
  for_each_node(offset, [&](std::size_t n, std::size_t g) {
    for (std::size_t f = 0; f < features; ++f) score.add(n, x[n * features + f] * query[g * features + f]);
  });
  return score;
}

SegmentDotGradients segment_dot_backward(const Ids& offset, const Reals& x, const Reals& query, const Reals& dscore,
                                         std::size_t features) {
  SegmentDotGradients out{Sums(x.size()), Sums(query.size())};
  for_each_node(offset, [&](std::size_t n, std::size_t g) {
    for (std::size_t f = 0; f < features; ++f) {
      out.dx.add(n * features + f, dscore[n] * query[g * features + f]);
      out.dquery.add(g * features + f, dscore[n] * x[n * features + f]);
    }
  });
  return out;
}

LstmCell lstm_cell(const Reals& gates, const Reals& c_previous, std::size_t features) {
  LstmCell out{Sums(c_previous.size()), Sums(c_previous.size())};
  for (std::size_t k = 0; k < c_previous.size(); ++k) {
    const Gates gate(gates, k / features, k % features, features);
    out.c.add(k, gate.f * c_previous[k]);
    out.c.add(k, gate.i * gate.g);
    const double h = gate.o * std::tanh(out.c.value[k]);
    out.h.add(k, h, gate.o * out.c.magnitude[k]);
  }
  return out;
}

LstmCellGradients lstm_cell_backward(const Reals& gates, const Reals& c_previous, const Reals& dh, const Reals& dc,
                                     std::size_t features) {
  const LstmCell forward = lstm_cell(gates, c_previous, features);
  LstmCellGradients out{Sums(gates.size()), Sums(c_previous.size())};
  for (std::size_t k = 0; k < c_previous.size(); ++k) {
    const std::size_t row = k / features * 4 * features + k % features;
    const Gates gate(gates, k / features, k % features, features);
    const double squashed = std::tanh(forward.c.value[k]);
    const double total = dc[k] + dh[k] * gate.o * (1.0 - squashed * squashed);
    const double size = std::abs(dc[k]) + std::abs(dh[k]);  // what rounds in it
    out.dgates.add(row, total * gate.g * gate.i * (1.0 - gate.i), size);
    out.dgates.add(row + features, total * c_previous[k] * gate.f * (1.0 - gate.f), size * std::abs(c_previous[k]));
    out.dgates.add(row + 2 * features, total * gate.i * (1.0 - gate.g * gate.g), size);
    out.dgates.add(row + 3 * features, dh[k] * squashed * gate.o * (1.0 - gate.o), std::abs(dh[k]));
    out.dc_previous.add(k, total * gate.f, size);
  }
  return out;
}

namespace {

/// The gates of feature f of row n of a GRU cell, and the state's part of the candidate.
struct GruGates {
  double r, z, n, hidden;

  GruGates(const Reals& input, const Reals& state, std::size_t k, std::size_t features) {
    const std::size_t row = k / features * 3 * features + k % features;
    hidden = state[row + 2 * features];
    r = sigmoid(input[row] + state[row]);
    z = sigmoid(input[row + features] + state[row + features]);
    n = std::tanh(input[row + 2 * features] + r * hidden);
  }
};

}  // namespace

Sums gru_cell(const Reals& input, const Reals& hidden, const Reals& h_previous, std::size_t features) {
  Sums h(h_previous.size());
  for (std::size_t k = 0; k < h_previous.size(); ++k) {
    const GruGates gate(input, hidden, k, features);
    h.add(k, (1.0 - gate.z) * gate.n, 1.0 + std::abs(gate.hidden));  // what rounds within n
    h.add(k, gate.z * h_previous[k]);
  }
  return h;
}

GruCellGradients gru_cell_backward(const Reals& input, const Reals& hidden, const Reals& h_previous, const Reals& dh,
                                   std::size_t features) {
  GruCellGradients out{Sums(input.size()), Sums(input.size()), Sums(h_previous.size())};
  for (std::size_t k = 0; k < h_previous.size(); ++k) {
    const std::size_t row = k / features * 3 * features + k % features;
    const GruGates gate(input, hidden, k, features);
    const double dn = dh[k] * (1.0 - gate.z) * (1.0 - gate.n * gate.n), size = std::abs(dh[k]);
    const double far = size * (1.0 + std::abs(gate.hidden));
    const double dr = dn * gate.hidden * gate.r * (1.0 - gate.r);
    const double dz = dh[k] * (h_previous[k] - gate.n) * gate.z * (1.0 - gate.z);
    for (Sums* const sums : {&out.dinput, &out.dhidden}) {
      sums->add(row, dr, far * (1.0 + std::abs(gate.hidden)));
      sums->add(row + features, dz, far * (1.0 + std::abs(h_previous[k])));
    }
    out.dinput.add(row + 2 * features, dn, far);
    out.dhidden.add(row + 2 * features, dn * gate.r, far);
    out.dh_previous.add(k, dh[k] * gate.z);
  }
  return out;
}

}  // namespace oracle
