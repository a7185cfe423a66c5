#include "progress.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <string_view>

#include "errors.hpp"
#include "summary.hpp"
#include "svg.hpp"

namespace train_graphs {
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

ProgressDisplay::ProgressDisplay(std::ostream& out, const Settings& settings, bool is_terminal,
                                 std::int64_t epochs_before)
    : out_(out), settings_(settings), is_terminal_(is_terminal), epochs_before_(epochs_before) {}

void ProgressDisplay::clear() {
  if (is_terminal_) out_ << "\r\x1b[K" << std::flush;
}

void ProgressDisplay::epoch_done(const RunResult& present) {
  ++epochs_here_;
  const Clock::time_point now = Clock::now();
  if (!is_terminal_ || now - last_drawn_ < kRedrawEvery) return;
  last_drawn_ = now;
  const auto total = static_cast<double>(settings_.num_runs() * settings_.epochs);
  const auto done = static_cast<double>(epochs_before_ + epochs_here_);
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double left = seconds / static_cast<double>(epochs_here_) * (total - done);
  const EpochRecord& epoch = present.epochs.back();
  out_ << '\r' << bar(done / total) << ' ' << format_fixed(100 * done / total, 0) << " %  "
       << run_name(settings_, present) << '/' << settings_.runs_per_repeat() << "  epoch " << present.epochs.size()
       << "  loss " << format_fixed(epoch.train.loss, 3) << "  test " << format_fixed(100 * epoch.test.accuracy, 1)
       << " %  " << format_duration(left) << " left\x1b[K" << std::flush;
}

void ProgressDisplay::run_done(const Results& results) {
  if (is_terminal_) return;
  const RunResult& run = results.runs.back();
  const EpochRecord& epoch = run.epochs[run.chosen_epoch(settings_.select)];
  out_ << "[" << results.runs.size() << "/" << settings_.num_runs() << "] " << run_name(settings_, run)
       << ": train loss " << format_fixed(epoch.train.loss, 4) << ", test accuracy "
       << format_fixed(100 * epoch.test.accuracy, 1) << " %" << std::endl;
}

EpochLog::EpochLog(const std::string& path, bool append) : path_(path) {
  if (path.empty()) return;
  file_.open(path, append ? std::ios::app : std::ios::trunc);
  if (!file_) throw DataError("cannot write the log " + path + ": " + std::strerror(errno));
}

void EpochLog::write(const RunResult& present) {
  if (path_.empty()) return;
  const EpochRecord& epoch = present.epochs.back();
  nlohmann::ordered_json record{{"repeat", present.repeat + 1},
                                {"fold", present.fold + 1},
                                {"epoch", present.epochs.size()},
                                {"train_loss", epoch.train.loss},
                                {"train_accuracy", epoch.train.accuracy}};
  if (epoch.valid) {
    record["valid_loss"] = epoch.valid->loss;
    record["valid_accuracy"] = epoch.valid->accuracy;
  }
  record["test_loss"] = epoch.test.loss;
  record["test_accuracy"] = epoch.test.accuracy;
  record["milliseconds"] = epoch.milliseconds;
  file_ << record.dump() << std::endl;  // a reader sees each epoch as it ends, and a killed run loses none
  if (!file_) throw DataError("cannot write the log " + path_ + ": " + std::strerror(errno));
}

}  // namespace train_graphs
