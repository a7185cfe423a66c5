// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "core/choices.hpp"
#include "model/encoder.hpp"
#include "warpgnn/ops/pool.hpp"

/// The settings that take one of a few words.
namespace train::graphs {

enum class ModelKind {
  attention,  ///< gcn, and nodes are weighed in the pool
  gcn,
  gat,
  gin,
  gatv2,
  transformer,
  gine,
  set,
};

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

constexpr EncoderKind encoder_of(ModelKind model) {
  switch (model) {
    case ModelKind::gat: return EncoderKind::gat;
    case ModelKind::gin: return EncoderKind::gin;
    case ModelKind::gatv2: return EncoderKind::gatv2;
    case ModelKind::transformer: return EncoderKind::transformer;
    case ModelKind::gine: return EncoderKind::gine;
    case ModelKind::set: return EncoderKind::set;
    case ModelKind::attention:
    case ModelKind::gcn: break;
  }
  return EncoderKind::gcn;
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

}  // namespace train::graphs
