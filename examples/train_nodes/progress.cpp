// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <ostream>

#include "common/svg.hpp"

namespace examples::train_nodes {

void ProgressDisplay::epoch_done(const Results& finished, const std::vector<EpochRecord>& present) {
  // A training that stops early counts as whole once it has ended.
  const auto epochs = static_cast<double>(settings_.epochs);
  const double done = static_cast<double>(finished.runs.size()) * epochs + static_cast<double>(present.size());
  const EpochRecord& epoch = present.back();
  line_.draw(done, static_cast<double>(settings_.repeats) * epochs,
             "training " + std::to_string(finished.runs.size() + 1) + "/" + std::to_string(settings_.repeats) +
                 "  epoch " + std::to_string(present.size()) + "  loss " + format_fixed(epoch.train.loss, 3) +
                 "  valid " + format_fixed(100 * epoch.valid->accuracy, 1) + " %");
}

void ProgressDisplay::run_done(const Results& results) {
  if (line_.is_terminal()) return;
  const std::vector<EpochRecord>& epochs = results.runs.back();
  const std::size_t chosen = chosen_epoch(epochs, settings_.select);
  out_ << "[" << results.runs.size() << "/" << settings_.repeats << "] " << epochs.size() << " epochs, of which "
       << chosen + 1 << " counts: valid " << format_fixed(100 * epochs[chosen].valid->accuracy, 1) << " %, test "
       << format_fixed(100 * epochs[chosen].test.accuracy, 1) << " %" << std::endl;
}

}  // namespace examples::train_nodes
