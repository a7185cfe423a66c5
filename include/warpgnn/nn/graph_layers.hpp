// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "warpgnn/nn/layers.hpp"
#include "warpgnn/ops/aggregate.hpp"
#include "warpgnn/ops/attention_dropout.hpp"
#include "warpgnn/ops/pool.hpp"

/// Graph layers, under the same contract as layers.hpp: forward remembers its inputs, backward belongs to the forward
/// before it. Self-loops are the caller's choice (Graph::with_self_loops), never added inside a layer.
namespace warpgnn::nn {

/// GCN (Kipf and Welling 2017): y = A x W^T + b with A the weighted adjacency, normally gcn_norm's output.
/// Multiplies by W before or after the aggregation, whichever is narrower. W starts Glorot, b zero.
class GCNConv {
 public:
  GCNConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out, bool bias = true);

  /// @param edge_weight [E] in the caller's edge order; compute it once per graph and share it between layers.
  /// Undefined: all ones, a plain sum over neighbours.
  ConstTensorView forward(const Graph& graph, const ConstTensorView& edge_weight, const ConstTensorView& x);
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx = true);
  void collect(ParameterList& list);

 private:
  bool aggregates_first() const { return in_ <= out_; }
  ConstTensorView aggregate(const ConstTensorView& x, Tensor& y);
  ConstTensorView aggregate_transposed(const ConstTensorView& dy, Tensor& dx);

  Session* session_;
  std::int64_t in_, out_;
  Parameter weight_, bias_;
  Graph graph_;
  ConstTensorView edge_weight_, x_;
  Tensor aggregated_, projected_, y_, dprojected_, dinput_, dx_;
};

/// Options of GATConv.
struct GATOptions {
  std::int64_t heads = 1;
  std::int64_t channels = 32;  ///< per head
  bool average_heads = false;  ///< y [N, channels], the mean of the heads; else [N, heads * channels]
  double negative_slope = 0.2;
  double attention_dropout = 0;
  std::int64_t edge_features = 0;  ///< width of edge features that add to the score; 0: none
  bool bias = true;
};

/// GAT (Velickovic et al. 2018), heads concatenated or averaged; the bias is added after that. With edge features f_e
/// the score gains <m_h, f_e> with m [heads, edge_features]. Parameters start Glorot, bias zero.
class GATConv {
 public:
  GATConv(Session& session, const std::string& name, std::int64_t in, const GATOptions& options);

  ConstTensorView forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_features = {});
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of the edge features, [E, edge_features], of the last backward.
  ConstTensorView edge_feature_gradient() const { return dedge_features_; }
  /// Attention [E, heads] of the last forward, in the caller's edge order, before dropout.
  ConstTensorView attention();
  void collect(ParameterList& list);

 private:
  void project(const ConstTensorView& x);
  std::int64_t outputs() const { return (options_.average_heads ? 1 : options_.heads) * options_.channels; }

  Session* session_;
  GATOptions options_;
  Parameter weight_, source_vector_, destination_vector_, edge_matrix_, bias_;
  Graph graph_;
  ConstTensorView x_, edge_features_;
  AttentionDropout dropout_;
  bool trained_ = false;
  Tensor value_, source_score_, destination_score_, edge_score_, y_, averaged_, biased_, maximum_, sum_, positive_y_,
      positive_weight_, attention_;
  Tensor dvalue_, dsource_score_, ddestination_score_, dedge_score_, dedge_features_, dheads_, dx_;
};

/// The network of GIN and GINE: Linear, BatchNorm, ReLU, Linear, followed by BatchNorm and ReLU.
class GinNetwork {
 public:
  GinNetwork(Session& session, const std::string& name, std::int64_t in, std::int64_t out);

  ConstTensorView forward(const ConstTensorView& x);
  ConstTensorView backward(const ConstTensorView& dy);
  void collect(ParameterList& list);
  std::int64_t inputs() const { return first_.inputs(); }

 private:
  Linear first_;
  BatchNorm inner_norm_;
  Activate inner_relu_;
  Linear second_;
  BatchNorm outer_norm_;
  Activate outer_relu_;
};

/// GIN (Xu et al. 2019): the network of (1 + epsilon) x_i + sum of x_j. epsilon is learnt and starts at 0.
class GINConv {
 public:
  GINConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out);

  ConstTensorView forward(const Graph& graph, const ConstTensorView& x);
  ConstTensorView backward(const ConstTensorView& dy, bool need_dx = true);
  void collect(ParameterList& list);

 private:
  Session* session_;
  Parameter epsilon_;
  GinNetwork network_;
  Graph graph_;
  ConstTensorView x_;
  Tensor aggregated_, dx_;
};

/// Pools nodes to graphs, each node weighed by the gate of its score Linear(in, hidden), tanh, Linear(hidden, 1). Gate
/// `none` makes it a plain pool without parameters. The temperature is that of a softmax gate.
class AttentionPool {
 public:
  AttentionPool(Session& session, const std::string& name, std::int64_t in, std::int64_t hidden, PoolReduce reduce,
                PoolGate gate, double temperature = 1);

  ConstTensorView forward(const Graph& graph, const ConstTensorView& x);
  ConstTensorView backward(const ConstTensorView& dy);
  /// The gate's weights [N] of the last forward. Needs a gate.
  ConstTensorView attention();
  void collect(ParameterList& list);

 private:
  Session* session_;
  PoolReduce reduce_;
  PoolGate gate_;
  double temperature_;
  std::optional<Linear> first_, second_;
  std::optional<Activate> tanh_;
  Graph graph_;
  ConstTensorView x_, score_;
  Tensor y_, maximum_, sum_, arg_, dx_, dscore_, attention_;
};

}  // namespace warpgnn::nn
