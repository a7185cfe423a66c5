// SPDX-License-Identifier: MIT
#include "checkpoint.hpp"

#include <algorithm>

#include "common/checkpoint_file.hpp"
#include "common/epoch_log.hpp"
#include "common/errors.hpp"
#include "common/json_values.hpp"
#include "options.hpp"

namespace examples::train_nodes {

namespace {

constexpr const char* kFormat = "train_nodes checkpoint 2";

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                     const std::vector<warpgnn::nn::NamedTensor>& tensors) {
  warpgnn::nn::save_safetensors(path, tensors,
                                {{"format", kFormat},
                                 {"settings", to_json(state.settings).dump()},
                                 {"data", state.data},
                                 {"results", to_json(state.results).dump()},
                                 {"present", to_json(state.present).dump()},
                                 {"dropout_state", std::to_string(state.dropout_state)}});
}

std::string log_line(std::size_t repeat, const std::vector<EpochRecord>& epochs, std::size_t epoch) {
  return examples::log_line({{"repeat", repeat + 1}, {"epoch", epoch + 1}}, epochs[epoch]);
}

std::vector<std::string> log_lines(const TrainingState& state) {
  std::vector<std::string> lines;
  std::size_t repeat = 0;
  const auto add = [&](const std::vector<EpochRecord>& epochs) {
    for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) lines.push_back(log_line(repeat, epochs, epoch));
    ++repeat;
  };
  for (const auto& epochs : state.results.runs) add(epochs);
  add(state.present);
  return lines;
}

TrainingState read_checkpoint(const std::filesystem::path& path) {
  const warpgnn::nn::Metadata metadata = read_checkpoint_metadata(path, kFormat);
  return naming_file(path, [&] {
    const auto parsed = [&](const char* key) { return parse_json(text_of(metadata, key), key); };
    TrainingState state;
    state.settings = settings_from_json(parsed("settings"));
    state.data = text_of(metadata, "data");
    state.results = results_from_json(parsed("results"), state.settings);
    state.present = present_from_json(parsed("present"), state.settings);
    state.dropout_state = whole_number_in_text(text_of(metadata, "dropout_state"), "dropout_state");
    return state;
  });
}

void expect_fits(const TrainingState& state, const NodeData& data) {
  for (const Neighbourhood& item : state.results.neighbourhoods) {
    if (!is_drawable(item))
      throw DataError("a neighbourhood of " + std::to_string(item.nodes.size()) + " is not drawn");
    const std::string name = "the neighbourhood of node " + std::to_string(item.nodes[0]);
    if (item.weight.size() != item.nodes.size()) throw DataError(name + ": expected one weight for each node");
    for (const std::int32_t node : item.nodes) {
      if (node < data.num_nodes()) continue;
      throw DataError(name + ": there is no node " + std::to_string(node));
    }
    if (!std::binary_search(data.split.test.begin(), data.split.test.end(), item.nodes[0])) {
      throw DataError(name + ": the node is not in the test part");
    }
    if (item.predicted >= data.num_classes()) throw DataError(name + ": the predicted class does not exist");
  }
}

}  // namespace examples::train_nodes
