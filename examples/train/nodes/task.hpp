// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "core/task.hpp"
#include "device_graph.hpp"
#include "node_data.hpp"
#include "settings.hpp"

namespace train::nodes {

/// Node classification: one graph, some of whose nodes have a class to learn from.
class NodesTask : public Task {
 public:
  NodesTask();

  std::string name() const override { return "nodes"; }
  std::string about() const override;
  Fields own_fields() override { return fields_of(settings_); }
  TrainingWords training_words() const override { return words_of_models(); }
  void take_defaults() override { take_defaults_of_model(settings_, training_); }
  Metrics metrics() const override { return {{.key = "accuracy", .name = "accuracy", .digits = 2}}; }

  bool is_generated() const override;
  void load(const RunOptions& options) override;
  std::string describe_data() const override { return nodes::describe_data(data_); }
  std::string fingerprint() const override { return nodes::fingerprint(data_); }
  void move_to(const warpgnn::Context& context) override;

  std::string describe_size() const override;
  std::vector<std::int64_t> widths() const override;
  double more_bytes() const override;
  std::unique_ptr<Training> begin(std::int64_t repeat, std::int64_t fold) override;

  std::string title() const override { return name_in(kModels, settings_.model) + " on " + data_.name; }
  std::string describe_model() const override;
  nlohmann::json facts() const override;
  std::vector<std::pair<std::string, std::string>> describe() const override;
  std::string pictured() const override { return "test nodes of the first training"; }
  nlohmann::json look(Training& training, std::int64_t count, std::map<std::string, double>& findings) override;
  void expect_seen(const nlohmann::json& seen) const override;
  Gallery draw(const nlohmann::json& seen, const std::filesystem::path& folder) const override;
  std::string how_to_read() const override;

  /// In place of load. Throws DataError where there is nothing to learn.
  void use(NodeData data);
  const Settings& settings() const { return settings_; }
  const NodeData& data() const { return data_; }

 private:
  Settings settings_;
  NodeData data_;
  Matrix features_;  // until they are on the device
  bool has_unit_rows_ = false;
  std::unique_ptr<DeviceGraph> graph_;
};

}  // namespace train::nodes
