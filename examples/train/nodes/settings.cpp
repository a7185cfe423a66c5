// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include "block_generator.hpp"

namespace train::nodes {

Fields fields_of(Settings& settings) {
  const std::string no_attention =
      has_edge_attention(settings.model) ? "" : "is for models with attention, not " + name_in(kModels, settings.model);
  return {
      {"dataset", "Data", "NAME", "a data set in OGB's raw layout by its folder's name, or blocks, which is generated",
       Name{&settings.dataset}},
      {"split", "Data", "NAME", "the folder of DIR/split to take", Name{&settings.split}, "",
       settings.dataset == kBlockDatasetName ? "is of no use: blocks is generated" : ""},
      {"model", "Model", "WORD", "two graph layers", choice(kModels, settings.model)},
      {"hidden", "Model", "N", "width of the hidden layer; with attention, of each head",
       Whole{&settings.hidden, 1, 65536}, "gcn: 16; others: 8"},
      {"heads", "Model", "N", "attention heads of the hidden layer", Whole{&settings.heads, 1, 1024}, "8",
       no_attention},
      {"dropout", "Model", "P", "dropout of the input of both layers", Real{&settings.dropout, 0, 0.99},
       "gcn: 0.5; others: 0.6"},
      {"attention-dropout", "Model", "P", "dropout of the attention of both layers",
       Real{&settings.attention_dropout, 0, 0.99}, "0.6", no_attention},
  };
}

void take_defaults_of_model(Settings& settings, TrainingSettings& training) {
  if (!has_edge_attention(settings.model)) return;  // GCN's are those that stand there already
  settings.hidden = settings.heads = 8;
  settings.dropout = settings.attention_dropout = 0.6;
  training.epochs = 2000;
  training.patience = 100;
  training.learning_rate = 0.005;
  training.select = Selection::both;
}

TrainingWords words_of_models() {
  return {.epochs = "gcn: 200; others: 2000",
          .patience = "gcn: 0; others: 100",
          .learning_rate = "gcn: 0.01; others: 0.005",
          .weight_decay = "0.0005",
          .select = "gcn: last; others: both",
          .weight_decay_help = "L2 penalty; gcn: of the first layer only"};
}

}  // namespace train::nodes
