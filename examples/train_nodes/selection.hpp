// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "choices.hpp"
#include "common/epochs.hpp"

namespace examples::train_nodes {

/// The epoch that counts, by validation; the last where there is nothing to choose by. Needs at least one epoch.
std::size_t chosen_epoch(std::span<const EpochRecord> epochs, Selection selection);

/// Tells when to stop: after `patience` epochs in which neither validation accuracy nor loss reached its best so far
/// again. A patience of 0 never stops.
class EarlyStopping {
 public:
  explicit EarlyStopping(std::int64_t patience) : patience_(patience) {}
  void add(const Score& valid);
  bool stops() const { return patience_ > 0 && waited_ >= patience_; }

 private:
  std::int64_t patience_;
  std::int64_t waited_ = 0;
  double best_loss_ = std::numeric_limits<double>::infinity();
  double best_accuracy_ = 0;
};

}  // namespace examples::train_nodes
