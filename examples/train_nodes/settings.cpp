// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include "block_generator.hpp"

namespace examples::train_nodes {

Settings settings_of(ModelKind model) {
  Settings settings;
  settings.model = model;
  if (!has_edge_attention(model)) return settings;
  settings.hidden = 8;
  settings.heads = 8;
  settings.dropout = settings.attention_dropout = 0.6;
  settings.epochs = 2000;
  settings.patience = 100;
  settings.learning_rate = 0.005;
  settings.select = Selection::both;
  return settings;
}

nlohmann::json to_json(const Settings& settings) {
  nlohmann::json json{
      {"dataset", settings.dataset},
      {"split", nullptr},
      {"model", name_in(kModels, settings.model)},
      {"hidden", settings.hidden},
      {"heads", nullptr},
      {"dropout", settings.dropout},
      {"attention-dropout", nullptr},
      {"epochs", settings.epochs},
      {"patience", settings.patience},
      {"lr", settings.learning_rate},
      {"weight-decay", settings.weight_decay},
      {"repeats", settings.repeats},
      {"select", name_in(kSelections, settings.select)},
      {"seed", settings.seed},
      {"dtype", name_in(kDtypes, settings.dtype)},
  };
  if (settings.dataset != kBlockDatasetName) json["split"] = settings.split;
  if (has_edge_attention(settings.model)) {
    json["heads"] = settings.heads;
    json["attention-dropout"] = settings.attention_dropout;
  }
  return json;
}

}  // namespace examples::train_nodes
