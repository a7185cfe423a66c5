// SPDX-License-Identifier: MIT
#include "core/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/errors.hpp"

namespace train {

namespace {

/// The power of two that brings the largest of some finite values near 1.
int exponent_of(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest > 0 && std::isfinite(largest) ? -std::ilogb(largest) : 0;
}

double sum_of_squares(std::span<const double> values, double mean, int exponent) {
  double squares = 0;
  for (const double value : values) {
    const double distance = std::ldexp(value - mean, exponent);
    squares += distance * distance;
  }
  return squares;
}

}  // namespace

double finite(double value, const std::string& what) {
  if (std::isfinite(value)) return value;
  throw TrainingError(what + " is " + (std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"));
}

std::size_t place_of_largest(std::span<const double> values) {
  for (const double value : values) finite(value, "an output");
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

void scale(std::span<double> values) {
  const int exponent = exponent_of(values);
  for (double& value : values) value = std::ldexp(value, exponent);
}

double mean_of(std::span<const double> values) {
  if (values.empty()) return 0;
  const int exponent = exponent_of(values);
  double sum = 0;
  for (const double value : values) sum += std::ldexp(value, exponent);
  return std::ldexp(sum / static_cast<double>(values.size()), -exponent);
}

double deviation_of(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const int exponent = exponent_of(values);
  const double squares = sum_of_squares(values, mean_of(values), exponent);
  return std::ldexp(std::sqrt(squares / static_cast<double>(values.size() - 1)), -exponent);
}

void standardise(std::span<double> values) {
  if (values.empty()) return;
  scale(values);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double first = *low, range = *high - *low;
  if (range == 0) {
    std::fill(values.begin(), values.end(), 0.0);
    return;
  }
  // Where the values differ little beside their size, the mean's own rounding would show; differences are exact there.
  if (range < 1e-6) {
    for (double& value : values) value -= first;
    scale(values);
  }
  const double mean = mean_of(values);
  const double factor = 1 / std::sqrt(sum_of_squares(values, mean, 0) / static_cast<double>(values.size()));
  for (double& value : values) value = (value - mean) * factor;
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
    if (std::cmp_equal(place_of_largest(row), labels[n])) right += 1;
  }
  return right;
}

std::optional<double> roc_area(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  for (const double score : scores) finite(score, "a score");
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

std::optional<double> average_precision(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  for (const double score : scores) finite(score, "a score");
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  double positives = 0, sum = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double tied = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) tied += positive[order[end]] != 0;
    positives += tied;
    sum += tied * positives / static_cast<double>(end);
  }
  if (positives == 0) return std::nullopt;
  return sum / positives;
}

}  // namespace train
