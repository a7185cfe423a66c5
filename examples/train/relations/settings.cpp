// SPDX-License-Identifier: MIT
#include "settings.hpp"

namespace train::relations {

Fields fields_of(Settings& settings) {
  const std::string no_encoder = has_encoder(settings.model) ? "" : "is for models with attention, not embedding";
  return {
      {"dataset", "Data", "NAME",
       "a folder of train, valid and test facts, as NAME.ids.tsv or as names in NAME.txt; or clock, which is generated",
       Name{&settings.dataset}},
      {"model", "Model", "WORD", "states of entities: learnt alone, or gathered from neighbours by attention",
       choice(kModels, settings.model)},
      {"decoder", "Model", "WORD", "tails are judged by their states, or by rows of their own",
       choice(kDecoders, settings.decoder)},
      {"width", "Model", "N", "of states and relations", Whole{&settings.width, 1, 65536}},
      {"layers", "Model", "N", "of attention", Whole{&settings.layers, 1, 16}, "", no_encoder},
      {"heads", "Model", "N", "attention heads, which share the width", Whole{&settings.heads, 1, 1024}, "",
       no_encoder},
      {"relation-width", "Model", "N", "of the relations' rows that steer attention",
       Whole{&settings.relation_width, 1, 4096}, "", no_encoder},
      {"dropout", "Model", "P", "dropout of heads' states and relations", Real{&settings.dropout, 0, 0.99}},
      {"attention-dropout", "Model", "P", "dropout of the attention along facts",
       Real{&settings.attention_dropout, 0, 0.99}, "", no_encoder},
      {"batch-size", "Training", "N", "questions of one step: a head and a relation",
       Whole{&settings.batch_size, 1, 1 << 20}},
      {"lr-halve-every", "Training", "N", "halve the learning rate after every so many epochs; 0: never",
       Whole{&settings.halve_rate_every, 0}},
  };
}

}  // namespace train::relations
