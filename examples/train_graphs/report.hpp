// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "summary.hpp"

namespace examples::train_graphs {

/// The files that write_report left, and remarks for the terminal.
struct Report {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> remarks;
};

/// Writes metrics.json, loss.svg, accuracy.svg, index.html and pictures/*.dot and *.svg into a folder.
Report write_report(const std::filesystem::path& folder, const Summary& summary);

}  // namespace examples::train_graphs
