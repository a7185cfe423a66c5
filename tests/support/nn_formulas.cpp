// SPDX-License-Identifier: MIT
#include "tests/support/nn_formulas.hpp"

#include <algorithm>

#include "tests/oracle/aggregate.hpp"
#include "tests/oracle/residual_gate.hpp"

namespace warpgnn::test::formula {
namespace {

Reals value(const nn::ParameterList& list, const std::string& name) {
  return reals_of(nn::find(list, name).value);
}

/// Empty where there is no such parameter.
Reals optional_value(const nn::ParameterList& list, const std::string& name) {
  const bool present = std::any_of(list.begin(), list.end(), [&](const auto* each) { return each->name == name; });
  return present ? value(list, name) : Reals{};
}

Reals add_bias(Reals y, const Reals& bias) {
  for (std::size_t k = 0; k < y.size() && !bias.empty(); ++k) y[k] += bias[k % bias.size()];
  return y;
}

Reals product(const Reals& x, const Reals& weight, std::size_t inputs) {
  return oracle::linear(x, weight, {}, x.size() / inputs, inputs, weight.size() / inputs).value;
}

}  // namespace

Reals linear(const nn::ParameterList& list, const std::string& name, const Reals& x, std::size_t inputs) {
  return add_bias(product(x, value(list, name + ".weight"), inputs), optional_value(list, name + ".bias"));
}

Reals activation(oracle::Activation kind, const Reals& x, double slope) {
  Reals y(x.size());
  std::transform(x.begin(), x.end(), y.begin(), [&](double each) { return oracle::activation(kind, slope, each); });
  return y;
}

Reals batch_norm(const nn::ParameterList& list, const std::string& name, const Reals& x, double epsilon) {
  const std::size_t features = value(list, name + ".running_mean").size();
  const auto value_or = [&](const std::string& parameter, double constant) {
    const Reals learnt = optional_value(list, name + parameter);
    return learnt.empty() ? Reals(features, constant) : learnt;
  };
  const Reals unused(features, 0.0);
  return oracle::batch_norm_training(x, value_or(".weight", 1), value_or(".bias", 0), unused, unused, epsilon, 0)
      .y.value;
}

Reals gcn(const nn::ParameterList& list, const std::string& name, const oracle::Edges& edges, const Reals& edge_weight,
          const Reals& x, std::size_t inputs) {
  const oracle::Aggregate gathered{edges, oracle::Reduce::sum, inputs, x, edge_weight, {}};
  return linear(list, name, oracle::aggregate(gathered).y.value, inputs);
}

Reals add_own_term(const nn::ParameterList& list, const std::string& name, Reals sums, const Reals& own_x) {
  const double factor = 1 + value(list, name + ".epsilon")[0];
  for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += factor * own_x[k];
  return sums;
}

Reals gin_sums(const nn::ParameterList& list, const std::string& name, const oracle::Edges& edges, const Reals& x,
               const Reals& own_x, std::size_t inputs) {
  const oracle::Aggregate gathered{edges, oracle::Reduce::sum, inputs, x, {}, {}};
  return add_own_term(list, name, oracle::aggregate(gathered).y.value, own_x);
}

Reals gin_network(const nn::ParameterList& list, const std::string& name, const Reals& x, std::size_t inputs) {
  constexpr auto kRelu = oracle::Activation::relu;
  const Reals first = linear(list, name + ".mlp.0", x, inputs);
  const Reals inner = activation(kRelu, batch_norm(list, name + ".mlp.1", first));
  const std::size_t width = value(list, name + ".mlp.1.weight").size();
  const Reals second = linear(list, name + ".mlp.3", inner, width);
  return activation(kRelu, batch_norm(list, name + ".norm", second));
}

namespace {

/// [N, heads, channels], or the mean over heads [N, channels].
template <class Shape>
Reals join_heads(const Reals& y, const Shape& shape) {
  if (!shape.average_heads) return y;
  Reals mean(y.size() / shape.heads, 0.0);
  for (std::size_t k = 0; k < y.size(); ++k) {
    const std::size_t node = k / (shape.heads * shape.channels), channel = k % shape.channels;
    mean[node * shape.channels + channel] += y[k] / static_cast<double>(shape.heads);
  }
  return mean;
}

}  // namespace

GatResult gat(const nn::ParameterList& list, const std::string& name, const Gat& shape, const oracle::Edges& edges,
              const Reals& x, const Reals& own_x, const Reals& edge_features) {
  const Reals weight = value(list, name + ".weight"), z = product(x, weight, shape.inputs);
  const Reals own_weight = optional_value(list, name + ".weight_dst");
  const Reals own_z = product(own_x, own_weight.empty() ? weight : own_weight, shape.own_inputs);
  oracle::Gat in{edges,
                 shape.heads,
                 shape.channels,
                 shape.slope,
                 z,
                 oracle::head_dot(z, value(list, name + ".att_src"), shape.heads, shape.channels).value,
                 oracle::head_dot(own_z, value(list, name + ".att_dst"), shape.heads, shape.channels).value,
                 {},
                 shape.dropout,
                 shape.seed};
  if (shape.edge_features > 0) {
    in.edge_score = product(edge_features, value(list, name + ".att_edge"), shape.edge_features);
  }
  const oracle::GatForward out = oracle::gat(in);
  GatResult result{add_bias(join_heads(out.y.value, shape), optional_value(list, name + ".bias")), out.weight};
  const Reals root = optional_value(list, name + ".res.weight");
  if (root.empty()) return result;
  const Reals residual = product(own_x, root, shape.own_inputs);
  for (std::size_t k = 0; k < residual.size(); ++k) result.y[k] += residual[k];
  return result;
}

namespace {

/// Rows [first, first + count) of a matrix with `columns` columns.
Reals rows_of(const Reals& matrix, std::size_t first, std::size_t count, std::size_t columns) {
  const auto begin = matrix.begin() + static_cast<std::ptrdiff_t>(first * columns);
  return {begin, begin + static_cast<std::ptrdiff_t>(count * columns)};
}

/// Projection number `part` of x: rows of the matrix that holds all, or of that for the destinations' x, and elements
/// of the bias that holds all.
Reals projection(const nn::ParameterList& list, const std::string& name, const AttentionConv& shape, std::size_t part,
                 std::size_t count, const Reals& x) {
  const std::size_t width = shape.heads * shape.channels, first = part * width;
  const Reals bias = optional_value(list, name + ".projection_bias");
  const Reals added = bias.empty() ? bias : rows_of(bias, first, count, 1);
  const Reals weight = value(list, name + ".weight"), own_weight = optional_value(list, name + ".weight_dst");
  const auto with_rows = [&](const Reals& matrix, std::size_t row, std::size_t inputs) {
    return add_bias(product(x, rows_of(matrix, row, count, inputs), inputs), added);
  };
  if (own_weight.empty()) return with_rows(weight, first, shape.inputs);
  const std::size_t keys = weight.size() / shape.inputs;
  if (part == 0) return with_rows(own_weight, 0, shape.own_inputs);
  if (first < width + keys) return with_rows(weight, first - width, shape.inputs);
  return with_rows(own_weight, first - keys, shape.own_inputs);
}

oracle::Attention pairs(const nn::ParameterList& list, const std::string& name, const AttentionConv& shape,
                        const oracle::Edges& edges, const Reals& x, const Reals& own_x, const Reals& edge_features) {
  const std::size_t width = shape.heads * shape.channels;
  oracle::Attention in;
  in.edges = edges;
  in.score = shape.score;
  in.heads = shape.heads;
  in.channels = in.values = shape.channels;
  in.slope = shape.slope;
  in.dropout = shape.dropout;
  in.seed = shape.seed;
  in.query = projection(list, name, shape, 0, width, own_x);
  in.key = projection(list, name, shape, shape.shared ? 0 : 1, width, x);
  in.value = in.key;
  in.vector = optional_value(list, name + ".att");
  if (shape.edge_features > 0) {
    in.edge_key = product(edge_features, value(list, name + ".edge_weight"), shape.edge_features);
  }
  return in;
}

}  // namespace

AttentionResult gatv2(const nn::ParameterList& list, const std::string& name, const AttentionConv& shape,
                      const oracle::Edges& edges, const Reals& x, const Reals& own_x, const Reals& edge_features) {
  const auto out = oracle::attention(pairs(list, name, shape, edges, x, own_x, edge_features));
  AttentionResult result{add_bias(join_heads(out.y.value, shape), optional_value(list, name + ".bias")),
                         out.weight.value, out.dropped.value};
  if (!shape.residual) return result;
  const std::size_t outputs = (shape.average_heads ? 1 : shape.heads) * shape.channels;
  const Reals residual = projection(list, name, shape, shape.shared ? 1 : 2, outputs, own_x);
  for (std::size_t k = 0; k < residual.size(); ++k) result.y[k] += residual[k];
  return result;
}

AttentionResult transformer(const nn::ParameterList& list, const std::string& name, const AttentionConv& shape,
                            const oracle::Edges& edges, const Reals& x, const Reals& own_x,
                            const Reals& edge_features) {
  const std::size_t width = shape.heads * shape.channels, outputs = shape.average_heads ? shape.channels : width;
  auto in = pairs(list, name, shape, edges, x, own_x, edge_features);
  in.scale = 1 / std::sqrt(static_cast<double>(shape.channels));
  in.value = projection(list, name, shape, 2, width, x);
  in.edge_value = in.edge_key;
  const auto out = oracle::attention(in);
  AttentionResult result{join_heads(out.y.value, shape), out.weight.value, out.dropped.value};
  if (!shape.residual) return result;
  const Reals residual = projection(list, name, shape, 3, outputs, own_x), gate = optional_value(list, name + ".gate");
  if (gate.empty()) {
    for (std::size_t k = 0; k < residual.size(); ++k) result.y[k] += residual[k];
  } else {
    result.y = oracle::residual_gate({outputs, result.y, residual, gate}).y.value;
  }
  return result;
}

oracle::Pooled attention_pool(const nn::ParameterList& list, const std::string& name, const TestGraph& graph,
                              oracle::PoolReduce reduce, oracle::PoolGate gate, const Reals& x, std::size_t inputs) {
  oracle::Pool in{graph.graph_offsets, reduce, gate, inputs, x};
  if (gate != oracle::PoolGate::none) {
    const Reals hidden = activation(oracle::Activation::tanh, linear(list, name + ".gate.0", x, inputs));
    in.score = linear(list, name + ".gate.2", hidden, hidden.size() * inputs / x.size());
  }
  return oracle::pool(in);
}

}  // namespace warpgnn::test::formula
