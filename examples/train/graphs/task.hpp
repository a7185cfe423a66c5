// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "core/task.hpp"
#include "dataset.hpp"
#include "device_data.hpp"
#include "features.hpp"
#include "settings.hpp"
#include "splits.hpp"

namespace train::graphs {

/// Graph classification: many small graphs, each with a class.
class GraphsTask : public Task {
 public:
  GraphsTask() { training_.epochs = 300; }

  std::string name() const override { return "graphs"; }
  std::string about() const override;
  Fields own_fields() override { return fields_of(settings_); }
  TrainingWords training_words() const override;
  void settle() override;
  std::int64_t folds() const override { return settings_.split.empty() ? settings_.folds : 1; }
  bool has_valid() const override;
  Metrics metrics() const override { return {{.key = "accuracy", .name = "accuracy"}}; }
  std::vector<Finding> findings() const override;

  bool is_generated() const override;
  void load(const RunOptions& options) override;
  std::string describe_data() const override;
  std::string fingerprint() const override;
  void move_to(const warpgnn::Context& context) override;

  std::string describe_size() const override;
  std::vector<std::int64_t> widths() const override;
  std::unique_ptr<Training> begin(std::int64_t repeat, std::int64_t fold) override;

  std::string title() const override { return name_in(kModels, settings_.model) + " on " + dataset_.name; }
  std::string describe_model() const override;
  nlohmann::json facts() const override;
  std::vector<std::pair<std::string, std::string>> describe() const override;
  std::string pictured() const override { return "test graphs of the first training"; }
  nlohmann::json look(Training& training, std::int64_t count, std::map<std::string, double>& findings) override;
  void expect_seen(const nlohmann::json& seen) const override;
  Gallery draw(const nlohmann::json& seen, const std::filesystem::path& folder) const override;
  std::string how_to_read() const override;

  /// In place of load. Throws DataError where there is nothing to learn.
  void use(Dataset dataset);
  const Settings& settings() const { return settings_; }
  const Dataset& dataset() const { return dataset_; }
  const DeviceData& data() const { return *data_; }
  std::vector<Split> splits_of(std::int64_t repeat) const;

 private:
  Settings settings_;
  Dataset dataset_;
  Features features_;
  std::unique_ptr<DeviceData> data_;
};

}  // namespace train::graphs
