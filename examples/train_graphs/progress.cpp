#include "progress.hpp"

#include <cerrno>
#include <cstring>
#include <ostream>

#include "common/errors.hpp"
#include "common/svg.hpp"
#include "summary.hpp"

namespace examples::train_graphs {

ProgressDisplay::ProgressDisplay(std::ostream& out, const Settings& settings, bool is_terminal,
                                 std::int64_t epochs_before)
    : out_(out), line_(out, is_terminal), settings_(settings), epochs_(epochs_before) {}

void ProgressDisplay::epoch_done(const RunResult& present) {
  ++epochs_;
  const EpochRecord& epoch = present.epochs.back();
  line_.draw(static_cast<double>(epochs_), static_cast<double>(settings_.num_runs() * settings_.epochs),
             run_name(settings_, present) + "/" + std::to_string(settings_.runs_per_repeat()) + "  epoch " +
                 std::to_string(present.epochs.size()) + "  loss " + format_fixed(epoch.train.loss, 3) + "  test " +
                 format_fixed(100 * epoch.test.accuracy, 1) + " %");
}

void ProgressDisplay::run_done(const Results& results) {
  if (line_.is_terminal()) return;
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

}  // namespace examples::train_graphs
