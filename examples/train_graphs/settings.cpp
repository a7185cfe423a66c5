#include "settings.hpp"

#include "common/json_choice.hpp"

namespace examples::train_graphs {

nlohmann::json to_json(const Settings& settings) {
  nlohmann::json json{
      {"dataset", settings.dataset},
      {"model", name_in(kModels, settings.model)},
      {"pool", name_in(kPools, settings.pool)},
      {"gate", name_in(kGates, settings.gate)},
      {"readout", name_in(kReadouts, settings.readout)},
      {"hidden", settings.widths},
      {"layers", settings.widths.size()},
      {"heads", settings.heads},
      {"dropout", settings.dropout},
      {"attention-dropout", settings.attention_dropout},
      {"epochs", settings.epochs},
      {"patience", settings.patience},
      {"batch-size", settings.batch_size},
      {"lr", settings.learning_rate},
      {"lr-halve-every", settings.halve_rate_every},
      {"weight-decay", settings.weight_decay},
      {"folds", settings.split ? 0 : settings.folds},
      {"split", nullptr},
      {"repeats", settings.repeats},
      {"select", name_in(kSelections, settings.select)},
      {"seed", settings.seed},
      {"dtype", name_in(kDtypes, settings.dtype)},
  };
  if (settings.split) json["split"] = *settings.split;
  return json;
}

Settings settings_from_json(const nlohmann::json& json) {
  try {
    Settings settings;
    settings.dataset = json.at("dataset").get<std::string>();
    settings.model = choice_from(json, "model", kModels);
    settings.pool = choice_from(json, "pool", kPools);
    settings.gate = choice_from(json, "gate", kGates);
    settings.readout = choice_from(json, "readout", kReadouts);
    settings.widths = json.at("hidden").get<std::vector<std::int64_t>>();
    settings.heads = json.at("heads").get<std::int64_t>();
    settings.dropout = json.at("dropout").get<double>();
    settings.attention_dropout = json.at("attention-dropout").get<double>();
    settings.epochs = json.at("epochs").get<std::int64_t>();
    settings.patience = json.at("patience").get<std::int64_t>();
    settings.batch_size = json.at("batch-size").get<std::int64_t>();
    settings.learning_rate = json.at("lr").get<double>();
    settings.halve_rate_every = json.at("lr-halve-every").get<std::int64_t>();
    settings.weight_decay = json.at("weight-decay").get<double>();
    if (json.at("split").is_null()) {
      settings.folds = json.at("folds").get<std::int64_t>();
    } else {
      settings.split = json.at("split").get<std::array<double, 3>>();
    }
    settings.repeats = json.at("repeats").get<std::int64_t>();
    settings.select = choice_from(json, "select", kSelections);
    settings.seed = json.at("seed").get<std::uint64_t>();
    settings.dtype = choice_from(json, "dtype", kDtypes);
    return settings;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(std::string("the settings are not those of this program: ") + error.what());
  }
}

}  // namespace examples::train_graphs
