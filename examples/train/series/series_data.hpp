// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/data_folder.hpp"
#include "data/matrix.hpp"
#include "draw/picture.hpp"

namespace train::series {

/// What sensors on a network measure, every five minutes.
struct SeriesData {
  std::string name, unit;
  Matrix values;                                  ///< [steps, sensors]
  std::vector<std::int32_t> source, destination;  ///< each pair once, loops too
  std::vector<double> weight;                     ///< of an edge: how near its ends are, in (0, 1]
  std::vector<Point> places;                      ///< of sensors: longitude and latitude; or none

  std::int64_t steps() const { return values.rows; }
  std::int64_t sensors() const { return values.columns; }
  double at(std::int64_t step, std::int64_t sensor) const {
    return values.values[static_cast<std::size_t>(step * values.columns + sensor)];
  }
};

inline constexpr std::int64_t kStepsOfDay = 288;
inline constexpr std::int64_t kInputs = 12;  ///< steps that a forecast sees
inline constexpr std::int64_t kAhead = 12;   ///< steps that it tells: one hour

DatasetLocation find_dataset(const std::string& name, const std::string& data);
/// Reads los_speed.csv, a line of sensors' numbers and one of speeds for each step; los_adj.csv, the weights of all
/// pairs; and graph_sensor_locations.csv where it is there: index, number, latitude, longitude. Throws DataError that
/// names the file, the line and what was expected there.
SeriesData read_series(const std::filesystem::path& folder, const std::string& name);

inline constexpr const char* kWaveName = "wave";
/// 12 sensors along a road for some days: a jam comes each morning and each evening, hardly ever at the same time nor
/// as bad, at the last of them and travels to the first, a sensor every twenty minutes. The same seed gives the same
/// series.
SeriesData generate_wave(std::uint64_t seed, std::int64_t days = 4);

/// The steps [begin, end) of a part.
struct Part {
  std::int64_t begin = 0, end = 0;
  /// Places at which a forecast can be made from steps of the part and be judged by steps of it.
  std::int64_t windows() const { return end - begin - kInputs - kAhead + 1; }
};
/// Train, valid, test: one after the other.
std::array<Part, 3> split_series(const SeriesData& data, const std::vector<double>& fractions);

/// What is usual for a sensor at a time of the day: the mean over the days of a part within ten minutes of that time.
class DailyMean {
 public:
  DailyMean(const SeriesData& data, const Part& part);
  /// Without the day of the step itself where that is in the part and not the only one.
  double at(std::int64_t step, std::int64_t sensor) const;

 private:
  const SeriesData* data_;
  Part part_;
};

}  // namespace train::series
