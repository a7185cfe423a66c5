// SPDX-License-Identifier: MIT
#include "core/epochs.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <tuple>

#include "core/errors.hpp"
#include "core/json_values.hpp"
#include "core/statistics.hpp"
#include "draw/svg.hpp"

namespace train {

using nlohmann::json;

namespace {

using Trainings = std::span<const Epochs>;
using Value = std::function<std::optional<double>(const Score&)>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

json score_json(const std::optional<Score>& score) {
  if (!score) return nullptr;
  json list{score->loss};
  for (const double metric : score->metrics) list.push_back(metric);
  return list;
}

Score score_from(const json& value, const Metrics& metrics, bool may_be_bare) {
  array_in(value, "a score");
  Score score;
  if (value.size() != 1 || !may_be_bare) array_in(value, "a score", 1 + metrics.size());
  score.loss = number_in(value.at(0), "loss");
  for (std::size_t k = 1; k < value.size(); ++k) {
    const Metric& metric = metrics[k - 1];
    const double most = metric.is_fraction ? 1 : std::numeric_limits<double>::max();
    score.metrics.push_back(number_in(value.at(k), metric.key, 0, most));
  }
  return score;
}

std::optional<Score> evaluation_from(const json& value, bool is_there, const char* part, const Metrics& metrics) {
  if (value.is_null() == is_there) {
    throw DataError(std::string("an epoch: expected ") + (is_there ? "a " : "no ") + part + " score");
  }
  if (!is_there) return std::nullopt;
  return score_from(value, metrics, false);
}

Curve make_curve(Trainings trainings, const std::string& label, const std::string& colour,
                 const std::function<std::optional<Score>(const EpochRecord&)>& score_of, const Value& value_of) {
  Curve curve{label, colour, {}, {}};
  std::size_t longest = 0;
  for (const Epochs& epochs : trainings) longest = std::max(longest, epochs.size());
  bool any = false;
  for (std::size_t epoch = 0; epoch < longest; ++epoch) {
    std::vector<double> values;
    for (const Epochs& epochs : trainings) {
      if (epoch >= epochs.size()) continue;
      const std::optional<Score> score = score_of(epochs[epoch]);
      if (const auto value = score ? value_of(*score) : std::nullopt) values.push_back(*value);
    }
    any |= !values.empty();
    constexpr double kGap = std::numeric_limits<double>::quiet_NaN();
    curve.mean.push_back(values.empty() ? kGap : mean_of(values));
    curve.deviation.push_back(values.empty() ? kGap : deviation_of(values));
  }
  if (!any) curve.mean.clear();
  return curve;
}

std::vector<Curve> make_curves(Trainings trainings, const Value& value_of) {
  const std::vector<Curve> all{
      make_curve(
          trainings, "train", "#2563eb", [](const EpochRecord& epoch) { return epoch.train; }, value_of),
      make_curve(
          trainings, "valid", "#15803d", [](const EpochRecord& epoch) { return epoch.valid; }, value_of),
      make_curve(
          trainings, "test", "#e8590c", [](const EpochRecord& epoch) { return epoch.test; }, value_of)};
  std::vector<Curve> curves;
  std::copy_if(all.begin(), all.end(), std::back_inserter(curves),
               [](const Curve& curve) { return !curve.mean.empty(); });
  return curves;
}

std::string x_label(Trainings trainings) {
  if (trainings.size() < 2) return "epoch";
  return "epoch (mean and standard deviation of " + std::to_string(trainings.size()) + " trainings)";
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

/// Walks the validation scores in order, with the best so far of each kind.
struct BestSoFar {
  double metric = kInfinity, loss = kInfinity;  // by rank

  bool equals_one(const Score& valid, const Metric& by) const {
    return valid.loss <= loss || by.rank(valid.metrics[0]) <= metric;
  }
  bool equals_both(const Score& valid, const Metric& by) const {
    return valid.loss <= loss && by.rank(valid.metrics[0]) <= metric;
  }
  void add(const Score& valid, const Metric& by) {
    loss = std::min(loss, valid.loss);
    metric = std::min(metric, by.rank(valid.metrics[0]));
  }
};

std::optional<std::size_t> best_in_both(const Epochs& epochs, const Metric& metric) {
  std::optional<std::size_t> best;
  BestSoFar so_far;
  for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    if (!epochs[epoch].valid) continue;
    if (so_far.equals_both(*epochs[epoch].valid, metric) || !best) best = epoch;
    so_far.add(*epochs[epoch].valid, metric);
  }
  return best;
}

}  // namespace

std::string Metric::number(double value) const {
  return format_fixed(is_fraction ? 100 * value : value, digits);
}
std::string Metric::show(double value) const {
  return number(value) + (is_fraction ? " %" : "");
}

json to_json(const Epochs& epochs) {
  json list = json::array();
  for (const EpochRecord& epoch : epochs) {
    list.push_back({score_json(epoch.train), score_json(epoch.valid), score_json(epoch.test), epoch.milliseconds});
  }
  return list;
}

Epochs epochs_from_json(const json& value, const EpochRules& rules) {
  Epochs epochs;
  for (const json& record : array_in(value, "epochs")) {
    array_in(record, "an epoch", 4);
    const bool evaluated = rules.evaluates(static_cast<std::int64_t>(epochs.size()));
    EpochRecord epoch;
    epoch.train = score_from(record.at(0), rules.metrics, true);
    epoch.valid = evaluation_from(record.at(1), evaluated && rules.has_valid, "validation", rules.metrics);
    epoch.test = evaluation_from(record.at(2), evaluated, "test", rules.metrics);
    epoch.milliseconds = number_in(record.at(3), "milliseconds", 0);
    epochs.push_back(std::move(epoch));
  }
  if (static_cast<std::int64_t>(epochs.size()) > rules.most) {
    throw DataError("epochs: expected at most " + std::to_string(rules.most) + ", found " +
                    std::to_string(epochs.size()));
  }
  return epochs;
}

Epochs finished_epochs_from_json(const json& value, const EpochRules& rules) {
  Epochs epochs = epochs_from_json(value, rules);
  if (epochs.empty() || (!rules.may_stop && static_cast<std::int64_t>(epochs.size()) < rules.most)) {
    throw DataError("a finished training: expected " + std::string(rules.may_stop ? "1 to " : "") +
                    std::to_string(rules.most) + " epochs, found " + std::to_string(epochs.size()));
  }
  if (!chosen_epoch(epochs, Selection::last, rules.metrics[0])) {
    throw DataError("a finished training: expected one epoch with a test score at least, found none");
  }
  return epochs;
}

std::optional<std::size_t> chosen_epoch(const Epochs& epochs, Selection selection, const Metric& metric) {
  std::optional<std::size_t> best;
  bool has_valid = false;
  for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    if (epochs[epoch].test) best = epoch;
    has_valid |= epochs[epoch].valid.has_value();
  }
  if (selection == Selection::last || !has_valid) return best;
  if (selection == Selection::both) return best_in_both(epochs, metric);
  const auto rank = [&](std::size_t epoch) {
    if (!epochs[epoch].valid) return std::tuple(kInfinity, kInfinity, epoch);
    const Score& valid = *epochs[epoch].valid;
    return std::tuple(selection == Selection::valid ? metric.rank(valid.metrics[0]) : 0.0, valid.loss, epoch);
  };
  for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    if (rank(epoch) < rank(*best)) best = epoch;
  }
  return best;
}

std::string what_counts(Selection selection, const Metric& metric) {
  switch (selection) {
    case Selection::valid: return "best validation " + metric.name;
    case Selection::loss: return "best validation loss";
    case Selection::both: return "best in both";
    case Selection::last: break;
  }
  return "last epoch";
}

bool is_out_of_patience(const Epochs& epochs, std::int64_t patience, const Metric& metric) {
  if (patience == 0) return false;
  BestSoFar so_far;
  std::size_t last = 0;
  for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    if (!epochs[epoch].valid) continue;
    if (so_far.equals_one(*epochs[epoch].valid, metric)) last = epoch + 1;
    so_far.add(*epochs[epoch].valid, metric);
  }
  return static_cast<std::int64_t>(epochs.size() - last) >= patience;
}

Chart loss_chart(Trainings trainings) {
  return {"Loss", x_label(trainings), make_curves(trainings, [](const Score& score) { return score.loss; }), 0,
          kInfinity};
}

Chart metric_chart(Trainings trainings, const Metrics& metrics) {
  const Metric& metric = metrics[0];
  const auto value_of = [&](const Score& score) -> std::optional<double> {
    if (score.metrics.empty()) return std::nullopt;
    return (metric.is_fraction ? 100 : 1) * score.metrics[0];
  };
  return {capitalised(metric.name) + (metric.is_fraction ? " in %" : ""), x_label(trainings),
          make_curves(trainings, value_of), 0, metric.is_fraction ? 100 : kInfinity};
}

}  // namespace train
