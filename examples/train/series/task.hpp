// SPDX-License-Identifier: MIT
#pragma once

#include "core/task.hpp"
#include "series_data.hpp"
#include "settings.hpp"

namespace train::series {

/// Forecasts of what sensors on a network measure.
class SeriesTask : public Task {
 public:
  SeriesTask();

  std::string name() const override { return "series"; }
  std::string about() const override;
  Fields own_fields() override { return fields_of(settings_); }
  void settle() override;
  Metrics metrics() const override;

  bool is_generated() const override { return settings_.dataset == kWaveName; }
  void load(const RunOptions& options) override;
  std::string describe_data() const override;
  std::string fingerprint() const override;
  void move_to(const warpgnn::Context& context) override { context_ = context; }

  std::string describe_size() const override;
  std::vector<std::int64_t> widths() const override;
  double more_bytes() const override;
  std::unique_ptr<Training> begin(std::int64_t repeat, std::int64_t fold) override;

  std::string title() const override { return name_in(kModels, settings_.model) + " on " + data_.name; }
  std::string describe_model() const override;
  nlohmann::json facts() const override;
  std::vector<std::pair<std::string, std::string>> describe() const override;
  std::string pictured() const override { return "pictures of the first training's forecasts"; }
  nlohmann::json look(Training& training, std::int64_t count, std::map<std::string, double>& findings) override;
  void expect_seen(const nlohmann::json& seen) const override;
  Gallery draw(const nlohmann::json& seen, const std::filesystem::path& folder) const override;
  std::string how_to_read() const override;

  /// In place of load.
  void use(SeriesData data);
  const SeriesData& data() const { return data_; }

 private:
  std::array<Part, 3> parts() const { return split_series(data_, settings_.split); }

  Settings settings_;
  SeriesData data_;
  std::string last_value_, daily_mean_;  // what these reach on the test
  warpgnn::Context context_ = warpgnn::Context::cpu(1);
};

}  // namespace train::series
