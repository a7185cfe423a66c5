#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace examples {

double mean_of(std::span<const double> values);
/// The sample standard deviation (n - 1); 0 for fewer than two values.
double deviation_of(std::span<const double> values);
/// The middle value, or the mean of the two in the middle; 0 for none.
double median_of(std::vector<double> values);
/// How many rows of probabilities [n, classes] are largest at their label; the first of equal ones counts.
double count_right(std::span<const double> probability, std::span<const std::int32_t> labels);
/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.
/// Nothing when one of the two kinds is missing.
std::optional<double> roc_area(std::span<const double> scores, std::span<const std::uint8_t> positive);

}  // namespace examples
