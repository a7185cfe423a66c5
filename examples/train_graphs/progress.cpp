// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <ostream>

#include "common/svg.hpp"
#include "summary.hpp"

namespace examples::train_graphs {

void ProgressDisplay::epoch_done(const RunResult& present) {
  // A training that stops early counts as whole once it has ended.
  const std::int64_t runs = present.repeat * settings_.runs_per_repeat() + present.fold;
  const EpochRecord& epoch = present.epochs.back();
  const auto epochs = static_cast<double>(settings_.epochs);
  line_.draw(static_cast<double>(runs) * epochs + static_cast<double>(present.epochs.size()),
             static_cast<double>(settings_.num_runs()) * epochs,
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

}  // namespace examples::train_graphs
