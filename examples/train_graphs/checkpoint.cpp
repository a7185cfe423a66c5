#include "checkpoint.hpp"

#include "errors.hpp"
#include "files.hpp"

namespace train_graphs {

using nlohmann::json;

namespace {

constexpr const char* kFormat = "train_graphs checkpoint 1";

/// FNV-1a over the bytes of a vector.
template <class Value>
std::uint64_t hash_more(std::uint64_t hash, const std::vector<Value>& values) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (std::size_t i = 0; i < values.size() * sizeof(Value); ++i) hash = (hash ^ bytes[i]) * 0x100000001B3u;
  return hash;
}

}  // namespace

std::string fingerprint(const Dataset& dataset) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  hash = hash_more(hash, dataset.graph_offsets);
  hash = hash_more(hash, dataset.source);
  hash = hash_more(hash, dataset.destination);
  hash = hash_more(hash, dataset.graph_labels.index);
  hash = hash_more(hash, dataset.node_labels.index);
  hash = hash_more(hash, dataset.edge_labels.index);
  hash = hash_more(hash, dataset.node_attributes.values);
  hash = hash_more(hash, dataset.edge_attributes.values);
  return dataset.name + ", " + std::to_string(dataset.num_graphs()) + " graphs, " +
         std::to_string(dataset.num_nodes()) + " nodes, " + std::to_string(dataset.num_edges()) + " edges, hash " +
         std::to_string(hash);
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

}  // namespace train_graphs
