// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/root_term.hpp"
#include "warpgnn/ops/linear.hpp"
#include "warpgnn/ops/message_aggregate.hpp"
#include "warpgnn/ops/relation.hpp"

/// Graph layers whose messages depend on edge features or edge types, and GraphSAGE, under the same contract as
/// graph_layers.hpp.
///
/// Where others normalise differently, and what gives their result here:
///
/// | layer | PyTorch Geometric                              | DGL                                             |
/// |-------|------------------------------------------------|-------------------------------------------------|
/// | GCN   | adds missing self-loops and counts edge        | adds none; norm "both" takes 1/sqrt of the      |
/// |       | weights in the degree: loops by                | out-degree of j and of the in-degree of i, at   |
/// |       | with_self_loops(where_missing), whose weights  | least 1, without weights: on a symmetric graph  |
/// |       | (from edge E on) are 1, improved: 2; then      | gcn_norm without weight, times the weights;     |
/// |       | gcn_norm with the weights of all edges         | norm "right" is Reduce::mean                    |
/// | SAGE  | mean of x_j: the same; max is taken of x_j     | "mean": the same; "gcn" is a mean over j and i: |
/// |       | itself: Reduce::max; project and a list of     | mean over a graph with loops; "pool" applies a  |
/// |       | aggregators: likewise                          | linear layer and ReLU to x_j before the max:    |
/// |       |                                                | project and Reduce::max                         |
/// | GIN,  | epsilon fixed at 0 unless asked for:           | epsilon likewise; no projection, edge features  |
/// | GINE  | train_epsilon = false; projects edge features  | are as wide as x: edge_features = 0             |
/// |       | if edge_dim is given                           |                                                 |
/// | R-GCN | RGCNConv and FastRGCNConv "mean": a mean per   | RelGraphConv: a plain sum unless the caller     |
/// |       | relation: RelationNorm::per_relation; "add":   | gives a norm for each edge: that is edge_weight |
/// |       | RelationNorm::none                             |                                                 |
namespace warpgnn::nn {

/// What GINE (Hu et al. 2020) gives its network: y_i = (1 + epsilon) x_i + sum of max(x_j + e', 0), e' being the edge's
/// features, projected to the width of x by a linear layer; for a network of the caller's behind it. epsilon as for
/// GINAggregation.
class GINEAggregation {
 public:
  /// @param edge_features width of the edge features; 0: they are as wide as x, and no layer projects them.
  GINEAggregation(Session& session, const std::string& name, std::int64_t in, std::int64_t edge_features,
                  const GINOptions& options = {});

  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_features) {
    return run(graph, x, edge_features);
  }
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x, const ConstTensorView& edge_features) {
    return run(graph, x, edge_features);
  }
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of x.destination of the last backward, where the forward had two node sets.
  SharedTensor destination_gradient() const { return destination_gradient_; }
  /// The gradient of the edge features, like them, of the last backward.
  SharedTensor edge_feature_gradient() const { return dedge_features_; }
  void collect(ParameterList& list);

 private:
  SharedTensor run(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features);
  MessageAggregate problem() const;

  Session* session_;
  SavedState saved_;
  std::int64_t in_;
  Parameter epsilon_;
  std::optional<Linear> projection_;
  Graph graph_;
  NodeInputs x_;
  ConstTensorView edge_;
  SharedTensor dedge_features_, destination_gradient_;
  Tensor y_, dx_, dedge_;
  OwnTerm own_;
};

/// GINE (Hu et al. 2020): GinNetwork of GINEAggregation.
class GINEConv {
 public:
  /// @param edge_features as for GINEAggregation.
  GINEConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t edge_features,
           const GINOptions& options = {});

  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_features);
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x, const ConstTensorView& edge_features);
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of x.destination of the last backward, where the forward had two node sets.
  SharedTensor destination_gradient() const { return aggregation_.destination_gradient(); }
  /// The gradient of the edge features, like them, of the last backward.
  SharedTensor edge_feature_gradient() const { return aggregation_.edge_feature_gradient(); }
  void collect(ParameterList& list);

 private:
  Session* session_;
  SavedState saved_;
  GinNetwork network_;
  GINEAggregation aggregation_;
};

/// Options of SAGEConv.
struct SAGEOptions {
  std::vector<Reduce> reduce{Reduce::mean};  ///< one or more, whose results stand side by side
  bool normalize = false;                    ///< divide each y_i by its length
  bool bias = true;
  bool root_weight = true;  ///< W_r x_i adds to the result
  bool project = false;     ///< max(W_p x_j + b_p, 0) is aggregated in place of x_j; the root term takes x_i itself
  std::int64_t in_destination = 0;  ///< width of x.destination (node_features.hpp); 0: as x.source
};

/// GraphSAGE (Hamilton et al. 2017): y_i = W_l [reduce of x_j, for each] + W_r x_i + b. A node without in-edges keeps
/// W_r x_i + b. With `normalize` a row of y whose length is 0 stays 0 and has gradient 0.
///
/// Parameters. `name.lin_l.weight` [out, reduce.size() * in], the columns of the first reduction first;
/// `name.lin_r.weight` [out, in_destination]; `name.lin_l.bias` [out]. Weights start Glorot, the bias zero.
/// `name.lin.weight` [in, in] and `name.lin.bias` [in], which are W_p and b_p, start as those of Linear.
/// Errors. `invalid_argument` for no reduction.
class SAGEConv {
 public:
  SAGEConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out,
           const SAGEOptions& options = {});

  SharedTensor forward(const Graph& graph, const ConstTensorView& x) { return run(graph, x); }
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x) { return run(graph, x); }
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of x.destination of the last backward, where the forward had two node sets.
  SharedTensor destination_gradient() const { return destination_gradient_; }
  void collect(ParameterList& list);

 private:
  SharedTensor run(const Graph& graph, const NodeInputs& x);
  void project();
  /// What is aggregated.
  ConstTensorView messages() const { return options_.project ? ConstTensorView(projected_) : x_.source; }
  void aggregate();
  void aggregate_transposed(const Tensor& dmessages);
  void project_backward(bool need_dx);
  ConstTensorView through_norm(const ConstTensorView& dy);

  Session* session_;
  SavedState saved_;
  SAGEOptions options_;
  std::int64_t in_, in_destination_, out_;
  Parameter projection_weight_, projection_bias_, neighbor_weight_, bias_;
  RootTerm root_;
  Graph graph_;
  NodeInputs x_;
  SharedTensor destination_gradient_;
  std::vector<Tensor> args_;  // of each reduction that has one
  Tensor projected_, aggregated_, y_, norm_;
  Tensor dy_, daggregated_, dmessages_, dpart_, dneighbor_;
};

/// Options of RGCNConv.
struct RGCNOptions {
  std::int64_t relations = 1;
  std::int64_t bases = 0;   ///< matrices that all W_r are sums of; 0: every W_r is a matrix of its own
  std::int64_t blocks = 0;  ///< equal blocks on the diagonal of W_r, 0 elsewhere; 0: none. Excludes bases
  bool bias = true;
  bool edge_weight_gradient = false;  ///< backward computes that too
  bool root_weight = true;            ///< W_0 x_i adds to the result
  std::int64_t in_destination = 0;    ///< width of x.destination (node_features.hpp); 0: as x.source
};

/// R-GCN (Schlichtkrull et al. 2018): y_i = sum over in-edges of w_e W_{r_e} x_j + W_0 x_i + b. W_r is a matrix of its
/// own, or with `bases` the sum over b of c_rb V_b, or with `blocks` made of that many equal blocks on its diagonal.
///
/// For each node stand `relations` (or `bases`) sums of x_j side by side, which one matrix multiplies (or one for each
/// block, with its columns of the sums): [N_dst, relations, in] elements stay until backward.
///
/// Parameters. `name.weight` [out, K * in / B] with K = bases, or relations without them, and B = blocks, or 1: rows
/// [b out / B, (b + 1) out / B) are those of block b, columns [k in / B, (k + 1) in / B) those of relation or basis k.
/// `name.comp` [relations, bases], where there are bases: c. `name.root` [out, in_destination], `name.bias` [out].
/// Weights start Glorot, the bias zero.
/// Errors. `invalid_argument` for bases beside blocks, and for blocks that do not divide `in` and `out`.
class RGCNConv {
 public:
  RGCNConv(Session& session, const std::string& name, std::int64_t in, std::int64_t out, const RGCNOptions& options);

  /// @param relation [E] int32 or int64 in the caller's edge order.
  /// @param edge_weight [E], normally relation_weights' output: compute it once per graph and share it between layers.
  /// Undefined: all ones.
  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& relation,
                       const ConstTensorView& edge_weight = {}) {
    return run(graph, x, relation, edge_weight);
  }
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x, const ConstTensorView& relation,
                       const ConstTensorView& edge_weight = {}) {
    return run(graph, x, relation, edge_weight);
  }
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of x.destination of the last backward, where the forward had two node sets.
  SharedTensor destination_gradient() const { return destination_gradient_; }
  /// The gradient of the edge weights [E] of the last backward, or, where the forward had none, of weights of one; 0
  /// for an edge of no relation. Needs the option.
  SharedTensor edge_weight_gradient() const { return dedge_weight_.share(); }
  void collect(ParameterList& list);

 private:
  SharedTensor run(const Graph& graph, const NodeInputs& x, const ConstTensorView& relation,
                   const ConstTensorView& edge_weight);
  std::int64_t blocks() const { return options_.blocks > 0 ? options_.blocks : 1; }
  /// How many sums stand side by side for each node.
  std::int64_t sums() const { return coefficient_.value.view().shape[1]; }
  /// A block's columns of x, or of its gradient.
  template <class View>
  View block_of(const View& x, std::int64_t block) const {
    const std::int64_t width = x.shape[1] / blocks();
    return columns(x, block * width, width);
  }
  RelationAggregate problem(std::int64_t block) const;
  warpgnn::Linear product(std::int64_t block) const;
  void block_backward(std::int64_t block, const ConstTensorView& dy, bool need_dx);

  Session* session_;
  SavedState saved_;
  RGCNOptions options_;
  std::int64_t in_, in_destination_, out_;
  Parameter weight_, coefficient_, bias_;
  RootTerm root_;
  Graph graph_;
  NodeInputs x_;
  ConstTensorView relation_, edge_weight_;
  SharedTensor destination_gradient_;
  Tensor sums_, y_;  // sums: block after block
  Tensor dsums_, dneighbor_, dedge_weight_, dedge_part_;
};

}  // namespace warpgnn::nn
