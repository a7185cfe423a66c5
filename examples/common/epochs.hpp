// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/chart.hpp"

namespace examples {

/// Mean loss and fraction of right answers over a set of graphs or nodes.
struct Score {
  double loss = 0;
  double accuracy = 0;
  bool operator==(const Score&) const = default;
};

struct EpochRecord {
  Score train;  ///< of the training set
  std::optional<Score> valid;
  Score test;
  double milliseconds = 0;  ///< of training, without scoring
};

nlohmann::json to_json(const std::vector<EpochRecord>& epochs);

/// What a training may look like.
struct EpochRules {
  std::int64_t most = 0;   ///< epochs
  bool has_valid = false;  ///< every epoch is validated, or none is
  bool may_stop = false;   ///< a finished training may have fewer than `most`
};
/// Throws DataError for what breaks the rules, or is not finite.
std::vector<EpochRecord> epochs_from_json(const nlohmann::json& json, const EpochRules& rules);
/// The same of a training that is finished.
std::vector<EpochRecord> finished_epochs_from_json(const nlohmann::json& json, const EpochRules& rules);

/// The training curves, mean over trainings; where they differ in length, over those that got so far.
Chart loss_chart(std::span<const std::vector<EpochRecord>> trainings);
Chart accuracy_chart(std::span<const std::vector<EpochRecord>> trainings);

}  // namespace examples
