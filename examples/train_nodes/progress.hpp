#pragma once

#include <fstream>
#include <iosfwd>
#include <string>
#include <vector>

#include "common/progress_line.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace examples::train_nodes {

/// Shows how far a training is: one line that is redrawn on a terminal, a line per finished training elsewhere.
class ProgressDisplay {
 public:
  ProgressDisplay(std::ostream& out, const Settings& settings, bool is_terminal)
      : out_(out), line_(out, is_terminal), settings_(settings) {}

  void epoch_done(const Results& finished, const std::vector<EpochRecord>& present);
  void run_done(const Results& results);
  /// Removes the redrawn line, so that other text can follow.
  void clear() { line_.clear(); }

 private:
  std::ostream& out_;
  ProgressLine line_;
  const Settings& settings_;
};

/// Writes one JSON record per line and epoch.
class EpochLog {
 public:
  /// An empty path logs nothing. `append`: go on with the file of a resumed training.
  EpochLog(const std::string& path, bool append);
  void write(std::size_t repeat, const std::vector<EpochRecord>& present);

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace examples::train_nodes
