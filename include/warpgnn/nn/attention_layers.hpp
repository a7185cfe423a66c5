// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "warpgnn/nn/node_features.hpp"
#include "warpgnn/nn/root_term.hpp"
#include "warpgnn/nn/saved_state.hpp"
#include "warpgnn/ops/attention.hpp"
#include "warpgnn/ops/gat_attention.hpp"
#include "warpgnn/ops/residual_gate.hpp"

/// Attention layers, under the contract of layers.hpp. Self-loops are the caller's choice, as in graph_layers.hpp.
namespace warpgnn::nn {

/// Options of GATConv.
struct GATOptions {
  std::int64_t heads = 1;
  std::int64_t channels = 32;  ///< per head
  bool average_heads = false;  ///< y [N, channels], the mean of the heads; else [N, heads * channels]
  double negative_slope = 0.2;
  double attention_dropout = 0;
  std::int64_t edge_features = 0;  ///< width of edge features that add to the score; 0: none
  bool bias = true;
  bool residual = false;            ///< W_s x_i adds to the result
  std::int64_t in_destination = 0;  ///< width of x.destination (node_features.hpp); 0: as x.source
};

/// GAT (Velickovic et al. 2018), heads concatenated or averaged; the bias is added after that. With edge features f_e
/// the score gains <m_h, f_e> with m [heads, edge_features]. Parameters start Glorot, bias zero.
///
/// Where in_destination is another width than `in`, destinations have a matrix of their own, `name.weight_dst`
/// [heads * channels, in_destination].
class GATConv {
 public:
  GATConv(Session& session, const std::string& name, std::int64_t in, const GATOptions& options);

  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_features = {}) {
    return run(graph, x, edge_features);
  }
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x, const ConstTensorView& edge_features = {}) {
    return run(graph, x, edge_features);
  }
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of x.destination of the last backward, where the forward had two node sets.
  SharedTensor destination_gradient() const { return destination_gradient_; }
  /// The gradient of the edge features, [E, edge_features], of the last backward.
  SharedTensor edge_feature_gradient() const { return dedge_features_.share(); }
  /// Attention [E, heads] of the last forward, in the caller's edge order, before dropout.
  SharedTensor attention();
  void collect(ParameterList& list);

 private:
  SharedTensor run(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features);
  void project();
  bool weights_apart() const { return in_ != in_destination_; }
  void vectors_backward();
  SharedTensor projection_backward(bool need_dx);
  GatAttention problem() const;
  /// With what only a backward needs if asked for.
  GatAttentionResult result(bool training) const;
  std::int64_t outputs() const { return (options_.average_heads ? 1 : options_.heads) * options_.channels; }

  Session* session_;
  SavedState saved_;
  GATOptions options_;
  std::int64_t in_, in_destination_;
  Parameter weight_, destination_weight_, source_vector_, destination_vector_, edge_matrix_, bias_;
  RootTerm root_;
  Graph graph_;
  NodeInputs x_;
  ConstTensorView edge_features_;
  SharedTensor destination_gradient_;
  AttentionDropout dropout_;
  Tensor value_, destination_value_, source_score_, destination_score_, edge_score_, y_, averaged_, biased_, maximum_,
      sum_, positive_y_, positive_weight_, attention_;
  Tensor dvalue_, dsource_score_, ddestination_score_, dedge_score_, dedge_features_, dheads_, dx_;
  Tensor ddestination_value_, dweight_, ddestination_;  // of two node sets
};

/// What the layers below share, whose scores look at both ends' feature vectors: projections of x and of edge features,
/// attention between them, and heads that are concatenated or averaged. All projections of x are one product: their
/// weights are the rows of one matrix. Of two node sets, destinations are asked for what x_i is multiplied with,
/// sources for keys and values.
///
/// Where in_destination is another width than `in`, `name.weight` has the rows of what x_j is multiplied with, and
/// `name.weight_dst` [rows, in_destination] those of x_i. Other parameters stay as they are.
class AttentionConv {
 public:
  /// The gradient of the edge features, [E, edge_features], of the last backward.
  SharedTensor edge_feature_gradient() const { return dedge_features_.share(); }
  /// The gradient of x.destination of the last backward, where the forward had two node sets.
  SharedTensor destination_gradient() const { return destination_gradient_; }
  /// Attention [E, heads] of the last forward, in the caller's edge order: alpha before dropout, or the weights after
  /// dropout that the forward used, as long as its training step has not ended.
  SharedTensor attention(bool after_dropout = false);

 protected:
  /// What the layers differ in.
  struct Shape {
    const char* layer = "";  ///< its name in messages
    AttentionScore score = AttentionScore::gatv2;
    double negative_slope = 0.2;
    double scale = 1;
    std::int64_t heads = 1, channels = 1;
    bool average_heads = false;
    double attention_dropout = 0;
    std::int64_t edge_features = 0;
    bool shared = false;      ///< one projection for queries and keys, which are the values
    bool own_value = false;   ///< a projection for values; else they are the keys
    bool edge_value = false;  ///< the edge's projection adds to the value too
    std::int64_t extra = 0;   ///< columns of a further projection of x that the layer itself uses
    bool projection_bias = true;
    std::int64_t in_destination = 0;

    std::int64_t width() const { return heads * channels; }
    std::int64_t outputs() const { return average_heads ? channels : width(); }
    std::int64_t projections() const { return (shared ? 1 : own_value ? 3 : 2) * width() + extra; }
    /// Where the rows of keys and values begin in the matrix, and how many they are.
    std::int64_t first_key() const { return shared ? 0 : width(); }
    std::int64_t keys() const { return (own_value ? 2 : 1) * width(); }
  };

  AttentionConv(Session& session, const std::string& name, std::int64_t in, const Shape& shape);

  /// The attended values [N_dst, outputs()].
  SharedTensor attend(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features);
  /// Refuses a gradient of another shape than the result, or without a training forward before it.
  void expect_gradient(const ConstTensorView& dy);
  /// From the gradient of attend's result; that of the extra columns has been written to extra_gradient() before.
  SharedTensor attend_backward(const ConstTensorView& dy, bool need_dx);
  ConstTensorView extra() const;
  TensorView extra_gradient();
  void collect_projections(ParameterList& list);

  Session* session_;
  SavedState saved_;
  Shape shape_;

 private:
  Attention problem() const;
  AttentionResult result() const { return {.y = y_, .maximum = maximum_, .sum = sum_}; }
  /// The projections of x side by side; of two node sets, those of the sources stand apart.
  struct Projections {
    Tensor all, source;
  };
  /// Rows of the projections' matrix, which may be two: the parameter that has them, and where they begin there.
  struct Place {
    const Parameter* weight;
    std::int64_t first;
  };
  Place place_of(std::int64_t first) const;
  void shape_projections(Projections& projections);
  TensorView part_of(const Projections& projections, std::int64_t part) const;
  TensorView extra_of(const Projections& projections) const;
  void project();
  void project(const ConstTensorView& x, std::int64_t first, const TensorView& y);
  SharedTensor projection_backward(bool need_dx);
  void projection_backward(const ConstTensorView& x, std::int64_t first, const ConstTensorView& dy,
                           const TensorView& dx);
  void add_shared_backward(const TensorView& ddestination);
  void edge_backward();

  std::int64_t in_, in_destination_;
  Parameter weight_, destination_weight_, projection_bias_, vector_, edge_weight_;
  Graph graph_;
  NodeInputs x_;
  ConstTensorView edge_features_;
  SharedTensor destination_gradient_;
  AttentionDropout dropout_;
  Projections projected_, dprojected_;
  Tensor edge_key_, y_, maximum_, sum_, averaged_, attention_;
  Tensor dedge_key_, dedge_features_, dheads_, dx_, ddestination_, dextra_, dquery_, dweight_, dbias_;
};

/// Options of GATv2Conv.
struct GATv2Options {
  std::int64_t heads = 1;
  std::int64_t channels = 32;  ///< per head
  bool average_heads = false;  ///< y [N, channels], the mean of the heads; else [N, heads * channels]
  double negative_slope = 0.2;
  double attention_dropout = 0;
  std::int64_t edge_features = 0;   ///< width of edge features that add to the score; 0: none
  bool bias = true;                 ///< of the projections, and of the result
  bool share_weights = false;       ///< W_q is W_k
  bool residual = false;            ///< W_s x_i, with a bias as the other projections, adds to the result
  std::int64_t in_destination = 0;  ///< width of x.destination (node_features.hpp); 0: as x.source
};

/// GATv2 (Brody et al. 2022): scores <a, LeakyReLU(W_q x_i + W_k x_j + W_e f_e)>, values W_k x_j. Weights start Glorot,
/// biases zero; `name.weight` holds the rows of W_q, then those of W_k unless they are shared, then those of W_s.
class GATv2Conv : public AttentionConv {
 public:
  GATv2Conv(Session& session, const std::string& name, std::int64_t in, const GATv2Options& options);

  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_features = {}) {
    return run(graph, x, edge_features);
  }
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x, const ConstTensorView& edge_features = {}) {
    return run(graph, x, edge_features);
  }
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  void collect(ParameterList& list);

 protected:
  // The shape comes first, so that a braced list of options means the public constructor.
  GATv2Conv(const Shape& shape, Session& session, const std::string& name, std::int64_t in);

 private:
  SharedTensor run(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features);

  Parameter bias_;
  Tensor biased_;
};

/// Options of AdditiveAttentionConv, as those of GATv2Conv.
struct AdditiveAttentionOptions {
  std::int64_t heads = 1;
  std::int64_t channels = 32;
  bool average_heads = false;
  double attention_dropout = 0;
  std::int64_t edge_features = 0;
  bool bias = true;
  std::int64_t in_destination = 0;  ///< width of x.destination (node_features.hpp); 0: as x.source
};

/// Additive attention (Bahdanau et al. 2015) along edges: as GATv2Conv, with the score
/// <v, tanh(W_q x_i + W_k x_j + W_e f_e)>.
class AdditiveAttentionConv : public GATv2Conv {
 public:
  AdditiveAttentionConv(Session& session, const std::string& name, std::int64_t in,
                        const AdditiveAttentionOptions& options);
};

/// Options of TransformerConv; what is not said is as for GATv2Conv.
struct TransformerOptions {
  std::int64_t heads = 1;
  std::int64_t channels = 32;
  bool average_heads = false;
  double attention_dropout = 0;
  std::int64_t edge_features = 0;   ///< their projection adds to key and value
  bool bias = true;                 ///< of the projections
  bool skip = true;                 ///< W_s x_i adds to the result
  bool gate = false;                ///< a learnt gate between the result and W_s x_i, in place of the sum; needs skip
  std::int64_t in_destination = 0;  ///< width of x.destination (node_features.hpp); 0: as x.source
};

/// Graph Transformer (Shi et al. 2021): scores <W_q x_i, W_k x_j + W_e f_e> / sqrt(channels), values W_v x_j + W_e f_e.
/// With m the attended values and r = W_s x_i: y = m + r, or y = beta r + (1 - beta) m with the gate beta =
/// sigmoid(<w, [m, r, m - r]>). Weights start Glorot, biases zero; `name.weight` holds the rows of W_q, W_k, W_v, W_s.
class TransformerConv : public AttentionConv {
 public:
  TransformerConv(Session& session, const std::string& name, std::int64_t in, const TransformerOptions& options);

  SharedTensor forward(const Graph& graph, const ConstTensorView& x, const ConstTensorView& edge_features = {}) {
    return run(graph, x, edge_features);
  }
  /// Over two node sets: node_features.hpp.
  SharedTensor forward(const Graph& graph, const NodeFeatures& x, const ConstTensorView& edge_features = {}) {
    return run(graph, x, edge_features);
  }
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  void collect(ParameterList& list);

 private:
  SharedTensor run(const Graph& graph, const NodeInputs& x, const ConstTensorView& edge_features);

  Parameter gate_weight_;
  bool skip_;
  ConstTensorView attended_;
  Tensor result_, gate_, dattended_;
};

}  // namespace warpgnn::nn
