// SPDX-License-Identifier: MIT
#include "core/progress_line.hpp"

#include <unistd.h>

#include <cstdlib>
#include <ostream>
#include <string_view>

#include "draw/svg.hpp"

namespace train {
namespace {

constexpr int kBarWidth = 24;
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);

std::string bar(double fraction) {
  const int full = static_cast<int>(fraction * kBarWidth);
  std::string text(static_cast<std::size_t>(full), '=');
  if (full < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  return "[" + text + "]";
}

}  // namespace

bool is_terminal(int descriptor) {
  const char* const kind = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

void ProgressLine::clear() {
  if (is_terminal_) out_ << "\r\x1b[K" << std::flush;
}

void ProgressLine::draw(double done, double total, const std::string& text) {
  ++drawn_;
  const Clock::time_point now = Clock::now();
  if (!is_terminal_ || now - last_drawn_ < kRedrawEvery) return;
  last_drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double left = seconds / drawn_ * (total - done);
  out_ << '\r' << bar(done / total) << ' ' << format_fixed(100 * done / total, 0) << " %  " << text << "  "
       << format_duration(left) << " left\x1b[K" << std::flush;
}

}  // namespace train
