// SPDX-License-Identifier: MIT
#pragma once

#include <iosfwd>
#include <string>

#include "common/progress_line.hpp"
#include "results.hpp"
#include "settings.hpp"

namespace examples::train_graphs {

/// Shows how far a training is: one line that is redrawn on a terminal, a line per finished fold elsewhere.
class ProgressDisplay {
 public:
  ProgressDisplay(std::ostream& out, const Settings& settings, bool is_terminal)
      : out_(out), line_(out, is_terminal), settings_(settings) {}

  void epoch_done(const RunResult& present);
  void run_done(const Results& results);
  /// Removes the redrawn line, so that other text can follow.
  void clear() { line_.clear(); }

 private:
  std::ostream& out_;
  ProgressLine line_;
  const Settings& settings_;
};

}  // namespace examples::train_graphs
