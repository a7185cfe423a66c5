// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "draw/gallery.hpp"
#include "training.hpp"

namespace train::series {

/// What a training's forecasts of the test are worth, and what they were made from. One of the three is there.
struct Sighting {
  std::vector<double> error;        ///< mean size an hour ahead, of every sensor: a map
  std::vector<double> attention;    ///< mean over all forecasts, of every input step
  std::int64_t sensor = -1;         ///< one of which a day is shown:
  std::vector<double> told_before;  ///< what was told 15 minutes before, of a day's steps from the first on
  std::vector<double> told_early;   ///< and an hour before
};

/// A map, the attention over time, and `count` - 2 sensors, those whose values differ most.
std::vector<Sighting> find_sightings(SeriesTraining& training, const SeriesData& data, const Part& test,
                                     std::int64_t count);

nlohmann::json to_json(const std::vector<Sighting>& sightings);
/// Throws DataError for what no model can have made of these data.
std::vector<Sighting> sightings_from_json(const nlohmann::json& list, const SeriesData& data, const Part& test);

Gallery draw_sightings(const std::vector<Sighting>& sightings, const SeriesData& data, const Part& test,
                       const std::filesystem::path& folder);

}  // namespace train::series
