// SPDX-License-Identifier: MIT
#include "core/progress.hpp"

#include <ostream>

#include "draw/svg.hpp"

namespace train {

namespace {

/// The last score of its kind, which may be some epochs old.
const Score* last_score(const Epochs& epochs, std::optional<Score> EpochRecord::*part) {
  for (auto epoch = epochs.rbegin(); epoch != epochs.rend(); ++epoch) {
    if ((*epoch).*part) return &*((*epoch).*part);
  }
  return nullptr;
}

}  // namespace

void ProgressDisplay::epoch_done(const RunResult& present) {
  // A training that stops early counts as whole once it has ended.
  const std::int64_t runs = present.repeat * rules_.folds + present.fold;
  const auto epochs = static_cast<double>(rules_.epochs.most);
  const Metric& metric = rules_.epochs.metrics[0];
  std::string text = rules_.name_of(present) + "/" + std::to_string(rules_.folds > 1 ? rules_.folds : rules_.repeats) +
                     "  epoch " + std::to_string(present.epochs.size()) + "  loss " +
                     format_fixed(present.epochs.back().train.loss, 3);
  const Score* const valid = last_score(present.epochs, &EpochRecord::valid);
  const Score* const shown = valid != nullptr ? valid : last_score(present.epochs, &EpochRecord::test);
  if (shown != nullptr) text += (valid != nullptr ? "  valid " : "  test ") + metric.show(shown->metrics[0]);
  line_.draw(static_cast<double>(runs) * epochs + static_cast<double>(present.epochs.size()),
             static_cast<double>(rules_.num_runs()) * epochs, text);
}

void ProgressDisplay::run_done(const Results& results) {
  if (line_.is_terminal()) return;
  const RunResult& run = results.runs.back();
  const Metrics& metrics = rules_.epochs.metrics;
  const std::size_t chosen = *chosen_epoch(run.epochs, select_, metrics[0]);
  const EpochRecord& epoch = run.epochs[chosen];
  out_ << "[" << results.runs.size() << "/" << rules_.num_runs() << "] " << rules_.name_of(run) << ": ";
  if (select_ != Selection::last || run.epochs.size() < static_cast<std::size_t>(rules_.epochs.most)) {
    out_ << "epoch " << chosen + 1 << " of " << run.epochs.size() << ", ";
  }
  out_ << "train loss " << format_fixed(epoch.train.loss, 4);
  for (std::size_t k = 0; k < metrics.size(); ++k) {
    out_ << ", test " << metrics[k].name << " " << metrics[k].show(epoch.test->metrics[k]);
  }
  out_ << std::endl;
}

}  // namespace train
