// SPDX-License-Identifier: MIT
#pragma once

#include "tests/oracle/attention.hpp"
#include "tests/oracle/dense.hpp"
#include "tests/oracle/gat_attention.hpp"
#include "tests/oracle/pool.hpp"
#include "tests/support/nn_subject.hpp"

/// The layers of warpgnn/nn composed from the oracle's operators. Parameters are read from a list by the layer's name.
/// x is that of the sources, own_x that of the destinations: the same, unless the node sets are two.
namespace warpgnn::test::formula {

using oracle::Reals;

/// x W^T + b, where the list has a bias of that name.
Reals linear(const nn::ParameterList& list, const std::string& name, const Reals& x, std::size_t inputs);
Reals activation(oracle::Activation kind, const Reals& x, double slope = 0.2);
/// With gamma 1 and beta 0 where the list has none.
Reals batch_norm(const nn::ParameterList& list, const std::string& name, const Reals& x, double epsilon = 1e-5);
Reals gcn(const nn::ParameterList& list, const std::string& name, const oracle::Edges& edges, const Reals& edge_weight,
          const Reals& x, std::size_t inputs);
/// sums + (1 + epsilon) own_x.
Reals add_own_term(const nn::ParameterList& list, const std::string& name, Reals sums, const Reals& own_x);
/// What GIN gives its network.
Reals gin_sums(const nn::ParameterList& list, const std::string& name, const oracle::Edges& edges, const Reals& x,
               const Reals& own_x, std::size_t inputs);
/// The network of GIN and GINE.
Reals gin_network(const nn::ParameterList& list, const std::string& name, const Reals& x, std::size_t inputs);

struct Gat {
  std::size_t inputs = 1, own_inputs = 1, heads = 1, channels = 1, edge_features = 0;
  bool average_heads = false;
  double slope = 0.2;
  double dropout = 0;
  std::uint64_t seed = 0;
};
struct GatResult {
  Reals y;
  Reals attention;
};
GatResult gat(const nn::ParameterList& list, const std::string& name, const Gat& shape, const oracle::Edges& edges,
              const Reals& x, const Reals& own_x, const Reals& edge_features);

/// What the layers of attention_layers.hpp are made of.
struct AttentionConv {
  oracle::AttentionScore score = oracle::AttentionScore::gatv2;
  std::size_t inputs = 1, own_inputs = 1, heads = 1, channels = 1, edge_features = 0;
  bool average_heads = false;
  bool shared = false;  // of GATv2Conv
  bool residual = false;
  double slope = 0.2;
  double dropout = 0;
  std::uint64_t seed = 0;
};
struct AttentionResult {
  Reals y;
  Reals attention;  // before dropout
  Reals dropped;
};
/// GATv2Conv, or AdditiveAttentionConv.
AttentionResult gatv2(const nn::ParameterList& list, const std::string& name, const AttentionConv& shape,
                      const oracle::Edges& edges, const Reals& x, const Reals& own_x, const Reals& edge_features);
/// With the gate where the list has one.
AttentionResult transformer(const nn::ParameterList& list, const std::string& name, const AttentionConv& shape,
                            const oracle::Edges& edges, const Reals& x, const Reals& own_x, const Reals& edge_features);

/// Pools x [N, inputs] with the gate's own network.
oracle::Pooled attention_pool(const nn::ParameterList& list, const std::string& name, const TestGraph& graph,
                              oracle::PoolReduce reduce, oracle::PoolGate gate, const Reals& x, std::size_t inputs);

}  // namespace warpgnn::test::formula
