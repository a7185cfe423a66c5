// SPDX-License-Identifier: MIT
#include "selection.hpp"

#include <algorithm>
#include <tuple>

namespace examples::train_nodes {
namespace {

std::size_t best_in_both(std::span<const EpochRecord> epochs) {
  std::size_t best = 0;
  double best_loss = std::numeric_limits<double>::infinity(), best_accuracy = 0;
  for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    const Score& valid = *epochs[epoch].valid;
    if (valid.loss <= best_loss && valid.accuracy >= best_accuracy) best = epoch;
    best_loss = std::min(best_loss, valid.loss);
    best_accuracy = std::max(best_accuracy, valid.accuracy);
  }
  return best;
}

}  // namespace

std::size_t chosen_epoch(std::span<const EpochRecord> epochs, Selection selection) {
  if (selection == Selection::last || !epochs.front().valid) return epochs.size() - 1;
  if (selection == Selection::both) return best_in_both(epochs);
  const auto rank = [&](std::size_t epoch) {
    const Score& valid = *epochs[epoch].valid;
    return std::tuple(selection == Selection::accuracy ? -valid.accuracy : 0.0, valid.loss, epoch);
  };
  std::size_t best = 0;
  for (std::size_t epoch = 1; epoch < epochs.size(); ++epoch) {
    if (rank(epoch) < rank(best)) best = epoch;
  }
  return best;
}

void EarlyStopping::add(const Score& valid) {
  const bool progresses = valid.loss <= best_loss_ || valid.accuracy >= best_accuracy_;
  waited_ = progresses ? 0 : waited_ + 1;
  best_loss_ = std::min(best_loss_, valid.loss);
  best_accuracy_ = std::max(best_accuracy_, valid.accuracy);
}

}  // namespace examples::train_nodes
