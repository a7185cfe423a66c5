// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace train {

/// The value, or throws TrainingError: "WHAT is nan".
double finite(double value, const std::string& what);
/// The place of the largest value, the first of equal ones. Throws TrainingError where one is not finite.
std::size_t place_of_largest(std::span<const double> values);

// Sums in these are of scaled values too.
double mean_of(std::span<const double> values);
/// The sample standard deviation (n - 1); 0 for fewer than two values.
double deviation_of(std::span<const double> values);
/// Brings the largest value near 1, by a power of two, so that sums of them neither overflow nor vanish.
void scale(std::span<double> values);
/// Gives the values mean 0 and mean square 1, whatever their size; equal ones become 0.
void standardise(std::span<double> values);
/// The middle value, or the mean of the two in the middle; 0 for none.
double median_of(std::vector<double> values);
/// How many rows of probabilities [n, classes] are largest at their label.
double count_right(std::span<const double> probability, std::span<const std::int32_t> labels);
/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.
/// Nothing when one of the two kinds is missing. Throws TrainingError for a score that is not finite.
std::optional<double> roc_area(std::span<const double> scores, std::span<const std::uint8_t> positive);

/// The mean over positives of the share of positives among what scores as high as it, or higher (average precision).
/// Nothing without a positive. Throws TrainingError for a score that is not finite.
std::optional<double> average_precision(std::span<const double> scores, std::span<const std::uint8_t> positive);

}  // namespace train
