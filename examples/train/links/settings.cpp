// SPDX-License-Identifier: MIT
#include "settings.hpp"

namespace train::links {

Fields fields_of(Settings& settings) {
  const std::string no_attention =
      has_edge_attention(settings.model) ? "" : "is for models with attention, not " + name_in(kModels, settings.model);
  return {
      {"dataset", "Data", "NAME",
       "a list of links, NAME.txt, or a data set in OGB's raw layout; or smallworld, which is generated",
       Name{&settings.dataset}},
      {"split", "Data", "A,B,C", "fractions of the links: train,valid,test", Reals{&settings.split, 3, 0, 1},
       "0.85,0.05,0.1"},
      {"model", "Model", "WORD", "two graph layers", choice(kModels, settings.model)},
      {"decoder", "Model", "WORD",
       "how a pair is judged by its nodes' states: their product's sum, a network, or one that sees the paths between "
       "them too",
       choice(kDecoders, settings.decoder)},
      {"embedding", "Model", "N", "learned features of nodes that have none", Whole{&settings.embedding, 1, 4096}},
      {"hidden", "Model", "N", "width of the first layer", Whole{&settings.hidden, 1, 65536}},
      {"states", "Model", "N", "width of the second layer", Whole{&settings.states, 1, 65536}},
      {"heads", "Model", "N", "attention heads of the first layer, which share its width",
       Whole{&settings.heads, 1, 1024}, "", no_attention},
      {"dropout", "Model", "P", "dropout of the input of all layers", Real{&settings.dropout, 0, 0.99}},
      {"attention-dropout", "Model", "P", "dropout of the attention along links",
       Real{&settings.attention_dropout, 0, 0.99}, "", no_attention},
  };
}

}  // namespace train::links
