// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "common/choices.hpp"
#include "warpgnn/ops/pool.hpp"

/// The options that take one of a few words: one table each, for reading, printing and help.
namespace examples::train_graphs {

enum class ModelKind {
  attention,
  gcn,
  gat,
  gin,
  gatv2,
  transformer,
  gine,
  set,  ///< no edges: a network of each node by itself (Zaheer et al. 2017), to tell what the graph adds
};
enum class Selection { last, valid };

/// Which node states a graph is read from.
enum class Readout {
  last,
  all,  ///< the features and the states behind every layer, each with a classifier; the logits are summed
};

inline constexpr std::array kModels{
    Choice<ModelKind>{"attention", ModelKind::attention},
    Choice<ModelKind>{"gcn", ModelKind::gcn},
    Choice<ModelKind>{"gat", ModelKind::gat},
    Choice<ModelKind>{"gin", ModelKind::gin},
    Choice<ModelKind>{"gatv2", ModelKind::gatv2},
    Choice<ModelKind>{"transformer", ModelKind::transformer},
    Choice<ModelKind>{"gine", ModelKind::gine},
    Choice<ModelKind>{"set", ModelKind::set},
};

/// Whether a model attends along edges, with heads that share its layers' widths.
constexpr bool has_edge_attention(ModelKind model) {
  return model == ModelKind::gat || model == ModelKind::gatv2 || model == ModelKind::transformer;
}
/// Whether a model's layers are GIN's or GINE's.
constexpr bool is_isomorphism_network(ModelKind model) {
  return model == ModelKind::gin || model == ModelKind::gine;
}
/// Whether a model sums over the nodes of a graph unless told otherwise: a mean would lose what their layers count.
constexpr bool sums_nodes(ModelKind model) {
  return is_isomorphism_network(model) || model == ModelKind::set;
}
/// Whether a model reads edge features.
constexpr bool reads_edge_features(ModelKind model) {
  return has_edge_attention(model) || model == ModelKind::gine;
}

inline constexpr std::array kPools{
    Choice<warpgnn::PoolReduce>{"sum", warpgnn::PoolReduce::sum},
    Choice<warpgnn::PoolReduce>{"mean", warpgnn::PoolReduce::mean},
    Choice<warpgnn::PoolReduce>{"max", warpgnn::PoolReduce::max},
};
inline constexpr std::array kGates{
    Choice<warpgnn::PoolGate>{"none", warpgnn::PoolGate::none},
    Choice<warpgnn::PoolGate>{"raw", warpgnn::PoolGate::raw},
    Choice<warpgnn::PoolGate>{"sigmoid", warpgnn::PoolGate::sigmoid},
    Choice<warpgnn::PoolGate>{"softmax", warpgnn::PoolGate::softmax},
};
inline constexpr std::array kReadouts{
    Choice<Readout>{"last", Readout::last},
    Choice<Readout>{"all", Readout::all},
};
inline constexpr std::array kSelections{
    Choice<Selection>{"last", Selection::last},
    Choice<Selection>{"valid", Selection::valid},
};

}  // namespace examples::train_graphs
