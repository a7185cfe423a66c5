// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "warpgnn/nn/layers.hpp"
#include "warpgnn/nn/node_features.hpp"
#include "warpgnn/ops/aggregate.hpp"

/// Graph layers, under the same contract as layers.hpp: forward remembers its inputs, backward belongs to the forward
/// before it. Self-loops are the caller's choice (Graph::with_self_loops), never added inside a layer.
namespace warpgnn::nn {

/// Options of GCNConv.
struct GCNOptions {
  bool bias = true;
  bool edge_weight_gradient = false;  ///< backward computes that too
  Activation activation = Activation::identity;
  double slope = 0.2;  ///< as Activate has it
};

/// GCN's norm as a scale of nodes: an edge e = (j -> i) weighs r_j w_e r_i, and nothing has the size of the edges but
/// w, where there is one.
struct NodeScale {
  explicit NodeScale(const ConstTensorView& r, const ConstTensorView& w = {}) : scale(r), edge_weight(w) {}

  ConstTensorView scale;        ///< r [N], normally inv_sqrt_degree, the one output that gcn_norm_forward then needs
  ConstTensorView edge_weight;  ///< w [E] in the caller's edge order; undefined: all ones
};

/// GCN (Kipf and Welling 2017): y = activation(A x W^T + b) with A the weighted adjacency, normally GCN's norm, which
/// is a NodeScale, or gcn_norm's output, which it equals but for rounding, and which is slower, as it is read edge by
/// edge. Multiplies by W before or after the aggregation, whichever is narrower. W starts Glorot, b zero.
class GCNConv {
 public:
  GCNConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out, const GCNOptions& options = {});

  /// @param edge_weight [E] in the caller's edge order; compute it once per graph and share it between layers.
  /// Undefined: all ones, a plain sum over neighbours.
  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_weight = {});
  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const NodeScale& scale);
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of the edge weights [E] of the last backward, or, where the forward had none, of weights of one.
  /// Needs the option. gcn_norm_backward leads from it to the weights that were normalised. A NodeScale is constant: of
  /// its edge weights this is the gradient with the same r.
  SharedTensor edge_weight_gradient() const { return dedge_weight_.share(); }
  void collect(ParameterList& list);

 private:
  bool aggregates_first() const { return in_ <= out_; }
  warpgnn::Linear product(const ConstTensorView& x, Activation activation) const;
  SharedTensor run(const Graph& graph, const ConstTensorView& x);
  /// The sum over neighbours of rows of x.
  Aggregate problem(const ConstTensorView& x) const;
  ConstTensorView aggregate(const ConstTensorView& x, Tensor& y);
  /// The way back from the sums to what was summed, x, and to the edges' weights.
  void aggregate_transposed(const ConstTensorView& x, const ConstTensorView& dy, const TensorView& dx);
  SharedTensor aggregated_backward(const ConstTensorView& dy, bool need_dx);

  Session* session_;
  SavedState saved_;
  GCNOptions options_;
  std::int64_t in_, out_;
  Parameter weight_, bias_;
  Graph graph_;
  ConstTensorView edge_weight_, scale_, x_;
  Tensor aggregated_, projected_, y_, dz_, dprojected_, daggregated_, dedge_weight_, dx_;
};

/// The network of GIN and GINE: Linear, BatchNorm, ReLU, Linear, followed by BatchNorm and ReLU.
class GinNetwork {
 public:
  GinNetwork(Session& session, const std::string& name, std::int64_t in, std::int64_t out);

  SharedTensor forward(const ConstTensorView& x);
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  void collect(ParameterList& list);

 private:
  Session* session_;
  SavedState saved_;
  Linear first_;
  BatchNorm inner_norm_;
  Activate inner_relu_;
  Linear second_;
  BatchNorm outer_norm_;
  Activate outer_relu_;
};

/// Options of GINConv, GINEConv and their aggregations.
struct GINOptions {
  double epsilon = 0;         ///< where it starts
  bool train_epsilon = true;  ///< else it stays there, a buffer beside the parameters
};

/// The tensors of (1 + epsilon) x_i where destinations are a node set of their own: copies with dense rows, products.
struct OwnTerm {
  Tensor x, scaled, dx;
};

/// What GIN (Xu et al. 2019) gives its network: y_i = (1 + epsilon) x_i + sum of x_j, for a network of the caller's
/// behind it. epsilon is learnt unless the options fix it.
class GINAggregation {
 public:
  GINAggregation(Session& session, const std::string& name, std::int64_t in, const GINOptions& options = {});

  SharedTensor forward(const Graph& graph, const ConstTensorView& x) { return run(graph, x); }
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x) { return run(graph, x); }
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of x.destination of the last backward, where the forward had two node sets.
  SharedTensor destination_gradient() const { return destination_gradient_; }
  /// Whether it has a gradient to compute where no dx is needed.
  bool learns() const { return epsilon_.trainable; }
  void collect(ParameterList& list);

 private:
  SharedTensor run(const Graph& graph, const NodeInputs& x);
  Aggregate problem() const;

  Session* session_;
  SavedState saved_;
  std::int64_t in_;
  Parameter epsilon_;
  Graph graph_;
  NodeInputs x_;
  SharedTensor destination_gradient_;
  Tensor y_, dx_;
  OwnTerm own_;
};

/// GIN (Xu et al. 2019): GinNetwork of GINAggregation.
class GINConv {
 public:
  GINConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out, const GINOptions& options = {});

  SharedTensor forward(const Graph& graph, const ConstTensorView& x);
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x);
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of x.destination of the last backward, where the forward had two node sets.
  SharedTensor destination_gradient() const { return destination_gradient_; }
  void collect(ParameterList& list);

 private:
  Session* session_;
  SavedState saved_;
  GINAggregation aggregation_;
  GinNetwork network_;
  SharedTensor destination_gradient_;
};

}  // namespace warpgnn::nn
