// SPDX-License-Identifier: MIT
#include "settings.hpp"

namespace examples::train_graphs {

nlohmann::json to_json(const Settings& settings) {
  nlohmann::json json{
      {"dataset", settings.dataset},
      {"label-width", settings.label_width},
      {"model", name_in(kModels, settings.model)},
      {"pool", name_in(kPools, settings.pool)},
      {"gate", name_in(kGates, settings.gate)},
      {"readout", name_in(kReadouts, settings.readout)},
      {"hidden", settings.widths},
      {"layers", settings.widths.size()},
      {"heads", nullptr},
      {"dropout", settings.dropout},
      {"attention-dropout", nullptr},
      {"epochs", settings.epochs},
      {"patience", settings.patience},
      {"batch-size", settings.batch_size},
      {"lr", settings.learning_rate},
      {"lr-halve-every", settings.halve_rate_every},
      {"weight-decay", settings.weight_decay},
      {"folds", nullptr},
      {"split", nullptr},
      {"repeats", settings.repeats},
      {"select", name_in(kSelections, settings.select)},
      {"seed", settings.seed},
      {"dtype", name_in(kDtypes, settings.dtype)},
  };
  if (has_edge_attention(settings.model)) {
    json["heads"] = settings.heads;
    json["attention-dropout"] = settings.attention_dropout;
  }
  if (settings.split) {
    json["split"] = *settings.split;
  } else {
    json["folds"] = settings.folds;
  }
  return json;
}

}  // namespace examples::train_graphs
