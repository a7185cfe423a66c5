// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "warpgnn/nn/saved_state.hpp"
#include "warpgnn/ops/gat_attention.hpp"
#include "warpgnn/ops/relation.hpp"

/// Attention layers over typed edges, under the contract of layers.hpp. Self-loops are the caller's choice, as in
/// graph_layers.hpp: they may well have a relation of their own.
namespace warpgnn::nn {

/// Among which in-edges of a node the attention weights add up to 1.
enum class RelationSoftmax : std::uint8_t {
  across,  ///< all of them, whatever their relation
  within,  ///< those of the same relation; a node's results for its relations are then added
};

/// Options of RGATConv.
struct RGATOptions {
  std::int64_t relations = 1;
  std::int64_t heads = 1;
  std::int64_t channels = 32;  ///< per head
  RelationSoftmax softmax = RelationSoftmax::across;
  bool average_heads = false;  ///< y [N, channels], the mean of the heads; else [N, heads * channels]
  double negative_slope = 0.2;
  double attention_dropout = 0;
  bool bias = true;                ///< of the result
  std::int64_t edge_features = 0;  ///< width of edge features that add to the score; 0: none
};

/// Relational graph attention with additive logits (Busbridge et al. 2019): z_jr = W_r x_j, the score of an edge
/// (j -> i) of relation r is LeakyReLU(<a_src,r, z_jr> + <a_dst,r, z_ir>), its value z_jr. With edge features f_e the
/// argument of LeakyReLU gains <m_h, f_e> with m [heads, edge_features], `name.att_edge`, the same for all relations. A
/// node without in-edges gets the bias. Weights start Glorot, bias zero; `name.weight` holds the rows of W_0, then
/// those of W_1, and so on.
///
/// It is GAT on an expanded graph, and has no kernels of its own: nothing of size E x channels exists, but z has a row
/// for each node and relation.
class RGATConv {
 public:
  RGATConv(Session& session, const std::string& name, std::int64_t in, const RGATOptions& options);

  /// @param graph expand_relations' result: make it once per graph and share it between layers.
  /// @param edge_features [E, edge_features] in the caller's edge order.
  SharedTensor forward(const RelationGraph& graph, const ConstTensorView& x, const ConstTensorView& edge_features = {});
  SharedTensor backward(const ConstTensorView& dy, bool need_dx = true);
  /// The gradient of the edge features, [E, edge_features], of the last backward.
  SharedTensor edge_feature_gradient() const { return dedge_features_.share(); }
  /// Attention weights [E, heads] of the last forward, before dropout, in the caller's edge order.
  SharedTensor attention();
  void collect(ParameterList& list);

 private:
  bool across() const { return options_.softmax == RelationSoftmax::across; }
  std::int64_t width() const { return options_.heads * options_.channels; }
  /// The graph along which the softmax runs, and the number of its rows.
  const Graph& graph() const { return across() ? merged_ : typed_; }
  std::int64_t rows() const { return across() ? nodes_ : nodes_ * options_.relations; }
  GatAttention problem() const;
  /// With what only a backward needs if asked for.
  GatAttentionResult result(bool training) const;
  void check(const RelationGraph& graph, const ConstTensorView& x) const;
  void project(const RelationGraph& graph);
  bool scores_edges() const { return across() || options_.edge_features > 0; }
  void score_edges(const RelationGraph& graph);
  void attend();
  SharedTensor combine();
  ConstTensorView attended_gradient(const ConstTensorView& dy);
  void attend_backward(const ConstTensorView& dy);
  void scores_backward();
  void edge_backward();

  Session* session_;
  SavedState saved_;
  RGATOptions options_;
  std::int64_t in_;
  Parameter weight_, source_vector_, destination_vector_, edge_matrix_, bias_;
  Graph typed_, merged_;
  std::int64_t nodes_ = 0;
  ConstTensorView x_, edge_features_;
  AttentionDropout dropout_;
  Tensor z_, source_score_, typed_score_, edge_score_, edge_term_, no_score_;
  Tensor attended_, maximum_, sum_, positive_y_, positive_weight_, summed_, averaged_, biased_, attention_;
  Tensor dheads_, dattended_, dz_, dsource_score_, dtyped_score_, dedge_score_, dedge_features_, dx_;
};

}  // namespace warpgnn::nn
