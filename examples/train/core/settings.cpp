// SPDX-License-Identifier: MIT
#include "core/settings.hpp"

#include <cmath>
#include <limits>

#include "core/errors.hpp"

namespace train {

void expect_heads_divide(std::int64_t heads, std::int64_t width, const std::string& what) {
  if (width % heads == 0) return;
  throw UsageError("--heads " + std::to_string(heads) + " does not divide " + what + " " + std::to_string(width));
}

void expect_sums_to_one(const std::vector<double>& split, const std::string& example) {
  if (std::abs(split[0] + split[1] + split[2] - 1) <= 1e-6) return;
  throw UsageError("--split takes three fractions that sum to 1, such as " + example);
}

Fields training_fields(TrainingSettings& settings, const TrainingWords& words) {
  return {
      {"epochs", "Training", "N", "passes over the training data, at most", Whole{&settings.epochs, 1}, words.epochs},
      {"patience", "Training", "N",
       "stop after so many epochs without a better validation score or loss; 0: go to the end",
       Whole{&settings.patience, 0}, words.patience},
      {"evaluate-every", "Training", "N", "epochs from one validation and test to the next",
       Whole{&settings.evaluate_every, 1}},
      {"lr", "Training", "R", "Adam's learning rate", Real{&settings.learning_rate, 0, kMaxRate}, words.learning_rate},
      {"weight-decay", "Training", "R", words.weight_decay_help, Real{&settings.weight_decay, 0, kMaxRate},
       words.weight_decay},
      {"select", "Training", "WORD",
       "the epoch that counts: the last one, or by validation the best in its score, its loss, or both",
       choice(kSelections, settings.select), words.select},
      {"repeats", "Training", "N", words.repeats_help, Whole{&settings.repeats, 1}},
      {"seed", "Training", "N", "of all that is random",
       Whole{&settings.seed, 0, std::numeric_limits<std::int64_t>::max()}},
      {"dtype", "Machine", "WORD", "precision", choice(kDtypes, settings.dtype)},
  };
}

}  // namespace train
