#include "settings.hpp"

#include "common/json_choice.hpp"

namespace examples::train_nodes {

Settings settings_of(ModelKind model) {
  Settings settings;
  settings.model = model;
  if (model == ModelKind::gcn) return settings;
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
  return {
      {"dataset", settings.dataset},
      {"split", settings.split},
      {"model", name_in(kModels, settings.model)},
      {"hidden", settings.hidden},
      {"heads", settings.heads},
      {"dropout", settings.dropout},
      {"attention-dropout", settings.attention_dropout},
      {"epochs", settings.epochs},
      {"patience", settings.patience},
      {"lr", settings.learning_rate},
      {"weight-decay", settings.weight_decay},
      {"repeats", settings.repeats},
      {"select", name_in(kSelections, settings.select)},
      {"seed", settings.seed},
      {"dtype", name_in(kDtypes, settings.dtype)},
  };
}

Settings settings_from_json(const nlohmann::json& json) {
  try {
    Settings settings;
    settings.dataset = json.at("dataset").get<std::string>();
    settings.split = json.at("split").get<std::string>();
    settings.model = choice_from(json, "model", kModels);
    settings.hidden = json.at("hidden").get<std::int64_t>();
    settings.heads = json.at("heads").get<std::int64_t>();
    settings.dropout = json.at("dropout").get<double>();
    settings.attention_dropout = json.at("attention-dropout").get<double>();
    settings.epochs = json.at("epochs").get<std::int64_t>();
    settings.patience = json.at("patience").get<std::int64_t>();
    settings.learning_rate = json.at("lr").get<double>();
    settings.weight_decay = json.at("weight-decay").get<double>();
    settings.repeats = json.at("repeats").get<std::int64_t>();
    settings.select = choice_from(json, "select", kSelections);
    settings.seed = json.at("seed").get<std::uint64_t>();
    settings.dtype = choice_from(json, "dtype", kDtypes);
    return settings;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(std::string("the settings are not those of this program: ") + error.what());
  }
}

}  // namespace examples::train_nodes
