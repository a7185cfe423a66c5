#include "common/epochs.hpp"

#include <algorithm>
#include <functional>
#include <limits>

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
  return {number_from(value.at(0)), number_from(value.at(1))};
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

// A score that is not a number has no place in JSON: it is written as null and read back as NaN.
double number_from(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

json to_json(const std::vector<EpochRecord>& epochs) {
  json list = json::array();
  for (const EpochRecord& epoch : epochs) {
    list.push_back({score_json(epoch.train), epoch.valid ? score_json(*epoch.valid) : json(nullptr),
                    score_json(epoch.test), epoch.milliseconds});
  }
  return list;
}

std::vector<EpochRecord> epochs_from_json(const json& value) {
  std::vector<EpochRecord> epochs;
  for (const json& record : value) {
    EpochRecord epoch;
    epoch.train = score_from(record.at(0));
    if (!record.at(1).is_null()) epoch.valid = score_from(record.at(1));
    epoch.test = score_from(record.at(2));
    epoch.milliseconds = record.at(3).get<double>();
    epochs.push_back(epoch);
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
