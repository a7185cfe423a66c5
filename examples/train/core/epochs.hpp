// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/settings.hpp"
#include "draw/chart.hpp"

namespace train {

/// What a task measures of its answers, beside the loss.
struct Metric {
  std::string key;          ///< in files: "accuracy"
  std::string name;         ///< for readers
  bool is_fraction = true;  ///< lies in [0, 1] and is shown in percent; else it is not negative
  bool more_is_better = true;
  int digits = 1;  ///< shown behind the point

  std::string show(double value) const;    ///< "86.2 %" or "5.13"
  std::string number(double value) const;  ///< the same without the unit
  /// Smaller is better.
  double rank(double value) const { return more_is_better ? -value : value; }
};
using Metrics = std::vector<Metric>;

/// Over a set of items. The metrics are in the order of the task's; of the training set there may be none.
struct Score {
  double loss = 0;
  std::vector<double> metrics = {};
  bool operator==(const Score&) const = default;
};

struct EpochRecord {
  Score train;                 ///< of the training set
  std::optional<Score> valid;  ///< where the epoch was evaluated and there are items for it
  std::optional<Score> test;   ///< where the epoch was evaluated
  double milliseconds = 0;     ///< of training, without scoring
};

/// The epochs of one training.
using Epochs = std::vector<EpochRecord>;

nlohmann::json to_json(const Epochs& epochs);

/// What a training may look like.
struct EpochRules {
  std::int64_t most = 0;            ///< epochs
  bool has_valid = false;           ///< every evaluated epoch is validated, or none is
  bool may_stop = false;            ///< a finished training may have fewer than `most`
  std::int64_t evaluate_every = 1;  ///< these epochs are evaluated, and the last
  Metrics metrics = {};

  bool evaluates(std::int64_t epoch) const { return (epoch + 1) % evaluate_every == 0 || epoch + 1 == most; }
};
/// Throws DataError for what breaks the rules, or is not finite.
Epochs epochs_from_json(const nlohmann::json& json, const EpochRules& rules);
/// The same of a training that is finished.
Epochs finished_epochs_from_json(const nlohmann::json& json, const EpochRules& rules);

/// The epoch that counts, of those that were evaluated; the last of them where there is nothing to choose by. Nothing
/// where none was evaluated.
std::optional<std::size_t> chosen_epoch(const Epochs& epochs, Selection selection, const Metric& metric);
/// How --select reads in a sentence.
std::string what_counts(Selection selection, const Metric& metric);

/// Whether a training should end: in `patience` epochs neither the validation's metric nor its loss reached its best
/// so far again. A patience of 0 never ends one.
bool is_out_of_patience(const Epochs& epochs, std::int64_t patience, const Metric& metric);

/// The training curves, mean over trainings; where they differ in length, over those that got so far.
Chart loss_chart(std::span<const Epochs> trainings);
Chart metric_chart(std::span<const Epochs> trainings, const Metrics& metrics);

}  // namespace train
