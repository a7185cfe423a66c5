// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "node_data.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace examples::train_nodes {

/// Everything that the outputs of a finished training say.
struct Summary {
  const Settings& settings;
  const NodeData& data;
  const Results& results;
  std::string device;
  int threads = 0;  ///< 0 on CUDA
  std::int64_t parameters = 0;
  double seconds = 0;
};

/// How --select reads in a sentence.
std::string what_counts(Selection selection);
/// The content of metrics.json.
nlohmann::json metrics_json(const Summary& summary);
/// The result table for the terminal: every training, and mean and standard deviation for every way to choose the
/// epoch, the one of --select marked.
std::string result_table(const Summary& summary);

/// The files that write_report left, and a remark for the terminal, which may be empty.
struct Report {
  std::vector<std::filesystem::path> files;
  std::string remark;
};

/// Writes metrics.json, loss.svg, accuracy.svg, index.html and pictures/*.dot and *.svg into a folder.
Report write_report(const std::filesystem::path& folder, const Summary& summary);

}  // namespace examples::train_nodes
