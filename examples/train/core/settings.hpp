// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "core/fields.hpp"

namespace train {

/// Which epoch's test score counts.
enum class Selection {
  last,
  valid,  ///< best in the validation's first metric, then its loss
  loss,   ///< best in validation loss
  both,   ///< the last that was, so far, best in both at once, as the authors of GAT choose
};
inline constexpr std::array kSelections{
    Choice<Selection>{"last", Selection::last},
    Choice<Selection>{"valid", Selection::valid},
    Choice<Selection>{"loss", Selection::loss},
    Choice<Selection>{"both", Selection::both},
};

/// What every task has.
struct TrainingSettings {
  std::int64_t epochs = 200;
  std::int64_t patience = 0;  ///< epochs without progress in validation before a training stops; 0: never
  std::int64_t evaluate_every = 1;
  double learning_rate = 0.01;
  double weight_decay = 0;
  Selection select = Selection::last;
  std::int64_t repeats = 1;
  std::int64_t seed = 1;
  warpgnn::Dtype dtype = warpgnn::Dtype::float32;
};

/// Defaults in words, where they hang on other settings, and what a task says of its own.
struct TrainingWords {
  std::string epochs = {}, patience = {}, learning_rate = {}, weight_decay = {}, select = {};
  std::string weight_decay_help = "L2 penalty";
  std::string repeats_help = "trainings with fresh weights";
};

/// Throw UsageError. `what` names the width: "--hidden"; `example` is a split that would do.
void expect_heads_divide(std::int64_t heads, std::int64_t width, const std::string& what);
void expect_sums_to_one(const std::vector<double>& split, const std::string& example);

Fields training_fields(TrainingSettings& settings, const TrainingWords& words);

}  // namespace train
