// SPDX-License-Identifier: MIT
// Which epoch counts, when a training ends, and what a checkpoint's epochs may be.

#include "core/epochs.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "core/errors.hpp"

namespace train {
namespace {

const Metric kAccuracy{.key = "accuracy", .name = "accuracy"};
const Metric kError{.key = "rmse", .name = "RMSE", .is_fraction = false, .more_is_better = false};

/// Epochs by their validation scores; an empty one was not evaluated.
Epochs epochs_of(const std::vector<std::optional<Score>>& valid) {
  Epochs epochs;
  for (const auto& score : valid) epochs.push_back({.train = {}, .valid = score, .test = score});
  return epochs;
}

Score score(double loss, double metric) {
  return {loss, {metric}};
}

TEST(ChosenEpoch, FollowsItsRule) {
  const Epochs epochs = epochs_of(
      {score(0.9, 0.5), score(0.7, 0.6), score(0.8, 0.8), score(0.6, 0.7), score(0.75, 0.8), score(0.9, 0.1)});
  EXPECT_EQ(chosen_epoch(epochs, Selection::last, kAccuracy), 5u);
  EXPECT_EQ(chosen_epoch(epochs, Selection::loss, kAccuracy), 3u);
  EXPECT_EQ(chosen_epoch(epochs, Selection::valid, kAccuracy), 4u);  // of the two best, that of smaller loss
  EXPECT_EQ(chosen_epoch(epochs, Selection::both, kAccuracy), 1u);
  EXPECT_EQ(chosen_epoch(epochs, Selection::valid, kError), 5u);
  const Epochs equal = epochs_of({score(0.5, 0.5), score(0.5, 0.5)});
  EXPECT_EQ(chosen_epoch(equal, Selection::valid, kAccuracy), 0u);
  EXPECT_EQ(chosen_epoch(equal, Selection::both, kAccuracy), 1u);
}

TEST(ChosenEpoch, IsOneThatWasEvaluated) {
  const Epochs epochs = epochs_of({std::nullopt, score(0.7, 0.6), std::nullopt, score(0.9, 0.5), std::nullopt});
  for (const auto& choice : kSelections) {
    EXPECT_EQ(chosen_epoch(epochs, choice.value, kAccuracy), choice.value == Selection::last ? 3u : 1u) << choice.name;
    EXPECT_FALSE(chosen_epoch(epochs_of({std::nullopt}), choice.value, kAccuracy));
    EXPECT_FALSE(chosen_epoch({}, choice.value, kAccuracy));
  }
}

TEST(Patience, EndsWhenNeitherLossNorMetricGetsBackToItsBest) {
  std::vector<std::optional<Score>> scores{score(0.9, 0.5), score(0.95, 0.4), score(1.0, 0.5), score(0.9, 0.1),
                                           score(1, 0.4)};
  for (std::size_t count = 1; count <= scores.size(); ++count) {
    EXPECT_FALSE(is_out_of_patience(epochs_of({scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(count)}), 2,
                                    kAccuracy));
  }
  scores.push_back(score(0.91, 0.49));
  EXPECT_TRUE(is_out_of_patience(epochs_of(scores), 2, kAccuracy));
  EXPECT_FALSE(is_out_of_patience(epochs_of(scores), 0, kAccuracy));
  EXPECT_FALSE(is_out_of_patience(epochs_of(scores), 3, kAccuracy));
}

TEST(Patience, ScoresThatAreNotNumbersAreNoProgress) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(is_out_of_patience(epochs_of({score(0.5, 0.5), score(nan, 0.2), score(nan, 0.2), score(nan, 0.2)}), 3,
                                 kAccuracy));
}

TEST(Patience, CountsEpochsThatWereNotEvaluated) {
  EXPECT_TRUE(is_out_of_patience(epochs_of({score(0.5, 0.5), std::nullopt, score(0.6, 0.4)}), 2, kAccuracy));
  EXPECT_FALSE(is_out_of_patience(epochs_of({std::nullopt, std::nullopt, score(0.6, 0.4)}), 2, kAccuracy));
}

TEST(EpochsInJson, AreThoseOfTheRules) {
  const EpochRules rules{.most = 4, .has_valid = true, .may_stop = true, .evaluate_every = 2, .metrics = {kAccuracy}};
  const Epochs epochs = epochs_of({std::nullopt, score(0.7, 0.6), std::nullopt, score(0.9, 0.5)});
  const nlohmann::json json = to_json(epochs);
  EXPECT_EQ(to_json(finished_epochs_from_json(json, rules)), json);
  EXPECT_THROW(finished_epochs_from_json(to_json(epochs_of({std::nullopt})), rules), DataError);
  EpochRules other = rules;
  other.evaluate_every = 1;
  EXPECT_THROW(epochs_from_json(json, other), DataError);
  other = rules;
  other.has_valid = false;
  EXPECT_THROW(epochs_from_json(json, other), DataError);
  other = rules;
  other.metrics = {kAccuracy, kError};
  EXPECT_THROW(epochs_from_json(json, other), DataError);
  EXPECT_THROW(epochs_from_json(to_json(epochs_of({std::nullopt, score(0.7, 1.5)})), rules), DataError);
}

TEST(Metrics, ShowWhatTheyAre) {
  EXPECT_EQ(kAccuracy.show(0.8642), "86.4 %");
  EXPECT_EQ(kError.show(5.134), "5.1");
}

}  // namespace
}  // namespace train
