// SPDX-License-Identifier: MIT
#include "checkpoint.hpp"

#include <limits>
#include <set>

#include "common/checkpoint_file.hpp"
#include "common/epoch_log.hpp"
#include "common/errors.hpp"
#include "common/fingerprint.hpp"
#include "common/json_values.hpp"
#include "options.hpp"

namespace examples::train_graphs {

namespace {

constexpr const char* kFormat = "train_graphs checkpoint 3";
constexpr std::uint64_t kMostSteps = std::numeric_limits<std::int32_t>::max();  // as many as there may be graphs

}  // namespace

std::string fingerprint(const Dataset& dataset) {
  Fingerprint hash;
  hash.add(dataset.graph_offsets);
  hash.add(dataset.source);
  hash.add(dataset.destination);
  hash.add(dataset.graph_labels.index);
  for (const Categories& column : dataset.node_labels) hash.add(column.index);
  for (const Categories& column : dataset.edge_labels) hash.add(column.index);
  hash.add(dataset.node_attributes.values);
  hash.add(dataset.edge_attributes.values);
  return dataset.name + ", " + std::to_string(dataset.num_graphs()) + " graphs, " +
         std::to_string(dataset.num_nodes()) + " nodes, " + std::to_string(dataset.num_edges()) + " edges, hash " +
         std::to_string(hash.value());
}

void save_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                     const std::vector<warpgnn::nn::NamedTensor>& tensors) {
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

std::string log_line(const RunResult& run, std::size_t epoch) {
  return examples::log_line({{"repeat", run.repeat + 1}, {"fold", run.fold + 1}, {"epoch", epoch + 1}},
                            run.epochs[epoch]);
}

std::vector<std::string> log_lines(const TrainingState& state) {
  std::vector<std::string> lines;
  const auto add = [&](const RunResult& run) {
    for (std::size_t epoch = 0; epoch < run.epochs.size(); ++epoch) lines.push_back(log_line(run, epoch));
  };
  for (const RunResult& run : state.results.runs) add(run);
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
    state.present = present_from_json(parsed("present"), state.settings, state.results);
    const std::uint64_t step = whole_number_in_text(text_of(metadata, "step"), "step");
    if (step > kMostSteps) throw DataError("step: expected at most " + std::to_string(kMostSteps));
    state.step = static_cast<std::int64_t>(step);
    state.dropout_state = whole_number_in_text(text_of(metadata, "dropout_state"), "dropout_state");
    return state;
  });
}

void expect_fits(const TrainingState& state, const Dataset& dataset) {
  const auto expect = [](bool holds, const std::string& message) {
    if (!holds) throw DataError(message);
  };
  const auto edges = edges_by_graph(dataset);
  std::set<std::int64_t> seen;
  for (const Explanation& explanation : state.results.explanations) {
    const std::string name = "the explanation of graph " + std::to_string(explanation.graph);
    expect(explanation.graph < dataset.num_graphs(),
           name + ": there are " + std::to_string(dataset.num_graphs()) + " graphs");
    expect(seen.insert(explanation.graph).second, name + " stands there twice");
    const auto graph = static_cast<std::size_t>(explanation.graph);
    expect(explanation.label == dataset.graph_labels.index[graph], name + ": the label is not the graph's");
    expect(explanation.predicted < dataset.num_classes(), name + ": the predicted class does not exist");
    const std::int64_t nodes = dataset.graph_offsets[graph + 1] - dataset.graph_offsets[graph];
    expect(is_drawable(nodes), name + ": a graph of " + std::to_string(nodes) + " nodes is not drawn");
    const auto weights = [&](const std::vector<double>& given, bool has, std::int64_t count, const char* item) {
      const auto expected = static_cast<std::size_t>(has ? count : 0);
      expect(given.size() == expected, name + ": expected " + std::to_string(expected) + " weights of " + item +
                                           ", found " + std::to_string(given.size()));
    };
    weights(explanation.node_weight, state.settings.gate != warpgnn::PoolGate::none, nodes, "nodes");
    weights(explanation.edge_weight, has_edge_attention(state.settings.model), std::ssize(edges[graph]), "edges");
  }
}

}  // namespace examples::train_graphs
