// SPDX-License-Identifier: MIT
#include "common/epochs.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include "common/errors.hpp"
#include "common/json_values.hpp"
#include "common/statistics.hpp"

namespace examples {

using nlohmann::json;

namespace {

using Trainings = std::span<const std::vector<EpochRecord>>;
using ScoreOf = std::function<std::optional<Score>(const EpochRecord&)>;

json score_json(const Score& score) {
  return json::array({score.loss, score.accuracy});
}

Score score_from(const json& value) {
  array_in(value, "a score", 2);
  return {number_in(value.at(0), "loss"), number_in(value.at(1), "accuracy", 0, 1)};
}

Curve make_curve(Trainings trainings, const std::string& label, const std::string& colour, const ScoreOf& score_of,
                 double Score::*part, double scale) {
  Curve curve{label, colour, {}, {}};
  std::size_t longest = 0;
  for (const auto& epochs : trainings) longest = std::max(longest, epochs.size());
  for (std::size_t epoch = 0; epoch < longest; ++epoch) {
    std::vector<double> values;
    for (const auto& epochs : trainings) {
      if (epoch >= epochs.size()) continue;
      if (const auto score = score_of(epochs[epoch])) values.push_back(scale * ((*score).*part));
    }
    if (values.empty()) break;
    curve.mean.push_back(mean_of(values));
    curve.deviation.push_back(deviation_of(values));
  }
  return curve;
}

std::vector<Curve> make_curves(Trainings trainings, double Score::*part, double scale) {
  const std::vector<Curve> all{
      make_curve(
          trainings, "train", "#2563eb", [](const EpochRecord& epoch) { return epoch.train; }, part, scale),
      make_curve(
          trainings, "valid", "#15803d", [](const EpochRecord& epoch) { return epoch.valid; }, part, scale),
      make_curve(
          trainings, "test", "#e8590c", [](const EpochRecord& epoch) { return epoch.test; }, part, scale)};
  std::vector<Curve> curves;
  std::copy_if(all.begin(), all.end(), std::back_inserter(curves),
               [](const Curve& curve) { return !curve.mean.empty(); });
  return curves;
}

std::string x_label(Trainings trainings) {
  if (trainings.size() < 2) return "epoch";
  return "epoch (mean and standard deviation of " + std::to_string(trainings.size()) + " trainings)";
}

}  // namespace

json to_json(const std::vector<EpochRecord>& epochs) {
  json list = json::array();
  for (const EpochRecord& epoch : epochs) {
    list.push_back({score_json(epoch.train), epoch.valid ? score_json(*epoch.valid) : json(nullptr),
                    score_json(epoch.test), epoch.milliseconds});
  }
  return list;
}

std::vector<EpochRecord> epochs_from_json(const json& value, const EpochRules& rules) {
  std::vector<EpochRecord> epochs;
  for (const json& record : array_in(value, "epochs")) {
    array_in(record, "an epoch", 4);
    EpochRecord epoch;
    epoch.train = score_from(record.at(0));
    if (record.at(1).is_null() == rules.has_valid) {
      throw DataError(std::string("an epoch: expected ") + (rules.has_valid ? "a" : "no") + " validation score");
    }
    if (rules.has_valid) epoch.valid = score_from(record.at(1));
    epoch.test = score_from(record.at(2));
    epoch.milliseconds = number_in(record.at(3), "milliseconds", 0);
    epochs.push_back(epoch);
  }
  if (static_cast<std::int64_t>(epochs.size()) > rules.most) {
    throw DataError("epochs: expected at most " + std::to_string(rules.most) + ", found " +
                    std::to_string(epochs.size()));
  }
  return epochs;
}

std::vector<EpochRecord> finished_epochs_from_json(const json& value, const EpochRules& rules) {
  std::vector<EpochRecord> epochs = epochs_from_json(value, rules);
  if (epochs.empty() || (!rules.may_stop && static_cast<std::int64_t>(epochs.size()) < rules.most)) {
    throw DataError("a finished training: expected " + std::string(rules.may_stop ? "1 to " : "") +
                    std::to_string(rules.most) + " epochs, found " + std::to_string(epochs.size()));
  }
  return epochs;
}

Chart loss_chart(Trainings trainings) {
  return {"Loss", x_label(trainings), make_curves(trainings, &Score::loss, 1), 0,
          std::numeric_limits<double>::infinity()};
}

Chart accuracy_chart(Trainings trainings) {
  return {"Accuracy in %", x_label(trainings), make_curves(trainings, &Score::accuracy, 100), 0, 100};
}

}  // namespace examples
