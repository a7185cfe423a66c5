#include "common/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace examples {

double mean_of(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation_of(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double count_right(std::span<const double> probability, std::span<const std::int32_t> labels) {
  if (labels.empty()) return 0;
  const std::size_t classes = probability.size() / labels.size();
  double right = 0;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const auto row = probability.subspan(n * classes, classes);
    if (std::max_element(row.begin(), row.end()) - row.begin() == labels[n]) right += 1;
  }
  return right;
}

std::optional<double> roc_area(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double positives = 0, negatives = 0, wins = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    double tied_positives = 0, tied_negatives = 0;
    std::size_t end = begin;
    do {
      (positive[order[end]] != 0 ? tied_positives : tied_negatives) += 1;
      ++end;
    } while (end < order.size() && scores[order[end]] == scores[order[begin]]);
    wins += tied_positives * (negatives + tied_negatives / 2);
    positives += tied_positives;
    negatives += tied_negatives;
    begin = end;
  }
  if (positives == 0 || negatives == 0) return std::nullopt;
  return wins / (positives * negatives);
}

}  // namespace examples
