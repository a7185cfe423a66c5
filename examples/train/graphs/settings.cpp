// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include "core/errors.hpp"
#include "motif_generator.hpp"

namespace train::graphs {

namespace {

using warpgnn::PoolGate;
using warpgnn::PoolReduce;

/// Whether a model sums over the nodes of a graph unless told otherwise: a mean would lose what its layers count.
bool sums_nodes(EncoderKind kind) {
  return is_isomorphism_network(kind) || kind == EncoderKind::set;
}

void settle_widths(Settings& settings) {
  const bool is_open = settings.widths.empty();
  if (settings.widths.size() > 1) {
    if (settings.layers != 0 && settings.layers != std::ssize(settings.widths)) {
      throw UsageError("--layers " + std::to_string(settings.layers) + " does not fit the " +
                       std::to_string(settings.widths.size()) + " widths of --hidden");
    }
    settings.layers = std::ssize(settings.widths);
    return;
  }
  if (settings.layers == 0) settings.layers = is_isomorphism_network(settings.encoder()) ? 3 : 2;
  const std::int64_t width = is_open ? 32 : settings.widths[0];
  settings.widths.assign(static_cast<std::size_t>(settings.layers), width);
  if (is_open && settings.encoder() == EncoderKind::gcn) settings.widths.back() = 64;
}

}  // namespace

Fields fields_of(Settings& settings) {
  const bool attends = has_edge_attention(settings.encoder());
  const std::string no_attention = attends
                                       ? ""
                                       : "is for models with attention along edges, gat, gatv2 and transformer, not " +
                                             name_in(kModels, settings.model);
  return {
      {"dataset", "Data", "NAME",
       "a TU data set by name (MUTAG, PROTEINS, NCI1, ...), or ba2motifs, which is generated", Name{&settings.dataset}},
      {"label-width", "Data", "N",
       "the most numbers for a node's or edge's label: one-hot up to so many labels, a fixed random code above",
       Whole{&settings.label_width, 1, 65536}},
      {"model", "Model", "WORD", "graph layers and read-out", choice(kModels, settings.model)},
      {"pool", "Model", "WORD", "how nodes are reduced to a graph", choice(kPools, settings.pool),
       "gin, gine, set: sum; others: mean"},
      {"gate", "Model", "WORD", "node attention in the pool", choice(kGates, settings.gate),
       "attention: raw; others: none"},
      {"readout", "Model", "WORD",
       "read a graph from the last layer, or from the features and all layers, logits summed",
       choice(kReadouts, settings.readout)},
      {"hidden", "Model", "N,...", "width of the graph layers: one for all, or one for each",
       Wholes{&settings.widths, 1, 65536}, "attention, gcn: 32,64; others: 32"},
      {"layers", "Model", "N", "number of graph layers", Whole{&settings.layers, 1, 64}, "gin, gine: 3; others: 2"},
      {"heads", "Model", "N", "attention heads of gat, gatv2 and transformer; they share the width",
       Whole{&settings.heads, 1, 1024}, "", no_attention},
      {"dropout", "Model", "P", "dropout before the classifier", Real{&settings.dropout, 0, 0.99}},
      {"attention-dropout", "Model", "P", "dropout of the attention along edges",
       Real{&settings.attention_dropout, 0, 0.99}, "", no_attention},
      {"batch-size", "Training", "N", "graphs in a step", Whole{&settings.batch_size, 1}},
      {"lr-halve-every", "Training", "N", "halve the learning rate after every so many epochs; 0: never",
       Whole{&settings.halve_rate_every, 0}},
      {"folds", "Training", "K", "stratified cross-validation with so many parts", Whole{&settings.folds, 2}, "",
       settings.split.empty() ? "" : "is of no use with --split"},
      {"split", "Training", "A,B,C", "one stratified split in place of folds: train,valid,test fractions",
       Reals{&settings.split, 3, 0, 1}},
  };
}

void settle(Settings& settings) {
  if (!settings.pool) settings.pool = sums_nodes(settings.encoder()) ? PoolReduce::sum : PoolReduce::mean;
  const bool attends = settings.model == ModelKind::attention && settings.pool != PoolReduce::max;
  if (!settings.gate) settings.gate = attends ? PoolGate::raw : PoolGate::none;
  if (settings.pool == PoolReduce::max && settings.gate != PoolGate::none) {
    throw UsageError("--pool max takes no gate: use --gate none, or --pool sum or mean");
  }
  settle_widths(settings);
  if (has_edge_attention(settings.encoder())) {
    for (const std::int64_t width : settings.widths) expect_heads_divide(settings.heads, width, "the layer width");
  }
  if (!settings.split.empty()) expect_sums_to_one(settings.split, "0.8,0.1,0.1");
}

}  // namespace train::graphs
