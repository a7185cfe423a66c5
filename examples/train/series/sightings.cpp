// SPDX-License-Identifier: MIT
#include "sightings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/errors.hpp"
#include "core/json_values.hpp"
#include "core/statistics.hpp"
#include "draw/chart.hpp"
#include "draw/picture.hpp"
#include "draw/svg.hpp"

namespace train::series {

using nlohmann::json;

namespace {

constexpr std::int64_t kSoon = 3;  // steps: 15 minutes

/// Steps of which both forecasts are there, a day at most: the last that is told early was told soon later.
std::int64_t shown_steps(const Part& test) {
  return std::clamp<std::int64_t>(test.windows() - (kAhead - kSoon), 0, kStepsOfDay);
}
/// The first of them.
std::int64_t first_shown(const Part& test) {
  return test.begin + kInputs - 1 + kAhead;
}

/// Sensors by how much their values differ in the test, most first.
std::vector<std::int64_t> liveliest(const SeriesData& data, const Part& test) {
  std::vector<double> deviation;
  for (std::int64_t sensor = 0; sensor < data.sensors(); ++sensor) {
    std::vector<double> values;
    for (std::int64_t step = test.begin; step < test.end; ++step) values.push_back(data.at(step, sensor));
    deviation.push_back(deviation_of(values));
  }
  std::vector<std::int64_t> order(deviation.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return deviation[static_cast<std::size_t>(a)] > deviation[static_cast<std::size_t>(b)];
  });
  return order;
}

Figure draw_map(const Sighting& sighting, const SeriesData& data) {
  Picture picture;
  picture.is_map = picture.has_node_weights = true;
  picture.weight_name = "error";
  double left = std::numeric_limits<double>::infinity(), right = -left;
  for (const Point& place : data.places) left = std::min(left, place.x), right = std::max(right, place.x);
  std::vector<Point> positions;
  for (std::size_t sensor = 0; sensor < sighting.error.size(); ++sensor) {
    constexpr double kWidth = 16;  // of the picture, in edge lengths
    const double scale = kWidth / std::max(right - left, 1e-9);
    picture.nodes.push_back({"", sighting.error[sensor], false});
    positions.push_back({scale * data.places[sensor].x, 1.2 * scale * data.places[sensor].y});  // at 34 degrees north
  }
  const double worst = *std::max_element(sighting.error.begin(), sighting.error.end());
  return {picture_svg(picture, positions),
          "The sensors where they stand: mean error of what is told an hour ahead, " +
              format_fixed(mean_of(sighting.error), 2) + " " + data.unit + " on the average, " +
              format_fixed(worst, 2) + " at the worst",
          true};
}

Figure draw_attention(const Sighting& sighting) {
  const Chart chart{"Attention over time",
                    "input step, five minutes each; the last is the present",
                    {{"mean over the test", "#d9480f", sighting.attention, {}}},
                    0,
                    1};
  return {render_chart(chart), "How much the state after each input step counts in a forecast", true};
}

Figure draw_sensor(const Sighting& sighting, const SeriesData& data, const Part& test) {
  std::vector<double> truth;
  for (std::int64_t step = 0; step < shown_steps(test); ++step) {
    truth.push_back(data.at(first_shown(test) + step, sighting.sensor));
  }
  const Chart chart{data.unit,
                    "steps of five minutes",
                    {{"measured", "#1f2933", truth, {}},
                     {"told 15 min before", "#1c7ed6", sighting.told_before, {}},
                     {"60 min before", "#d9480f", sighting.told_early, {}}},
                    0,
                    std::numeric_limits<double>::infinity()};
  return {render_chart(chart), "A day of the test at sensor " + std::to_string(sighting.sensor), true};
}

}  // namespace

std::vector<Sighting> find_sightings(SeriesTraining& training, const SeriesData& data, const Part& test,
                                     std::int64_t count) {
  const Forecasts forecasts = training.forecast(test);
  const auto told = [&](std::int64_t step, std::int64_t sensor, std::int64_t ahead) {
    const std::int64_t window = step - ahead - forecasts.first;
    return finite(forecasts.values[static_cast<std::size_t>((window * data.sensors() + sensor) * kAhead + ahead - 1)],
                  "a forecast");
  };
  std::vector<Sighting> sightings;
  if (!data.places.empty()) {
    Sighting map;
    for (std::int64_t sensor = 0; sensor < data.sensors(); ++sensor) {
      double sum = 0;
      for (std::int64_t window = 0; window < test.windows(); ++window) {
        const std::int64_t step = forecasts.first + window + kAhead;
        sum += std::abs(told(step, sensor, kAhead) - data.at(step, sensor));
      }
      map.error.push_back(sum / static_cast<double>(test.windows()));
    }
    sightings.push_back(std::move(map));
  }
  Sighting time;
  time.attention.assign(kInputs, 0);
  const double share = static_cast<double>(kInputs) / static_cast<double>(forecasts.attention.size());
  for (std::size_t k = 0; k < forecasts.attention.size(); ++k) {
    time.attention[k % kInputs] += share * finite(forecasts.attention[k], "an attention over time");
  }
  sightings.push_back(std::move(time));
  for (const std::int64_t sensor : liveliest(data, test)) {
    Sighting day;
    day.sensor = sensor;
    for (std::int64_t step = 0; step < shown_steps(test); ++step) {
      day.told_before.push_back(told(first_shown(test) + step, sensor, kSoon));
      day.told_early.push_back(told(first_shown(test) + step, sensor, kAhead));
    }
    if (day.told_early.empty() || static_cast<std::int64_t>(sightings.size()) >= count) break;
    sightings.push_back(std::move(day));
  }
  sightings.resize(std::min(sightings.size(), static_cast<std::size_t>(count)));
  return sightings;
}

json to_json(const std::vector<Sighting>& sightings) {
  json list = json::array();
  for (const Sighting& sighting : sightings) {
    list.push_back({{"error", sighting.error},
                    {"attention", sighting.attention},
                    {"sensor", sighting.sensor},
                    {"told_before", sighting.told_before},
                    {"told_early", sighting.told_early}});
  }
  return list;
}

std::vector<Sighting> sightings_from_json(const json& list, const SeriesData& data, const Part& test) {
  std::vector<Sighting> sightings;
  for (const json& value : list) {
    Sighting sighting;
    const auto numbers = [&](const char* key, std::int64_t count) {
      std::vector<double> values = numbers_in(member(value, key), key);
      if (!values.empty() && values.size() != static_cast<std::size_t>(count)) {
        throw DataError(std::string(key) + ": expected " + std::to_string(count) + " numbers or none");
      }
      return values;
    };
    sighting.error = numbers("error", data.places.empty() ? 0 : data.sensors());
    sighting.attention = numbers("attention", kInputs);
    sighting.sensor = whole_number_in(member(value, "sensor"), "sensor", -1, data.sensors() - 1);
    sighting.told_before = numbers("told_before", shown_steps(test));
    sighting.told_early = numbers("told_early", shown_steps(test));
    const bool has_day = sighting.sensor >= 0 && !sighting.told_before.empty() && !sighting.told_early.empty();
    if (sighting.error.empty() && sighting.attention.empty() && !has_day) throw DataError("a sighting shows nothing");
    sightings.push_back(std::move(sighting));
  }
  return sightings;
}

Gallery draw_sightings(const std::vector<Sighting>& sightings, const SeriesData& data, const Part& test,
                       const std::filesystem::path& folder) {
  std::vector<Figure> figures;
  std::vector<std::string> names;
  for (const Sighting& sighting : sightings) {
    if (!sighting.error.empty()) {
      figures.push_back(draw_map(sighting, data));
      names.emplace_back("map");
    } else if (!sighting.attention.empty()) {
      figures.push_back(draw_attention(sighting));
      names.emplace_back("attention");
    } else {
      figures.push_back(draw_sensor(sighting, data, test));
      names.push_back("sensor_" + std::to_string(sighting.sensor));
    }
  }
  return write_figures(folder, "forecast_", std::move(figures), names);
}

}  // namespace train::series
