#include "nn_formulas.hpp"

#include <algorithm>

#include "../oracle/aggregate.hpp"

namespace warpgnn::test::formula {
namespace {

constexpr double kBatchNormEpsilon = 1e-5;

Reals value(const nn::ParameterList& list, const std::string& name) {
  return reals_of(parameter(list, name).value);
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

Reals batch_norm(const nn::ParameterList& list, const std::string& name, const Reals& x) {
  const Reals gamma = value(list, name + ".weight"), unused(gamma.size(), 0.0);
  return oracle::batch_norm_training(x, gamma, value(list, name + ".bias"), unused, unused, kBatchNormEpsilon, 0)
      .y.value;
}

Reals gcn(const nn::ParameterList& list, const std::string& name, const oracle::Edges& edges, const Reals& edge_weight,
          const Reals& x, std::size_t inputs) {
  const oracle::Aggregate gathered{edges, oracle::Reduce::sum, inputs, x, edge_weight, {}};
  return linear(list, name, oracle::aggregate(gathered).y.value, inputs);
}

Reals gin(const nn::ParameterList& list, const std::string& name, const oracle::Edges& edges, const Reals& x,
          std::size_t inputs) {
  constexpr auto kRelu = oracle::Activation::relu;
  const oracle::Aggregate gathered{edges, oracle::Reduce::sum, inputs, x, {}, value(list, name + ".epsilon")[0]};
  const Reals first = linear(list, name + ".mlp.0", oracle::aggregate(gathered).y.value, inputs);
  const Reals inner = activation(kRelu, batch_norm(list, name + ".mlp.1", first));
  const std::size_t width = value(list, name + ".mlp.1.weight").size();
  const Reals second = linear(list, name + ".mlp.3", inner, width);
  return activation(kRelu, batch_norm(list, name + ".norm", second));
}

GatResult gat(const nn::ParameterList& list, const std::string& name, const Gat& shape, const oracle::Edges& edges,
              const Reals& x, const Reals& edge_features) {
  const Reals z = product(x, value(list, name + ".weight"), shape.inputs);
  oracle::Gat in{edges,
                 shape.heads,
                 shape.channels,
                 shape.slope,
                 z,
                 oracle::head_dot(z, value(list, name + ".att_src"), shape.heads, shape.channels).value,
                 oracle::head_dot(z, value(list, name + ".att_dst"), shape.heads, shape.channels).value,
                 {},
                 shape.dropout,
                 shape.seed};
  if (shape.edge_features > 0) {
    in.edge_score = product(edge_features, value(list, name + ".att_edge"), shape.edge_features);
  }
  const oracle::GatForward out = oracle::gat(in);
  return {add_bias(out.y.value, optional_value(list, name + ".bias")), out.weight};
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
