#include "checkpoint.hpp"

#include "common/errors.hpp"
#include "common/files.hpp"
#include "common/fingerprint.hpp"

namespace examples::train_graphs {

using nlohmann::json;

namespace {

constexpr const char* kFormat = "train_graphs checkpoint 2";

}  // namespace

std::string fingerprint(const Dataset& dataset) {
  Fingerprint hash;
  hash.add(dataset.graph_offsets);
  hash.add(dataset.source);
  hash.add(dataset.destination);
  hash.add(dataset.graph_labels.index);
  hash.add(dataset.node_labels.index);
  hash.add(dataset.edge_labels.index);
  hash.add(dataset.node_attributes.values);
  hash.add(dataset.edge_attributes.values);
  return dataset.name + ", " + std::to_string(dataset.num_graphs()) + " graphs, " +
         std::to_string(dataset.num_nodes()) + " nodes, " + std::to_string(dataset.num_edges()) + " edges, hash " +
         std::to_string(hash.value());
}

void save_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                     const std::vector<warpgnn::nn::NamedTensor>& tensors) {
  if (path.has_parent_path()) make_folder(path.parent_path());
  warpgnn::nn::save_safetensors(path, tensors,
                                {{"format", kFormat},
                                 {"settings", to_json(state.settings).dump()},
                                 {"data", state.data},
                                 {"results", to_json(state.results).dump()},
                                 {"present", to_json(state.present).dump()},
                                 {"epoch", std::to_string(state.present.epochs.size())},
                                 {"step", std::to_string(state.step)},
                                 {"dropout_state", std::to_string(state.dropout_state)}});
}

TrainingState read_checkpoint(const std::filesystem::path& path) {
  const warpgnn::nn::Metadata metadata = warpgnn::nn::read_metadata(path);
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kFormat) {
    throw DataError(path.string() + " is not a checkpoint of train_graphs");
  }
  try {
    TrainingState state;
    state.settings = settings_from_json(json::parse(metadata.at("settings")));
    state.data = metadata.at("data");
    state.results = results_from_json(json::parse(metadata.at("results")));
    state.present = run_from_json(json::parse(metadata.at("present")));
    state.step = std::stoll(metadata.at("step"));
    state.dropout_state = std::stoull(metadata.at("dropout_state"));
    return state;
  } catch (const DataError& error) {
    throw DataError(path.string() + ": " + error.what());
  } catch (const std::exception& error) {
    throw DataError(path.string() + " is a damaged checkpoint: " + error.what());
  }
}

}  // namespace examples::train_graphs
