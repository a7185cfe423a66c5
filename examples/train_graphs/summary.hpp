// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataset.hpp"
#include "features.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace examples::train_graphs {

/// Everything that the outputs of a finished training say.
struct Summary {
  const Settings& settings;
  const Dataset& dataset;
  const Features& features;
  const Results& results;
  std::string device;
  int threads = 0;  ///< 0 on CUDA
  std::int64_t parameters = 0;
  double seconds = 0;

  double test_mean() const;
  double test_deviation() const;
  double epoch_milliseconds() const;  ///< the median
  std::optional<double> motif_auc() const;
};

/// The content of metrics.json.
nlohmann::json metrics_json(const Summary& summary);
/// Names and values of the settings and of the data, for the page.
std::vector<std::pair<std::string, std::string>> describe(const Summary& summary);
/// "fold 3", "repeat 2, fold 3" or "repeat 2".
std::string run_name(const Settings& settings, const RunResult& run);
/// "MUTAG: 188 graphs, ..." in one line.
std::string describe_data(const Dataset& dataset);
/// The result table for the terminal.
std::string result_table(const Summary& summary);

}  // namespace examples::train_graphs
