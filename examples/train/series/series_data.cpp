// SPDX-License-Identifier: MIT
#include "series_data.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/errors.hpp"
#include "data/random_bits.hpp"
#include "data/text_table.hpp"

namespace train::series {

namespace fs = std::filesystem;

namespace {

constexpr const char* kMarker = "los_speed.csv";

void read_edges(const fs::path& file, SeriesData& data) {
  const TextTable table(file);
  const auto sensors = static_cast<std::size_t>(data.sensors());
  table.expect_lines(sensors, "sensor");
  std::size_t columns = 0;
  const std::vector<double> weights = table.reals(columns, "the weights of all pairs of a sensor");
  if (columns != sensors) table.fail(0, "expected " + std::to_string(sensors) + " numbers, one per sensor");
  for (std::size_t line = 0; line < sensors; ++line) {
    for (std::size_t other = 0; other < sensors; ++other) {
      const double weight = weights[line * sensors + other];
      if (weight < 0) table.fail(line, "expected weights of at least 0, found " + std::to_string(weight));
      if (weight == 0 && line != other) continue;
      data.source.push_back(static_cast<std::int32_t>(other));
      data.destination.push_back(static_cast<std::int32_t>(line));
      data.weight.push_back(line == other ? 1 : std::min(weight, 1.0));
    }
  }
}

void read_places(const fs::path& file, SeriesData& data) {
  if (!fs::exists(file)) return;
  const TextTable table(file);
  std::size_t columns = 0;
  const std::vector<double> rows = table.reals(columns, "index, number, latitude and longitude", 1);
  if (columns != 4 || rows.size() != 4 * static_cast<std::size_t>(data.sensors())) {
    table.fail(0, "expected a line for each sensor of index, number, latitude and longitude");
  }
  for (std::size_t row = 0; row < rows.size(); row += 4) data.places.push_back({rows[row + 3], rows[row + 2]});
}

}  // namespace

DatasetLocation find_dataset(const std::string& name, const std::string& data) {
  return find_data(name, data, kMarker);
}

SeriesData read_series(const fs::path& folder, const std::string& name) {
  SeriesData data;
  data.name = name;
  data.unit = "mph";
  const TextTable table(plain_or_packed(folder / kMarker));
  std::size_t columns = 0;
  std::vector<double> rows = table.reals(columns, "one for each sensor");
  if (table.lines() < 2) table.fail(0, "expected a line of sensors' numbers, and one for each step");
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(columns));
  data.values = {static_cast<std::int64_t>(table.lines()) - 1, static_cast<std::int64_t>(columns), std::move(rows)};
  read_edges(plain_or_packed(folder / "los_adj.csv"), data);
  read_places(plain_or_packed(folder / "graph_sensor_locations.csv"), data);
  return data;
}

SeriesData generate_wave(std::uint64_t seed, std::int64_t days) {
  constexpr std::int64_t kSensors = 12, kDelay = 4, kLength = 24, kLate = 73;
  SeriesData data;
  data.name = kWaveName;
  data.unit = "mph";
  data.values = {days * kStepsOfDay, kSensors, {}};
  RandomBits random(mix_seed({seed, 0x3A3E}));
  const auto uniform = [&] { return static_cast<double>(random.below(1001)) / 1000; };
  std::vector<double> strength;  // of the jams of morning and evening, and when they begin at the last sensor
  std::vector<std::int64_t> begins;
  for (std::int64_t jam = 0; jam < 2 * days; ++jam) {
    strength.push_back(15 + 25 * uniform());
    begins.push_back(jam * kStepsOfDay / 2 + 60 + static_cast<std::int64_t>(random.below(kLate)));
  }
  for (std::int64_t step = 0; step < data.values.rows; ++step) {
    for (std::int64_t sensor = 0; sensor < kSensors; ++sensor) {
      double speed = 62 + 3 * uniform();
      for (std::int64_t jam = 0; jam < 2 * days; ++jam) {
        const std::int64_t begin = begins[static_cast<std::size_t>(jam)] + kDelay * (kSensors - 1 - sensor);
        const double phase = static_cast<double>(step - begin) / static_cast<double>(kLength);
        if (phase <= 0 || phase >= 1) continue;
        speed -= strength[static_cast<std::size_t>(jam)] * std::sin(std::numbers::pi * phase);
      }
      data.values.values.push_back(speed);
    }
  }
  for (std::int32_t sensor = 0; sensor < kSensors; ++sensor) {
    for (const std::int32_t other : {sensor - 1, sensor, sensor + 1}) {
      if (other < 0 || other >= kSensors) continue;
      data.source.push_back(other);
      data.destination.push_back(sensor);
      data.weight.push_back(other == sensor ? 1 : 0.5);
    }
    data.places.push_back({static_cast<double>(sensor), 0.3 * static_cast<double>(sensor % 3)});
  }
  return data;
}

std::array<Part, 3> split_series(const SeriesData& data, const std::vector<double>& fractions) {
  const auto steps = static_cast<double>(data.steps());
  const std::int64_t valid = std::llround(steps * fractions[0]);
  const std::int64_t test = std::llround(steps * (fractions[0] + fractions[1]));
  const std::array<Part, 3> parts{Part{0, valid}, Part{valid, test}, Part{test, data.steps()}};
  for (const Part& part : parts) {
    if (part.windows() < 1) {
      throw UsageError("--split: a forecast takes " + std::to_string(kInputs + kAhead) + " steps, and a part has " +
                       std::to_string(part.end - part.begin));
    }
  }
  return parts;
}

DailyMean::DailyMean(const SeriesData& data, const Part& part) : data_(&data), part_(part) {}

double DailyMean::at(std::int64_t step, std::int64_t sensor) const {
  constexpr std::int64_t kNear = 2;
  double sum = 0, own = 0;
  std::int64_t count = 0, own_count = 0;
  const std::int64_t first = step % kStepsOfDay - kNear;
  for (std::int64_t day = 0; day <= data_->steps() / kStepsOfDay; ++day) {
    for (std::int64_t near = 0; near <= 2 * kNear; ++near) {
      const std::int64_t other = day * kStepsOfDay + first + near;
      if (other < part_.begin || other >= part_.end) continue;
      const bool is_own = std::abs(other - step) <= kStepsOfDay / 2;
      (is_own ? own : sum) += data_->at(other, sensor);
      ++(is_own ? own_count : count);
    }
  }
  if (count > 0) return sum / static_cast<double>(count);
  if (own_count > 0) return own / static_cast<double>(own_count);
  double all = 0;  // no day of the part reaches that time
  for (std::int64_t other = part_.begin; other < part_.end; ++other) all += data_->at(other, sensor);
  return all / static_cast<double>(part_.end - part_.begin);
}

}  // namespace train::series
