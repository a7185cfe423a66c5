// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "named_graphs.hpp"
#include "plan.hpp"

namespace warpgnn::bench {

enum class Devices { cpu, cuda, all };

struct Options {
  Suite suite = Suite::standard;
  bool measures = true;  ///< false where graphs are only exported or predicted for
  Devices devices = Devices::all;
  Scale scale = Scale::full;
  int threads = 0;
  double seconds = 0.2;  ///< of work in each row, where the suite does not say how often
  std::string rows_path, export_folder, predict_budget;
  std::vector<std::string> graphs{kCoreGraphs.begin(), kCoreGraphs.end()};
  std::vector<std::string> benchmark_options;  ///< those of Google Benchmark
  std::string help;                            ///< not empty where it was asked for
};

/// Reads the command line. Throws std::invalid_argument that says what was expected.
Options read_options(int argc, const char* const* argv);

}  // namespace warpgnn::bench
