// SPDX-License-Identifier: MIT
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "core/results.hpp"

namespace train {

/// The line of one epoch of a run.
std::string log_line(const RunRules& rules, const RunResult& run, std::size_t epoch);
/// Those of all epochs that are done.
std::vector<std::string> log_lines(const RunRules& rules, const Results& finished, const RunResult& present);

/// Writes one JSON record per line and epoch.
class EpochLog {
 public:
  /// Begins a log. An empty path logs nothing.
  explicit EpochLog(const std::string& path);
  /// Goes on with the log of a resumed training, whose epochs so far have these lines: what a killed run wrote beyond
  /// them is cut off, what is missing is added. Throws DataError for a file that is the log of something else.
  EpochLog(const std::string& path, const std::vector<std::string>& lines);

  /// A failure is kept: the training should end, but be saved first.
  void write(const std::string& line);
  /// Why a line could not be written; empty: all could.
  const std::string& failure() const { return failure_; }

 private:
  void open(std::ios::openmode mode);

  std::string path_;
  std::ofstream file_;
  std::string failure_;
};

}  // namespace train
