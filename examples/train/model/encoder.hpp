// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "warpgnn/graph.hpp"
#include "warpgnn/nn/session.hpp"

namespace train {

/// The layers that node states can be made by.
enum class EncoderKind {
  gcn,
  gat,
  gatv2,
  transformer,
  gin,
  gine,
  set,  ///< no edges: a network of each node by itself (Zaheer et al. 2017), to tell what the graph adds
};

/// Whether layers attend along edges, with heads that share their widths.
constexpr bool has_edge_attention(EncoderKind kind) {
  return kind == EncoderKind::gat || kind == EncoderKind::gatv2 || kind == EncoderKind::transformer;
}
/// Whether layers are GIN's or GINE's.
constexpr bool is_isomorphism_network(EncoderKind kind) {
  return kind == EncoderKind::gin || kind == EncoderKind::gine;
}
/// Whether layers read edge features.
constexpr bool reads_edge_features(EncoderKind kind) {
  return has_edge_attention(kind) || kind == EncoderKind::gine;
}

struct EncoderOptions {
  EncoderKind kind = EncoderKind::gcn;
  std::vector<std::int64_t> widths = {};  ///< of the layers, in order
  std::int64_t heads = 1;
  double dropout = 0;  ///< of the input of every layer
  double attention_dropout = 0;
  /// Whether the last layer's states are answers: of one head, and without an activation.
  bool answers = false;
};

/// Which data of edges and degrees layers read, and whether they want self-loops.
struct GraphNeeds {
  bool self_loops = false;
  bool node_scale = false;  ///< that of gcn_norm
  bool edge_features = false;
  bool constant_edge_feature = false;  ///< a one for every edge, where the data set has no edge features
};
GraphNeeds needs_of(EncoderKind kind);

/// What layers read. Views of what they do not need are undefined.
struct GraphInput {
  warpgnn::Graph graph;
  warpgnn::ConstTensorView x;
  warpgnn::ConstTensorView node_scale;  ///< [N]
  warpgnn::ConstTensorView edge_features;
};

/// A stack of layers of one kind: node features in, node states out.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// The node states behind every layer, in order. They live until the next forward.
  virtual const std::vector<warpgnn::ConstTensorView>& forward(const GraphInput& input) = 0;
  /// `dy` has a gradient for the states behind every layer; all but the last may be undefined, which means zero.
  /// Returns that of the features where it is asked for.
  virtual warpgnn::ConstTensorView backward(std::span<const warpgnn::ConstTensorView> dy, bool need_dx = false) = 0;
  /// The gradient of the edge features in the last backward, summed over layers; undefined where none reads them.
  virtual warpgnn::ConstTensorView edge_feature_gradient() = 0;
  /// The parameters of layer `layer`.
  virtual void collect(std::size_t layer, warpgnn::nn::ParameterList& list) = 0;
  /// Attention [E, heads] of the last layer in the last forward; undefined for layers without attention.
  virtual warpgnn::SharedTensor edge_attention() = 0;
};

std::unique_ptr<Encoder> make_encoder(warpgnn::nn::Session& session, const EncoderOptions& options,
                                      std::int64_t node_features, std::int64_t edge_features);

}  // namespace train
