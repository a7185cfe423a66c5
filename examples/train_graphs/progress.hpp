#pragma once

#include <chrono>
#include <fstream>
#include <iosfwd>
#include <string>

#include "results.hpp"
#include "settings.hpp"

namespace train_graphs {

/// Shows how far a training is: one line that is redrawn on a terminal, a line per finished fold elsewhere.
class ProgressDisplay {
 public:
  /// @param epochs_before epochs that a resumed training had done already
  ProgressDisplay(std::ostream& out, const Settings& settings, bool is_terminal, std::int64_t epochs_before);
  ~ProgressDisplay() { clear(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void epoch_done(const RunResult& present);
  void run_done(const Results& results);
  /// Removes the redrawn line, so that other text can follow.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::ostream& out_;
  const Settings& settings_;
  bool is_terminal_;
  std::int64_t epochs_before_;
  std::int64_t epochs_here_ = 0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_drawn_{};
};

/// Whether a file descriptor is a terminal that can redraw a line.
bool is_terminal(int descriptor);

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

}  // namespace train_graphs
