#pragma once

#include <fstream>
#include <iosfwd>
#include <string>

#include "common/progress_line.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace examples::train_graphs {

/// Shows how far a training is: one line that is redrawn on a terminal, a line per finished fold elsewhere.
class ProgressDisplay {
 public:
  /// @param epochs_before epochs that a resumed training had done already
  ProgressDisplay(std::ostream& out, const Settings& settings, bool is_terminal, std::int64_t epochs_before);

  void epoch_done(const RunResult& present);
  void run_done(const Results& results);
  /// Removes the redrawn line, so that other text can follow.
  void clear() { line_.clear(); }

 private:
  std::ostream& out_;
  ProgressLine line_;
  const Settings& settings_;
  std::int64_t epochs_;
};

/// Writes one JSON record per line and epoch.
class EpochLog {
 public:
  /// An empty path logs nothing. `append`: go on with the file of a resumed training.
  EpochLog(const std::string& path, bool append);
  void write(const RunResult& present);

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace examples::train_graphs
