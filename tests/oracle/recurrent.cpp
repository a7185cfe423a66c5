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

}  // namespace oracle
