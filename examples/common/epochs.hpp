#pragma once

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

/// A number that may be null, which stands for one that JSON cannot hold.
double number_from(const nlohmann::json& value);
nlohmann::json to_json(const std::vector<EpochRecord>& epochs);
/// Throws nlohmann::json::exception for JSON that to_json did not make.
std::vector<EpochRecord> epochs_from_json(const nlohmann::json& json);

/// The training curves, mean over trainings; where they differ in length, over those that got so far.
Chart loss_chart(std::span<const std::vector<EpochRecord>> trainings);
Chart accuracy_chart(std::span<const std::vector<EpochRecord>> trainings);

}  // namespace examples
