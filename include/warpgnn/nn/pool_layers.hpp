// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/layers.hpp"
#include "warpgnn/ops/pool.hpp"
#include "warpgnn/ops/top_k.hpp"

/// Layers from nodes to graphs, or to fewer nodes, under the same contract as layers.hpp.
namespace warpgnn::nn {

/// Pools nodes to graphs, each node weighed by the gate of its score Linear(in, hidden), tanh, Linear(hidden, 1). Gate
/// `none` makes it a plain pool without parameters. The temperature is that of a softmax gate.
class AttentionPool {
 public:
  AttentionPool(Session& session, const std::string& name, std::int64_t in, std::int64_t hidden, PoolReduce reduce,
                PoolGate gate, double temperature = 1);

  SharedTensor forward(const Graph& graph, const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy);
  /// The gate's weights [N] of the last forward. Needs a gate.
  SharedTensor attention();
  void collect(ParameterList& list);

 private:
  Pool problem() const;
  PoolResult result() const { return {.y = y_, .maximum = maximum_, .sum = sum_, .arg = arg_}; }

  Session* session_;
  SavedState saved_;
  PoolReduce reduce_;
  PoolGate gate_;
  double temperature_;
  std::optional<Linear> first_, second_;
  Graph graph_;
  ConstTensorView x_, score_;
  Tensor y_, maximum_, sum_, arg_, dx_, dscore_, attention_;
};

/// Options of MultiHeadAttentionPool.
struct MultiHeadAttentionPoolOptions {
  std::int64_t heads = 4;
  std::int64_t channels = 32;  ///< per head
  std::int64_t hidden = 64;    ///< of the scores' network
  double temperature = 1;
};

/// Pools nodes to graphs, heads concatenated: y [G, heads * channels]. Every head weighs its own values, a part of
/// Linear(in, heads * channels), by a softmax over the graph's nodes of its own score, a column of
/// Linear(in, hidden), tanh, Linear(hidden, heads).
class MultiHeadAttentionPool {
 public:
  MultiHeadAttentionPool(Session& session, const std::string& name, std::int64_t in,
                         const MultiHeadAttentionPoolOptions& options);

  SharedTensor forward(const Graph& graph, const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy);
  /// The weights [N, heads] of the last forward.
  SharedTensor attention();
  void collect(ParameterList& list);

 private:
  Pool problem() const;
  PoolResult result() const { return {.y = y_, .maximum = maximum_, .sum = sum_}; }

  Session* session_;
  SavedState saved_;
  MultiHeadAttentionPoolOptions options_;
  Linear first_, second_, value_;
  Graph graph_;
  ConstTensorView score_, values_;
  Tensor y_, maximum_, sum_, dvalues_, dscore_, dx_, attention_;
};

/// The gated sum of Li et al. 2016: y_g = sum over the nodes of sigmoid(Linear(in, out)) * Linear(in, out).
class GatedSumPool {
 public:
  GatedSumPool(Session& session, const std::string& name, std::int64_t in, std::int64_t out);

  SharedTensor forward(const Graph& graph, const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy);
  void collect(ParameterList& list);

 private:
  Pool problem() const;

  Session* session_;
  SavedState saved_;
  std::int64_t out_;
  Linear gate_, value_;
  Graph graph_;
  ConstTensorView score_, values_;
  Tensor y_, dvalues_, dscore_, dx_;
};

/// Set2Set (Vinyals et al. 2016): y [G, 2F] from x [N, F]. With q* = 0, h = 0 and c = 0 before the first of `steps`
/// steps, (h, c) = LSTM(q*, h, c); r_g = sum over the nodes of softmax(<x_n, h_g>)_n x_n; q* = [h, r]. The last q* is
/// y. weight_ih [4F, 2F], weight_hh [4F, F] and bias [4F] (gates i, f, g, o) start uniform in +-1/sqrt(F).
class Set2Set {
 public:
  Set2Set(Session& session, const std::string& name, std::int64_t in, std::int64_t steps);

  SharedTensor forward(const Graph& graph, const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy);
  void collect(ParameterList& list);

 private:
  void advance(std::int64_t step);
  void read(std::int64_t step);
  void read_backward(std::int64_t step);
  void advance_backward(std::int64_t step);
  void weight_gradients();

  Session* session_;
  SavedState saved_;
  std::int64_t features_, steps_;
  Parameter input_weight_, hidden_weight_, bias_;
  Graph graph_;
  ConstTensorView x_;
  // Of all steps, one after the other; that before the first is where states_ begins.
  Tensor states_;  // q*
  Tensor gates_, cells_, scores_, maximum_, sum_;
  // Of one step.
  Tensor product_, dstate_, dstate_before_, dhidden_, dcell_, dscore_, dread_x_;
  Tensor dgates_;  // of all steps
  Tensor dx_;
};

/// Options of TopKPool and SAGPool: how many of a graph's n nodes they keep.
struct TopKOptions {
  double ratio = 0.5;      ///< ceil(ratio n), if count is 0
  std::int64_t count = 0;  ///< min(count, n); 0: by ratio
};

/// What TopKPool and SAGPool share: keeps of every graph the nodes of highest projection, and of their rows
/// tanh(projection) times themselves. Nodes are ranked before the tanh, which rounds all high ones to 1.
///
/// Errors. `invalid_argument` for a negative count, and where it is 0 for a ratio outside (0, 1].
class GatedSelection {
 public:
  GatedSelection(Session& session, const TopKOptions& options);

  /// @param projection [N, 1]. Returns the kept rows, [K, F]. Allocates and synchronises, as it makes a graph.
  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& projection);
  /// The gradient of the projection, [N, 1]; that of x by way of the kept rows is in dx().
  SharedTensor backward(const ConstTensorView& dy);
  const Tensor& dx() const { return dx_; }
  const GraphSelection& selection() const { return selection_; }

 private:
  Session* session_;
  SavedState saved_;
  TopKOptions options_;
  ConstTensorView x_;
  GraphSelection selection_;
  Tensor gate_, selected_, position_, y_, dx_, dgate_;
};

/// Top-k pooling (Gao and Ji 2019): keeps nodes by their projection x p / |p|. p [in] starts uniform in +-1/sqrt(in).
class TopKPool {
 public:
  TopKPool(Session& session, const std::string& name, std::int64_t in, const TopKOptions& options = {});

  /// The rows of the nodes that are kept; `selection()` has their graph and says which they are.
  SharedTensor forward(const Graph& graph, const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy);
  const GraphSelection& selection() const { return selection_.selection(); }
  void collect(ParameterList& list);

 private:
  Session* session_;
  SavedState saved_;
  Parameter direction_;
  GatedSelection selection_;
  ConstTensorView x_;
  Tensor unit_, norm_, projection_, dunit_, dx_;
};

/// SAG pooling (Lee et al. 2019): keeps nodes by a score from their neighbourhood, GCNConv(in, 1).
class SAGPool {
 public:
  SAGPool(Session& session, const std::string& name, std::int64_t in, const TopKOptions& options = {});

  /// @param edge_weight as for GCNConv. For the graph that is left, gather it by `selection().edges` or make it anew.
  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_weight = {});
  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const NodeScale& scale);
  SharedTensor backward(const ConstTensorView& dy);
  const GraphSelection& selection() const { return selection_.selection(); }
  void collect(ParameterList& list);

 private:
  Session* session_;
  SavedState saved_;
  GCNConv score_;
  GatedSelection selection_;
};

}  // namespace warpgnn::nn
