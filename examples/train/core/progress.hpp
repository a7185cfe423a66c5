// SPDX-License-Identifier: MIT
#pragma once

#include <iosfwd>

#include "core/progress_line.hpp"
#include "core/results.hpp"

namespace train {

/// Shows how far a run is: one line that is redrawn on a terminal, a line per finished training elsewhere.
class ProgressDisplay {
 public:
  ProgressDisplay(std::ostream& out, const RunRules& rules, Selection select, bool is_terminal)
      : out_(out), line_(out, is_terminal), rules_(rules), select_(select) {}

  void epoch_done(const RunResult& present);
  void run_done(const Results& results);
  /// Removes the redrawn line, so that other text can follow.
  void clear() { line_.clear(); }

 private:
  std::ostream& out_;
  ProgressLine line_;
  RunRules rules_;
  Selection select_;
};

}  // namespace train
