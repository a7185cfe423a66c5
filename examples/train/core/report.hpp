// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/task.hpp"
#include "draw/page.hpp"

namespace train {

/// Everything that the outputs of a finished run say.
struct Summary {
  Task& task;
  const Results& results;
  std::string device = {};
  int threads = 0;  ///< 0 on CUDA
  std::int64_t parameters = 0;
  double seconds = 0;
};

/// The content of metrics.json.
nlohmann::json metrics_json(const Summary& summary);
/// The result table for the terminal: every training, then mean and standard deviation of every metric, and for every
/// way to choose the epoch.
std::string result_table(const Summary& summary);
/// Result, curves, pictures, all trainings and settings.
Page make_page(const Summary& summary, std::vector<std::string> charts, std::vector<Figure> figures);

/// The files that write_report left, and a remark for the terminal, which may be empty.
struct Report {
  std::vector<std::filesystem::path> files;
  std::string remark;
};

/// Writes metrics.json, loss.svg, score.svg, index.html and pictures into a folder.
Report write_report(const std::filesystem::path& folder, const Summary& summary);

}  // namespace train
