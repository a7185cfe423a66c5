// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace train {

/// Whether a file descriptor is a terminal that can redraw a line.
bool is_terminal(int descriptor);

/// One line with a bar that is redrawn on a terminal, at most ten times a second; nothing elsewhere.
class ProgressLine {
 public:
  ProgressLine(std::ostream& out, bool is_terminal) : out_(out), is_terminal_(is_terminal) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool is_terminal() const { return is_terminal_; }
  /// To be called once for each unit of work; what is left is guessed from the time of the units drawn here.
  void draw(double done, double total, const std::string& text);
  /// Removes the line, so that other text can follow.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::ostream& out_;
  bool is_terminal_;
  double drawn_ = 0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_drawn_{};
};

}  // namespace train
