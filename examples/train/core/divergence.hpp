// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "core/errors.hpp"
#include "draw/svg.hpp"
#include "warpgnn/dtype.hpp"

namespace train {

/// What `train` returns. A TrainingError gets the place where it happened, "fold 1, epoch 3", and what may help.
template <class Train>
auto naming_epoch(const std::string& place, double learning_rate, warpgnn::Dtype dtype, const Train& train) {
  try {
    return train();
  } catch (const TrainingError& error) {
    const bool is_narrow = dtype == warpgnn::Dtype::float32;
    throw TrainingError(place + ": " + error.what() + ". The training has diverged: try a smaller --lr (it is " +
                        format_number(learning_rate, 8) + ")" + (is_narrow ? " or --dtype float64" : "") +
                        ", and look at the data for values that stand out. Checkpoints so far are as they were.");
  }
}

}  // namespace train
