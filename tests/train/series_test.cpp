// SPDX-License-Identifier: MIT
// What is the forecasts' own: the reader, parts and what is usual, errors, the recurrent layer, pictures.

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/errors.hpp"
#include "model/gru.hpp"
#include "model/transfer.hpp"
#include "series/sightings.hpp"
#include "small_tasks.hpp"
#include "tests/support/temporary_folder.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace train::series {
namespace {

using test::SmallTask;

class SeriesReader : public testing::Test {
 protected:
  SeriesReader() {
    folder.write("los_speed.csv", "11,12\n60,50.5\n61,49\r\n");
    folder.write("los_adj.csv", "0,0.25\n0,1\n");
  }
  SeriesData read() const { return read_series(folder.path(), "S"); }
  void expect_error(const std::string& part) const {
    try {
      read();
      ADD_FAILURE() << "no error that says: " << part;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }

  TemporaryFolder folder;
};

TEST_F(SeriesReader, LeavesOutTheHeadAndGivesEverySensorALoop) {
  const SeriesData data = read();
  EXPECT_EQ(data.steps(), 2);
  EXPECT_EQ(data.at(1, 0), 61);
  EXPECT_EQ(data.at(0, 1), 50.5);
  EXPECT_EQ(data.source, (std::vector<std::int32_t>{0, 1, 1}));
  EXPECT_EQ(data.destination, (std::vector<std::int32_t>{0, 0, 1}));
  EXPECT_EQ(data.weight, (std::vector<double>{1, 0.25, 1}));
  EXPECT_TRUE(data.places.empty());
  folder.write("graph_sensor_locations.csv", "index,sensor_id,latitude,longitude\n0,11,34.5,-118\n1,12,34,-118.5\n");
  EXPECT_EQ(read().places[1].x, -118.5);
  EXPECT_EQ(read().places[1].y, 34);
}

TEST_F(SeriesReader, TakesPackedFiles) {
  for (const char* name : {"los_speed.csv", "los_adj.csv"}) {
    std::filesystem::rename(folder.path() / name, folder.path() / (name + std::string(".gz")));
  }
  ASSERT_TRUE(find_dataset("S", folder.path().string()).folder);
  EXPECT_EQ(read().steps(), 2);
}

TEST_F(SeriesReader, NamesTheLineThatIsWrong) {
  folder.write("los_adj.csv", "0,0.25\n0,-1\n");
  expect_error("los_adj.csv:2: expected weights");
  folder.write("los_adj.csv", "0,0.25\n");
  expect_error("los_adj.csv: expected 2 lines, one per sensor");
  folder.write("los_adj.csv", "0\n1\n");
  expect_error("los_adj.csv:1: expected 2 numbers");
  folder.write("los_speed.csv", "11,12\n60,nan\n");
  expect_error("los_speed.csv:2: expected 2 numbers, one for each sensor");
  folder.write("los_speed.csv", "11,12\n");
  expect_error("los_speed.csv:1: expected a line of sensors' numbers");
  folder.write("los_speed.csv", "11,12\n60,50\n");
  folder.write("los_adj.csv", "0,0.25\n0,1\n");
  folder.write("graph_sensor_locations.csv", "index,sensor_id,latitude,longitude\n0,11,34.5,-118\n");
  expect_error("graph_sensor_locations.csv:1: expected a line for each sensor");
}

TEST(Series, PartsFollowEachOtherInTime) {
  const SeriesData data = generate_wave(1);
  const auto [train, valid, test] = split_series(data, {0.5, 0.25, 0.25});
  EXPECT_EQ(train.begin, 0);
  EXPECT_EQ(train.end, valid.begin);
  EXPECT_EQ(valid.end, test.begin);
  EXPECT_EQ(test.end, data.steps());
  EXPECT_EQ(test.windows(), test.end - test.begin - 23);
  EXPECT_THROW(split_series(data, {0.99, 0.005, 0.005}), UsageError);
}

/// Values that tell their day and time.
TEST(Series, WhatIsUsualIsOfOtherDays) {
  SeriesData data;
  data.values = {4 * kStepsOfDay, 1, {}};
  for (std::int64_t step = 0; step < data.values.rows; ++step) {
    data.values.values.push_back(static_cast<double>(1000 * (step / kStepsOfDay) + step % kStepsOfDay));
  }
  const DailyMean daily(data, {0, 2 * kStepsOfDay});
  EXPECT_DOUBLE_EQ(daily.at(100, 0), 1100);  // the other day
  EXPECT_DOUBLE_EQ(daily.at(kStepsOfDay + 100, 0), 100);
  EXPECT_DOUBLE_EQ(daily.at(3 * kStepsOfDay + 100, 0), 600);        // both
  EXPECT_DOUBLE_EQ(DailyMean(data, {0, 200}).at(100, 0), 100);      // no other
  EXPECT_DOUBLE_EQ(DailyMean(data, {0, 50}).at(100, 0), 49.0 / 2);  // not that time
}

TEST(Series, ErrorsWithoutAModel) {
  SeriesData data;
  data.values = {30, 1, {}};
  for (int step = 0; step < 30; ++step) data.values.values.push_back(2.0 * step);
  const Errors errors = last_value_errors(data, {0, 30});
  EXPECT_NEAR(errors.at(3), 6, 1e-12);
  EXPECT_NEAR(errors.up_to(3), std::sqrt((4 + 16 + 36) / 3.0), 1e-12);
  EXPECT_NEAR(errors.mean_absolute(), 13, 1e-12);
}

/// Its gradients agree with central differences, over several steps and sequences.
TEST(Recurrent, GradientAgreesWithDifferences) {
  constexpr std::int64_t kSequences = 3, kSteps = 4, kIn = 2, kWidth = 3;
  const warpgnn::Context context = warpgnn::Context::cpu(1);
  warpgnn::nn::Session session(context, warpgnn::Dtype::float64, 7);
  Gru gru(session, "gru", kIn, kWidth);
  warpgnn::nn::ParameterList parameters;
  gru.collect(parameters);
  const auto wave = [](std::int64_t count, double speed) {
    std::vector<double> values;
    for (std::int64_t k = 0; k < count; ++k) values.push_back(std::sin(speed * static_cast<double>(k + 1)));
    return values;
  };
  std::vector<double> x = wave(kSequences * kSteps * kIn, 1.3);
  const std::vector<double> slope = wave(kSequences * kSteps * kWidth, 0.7);
  const auto loss = [&] {
    const auto input = upload(context, warpgnn::Dtype::float64, x, {kSequences * kSteps, kIn});
    const std::vector<double> states = download(gru.forward(input, kSteps), context);
    return std::inner_product(states.begin(), states.end(), slope.begin(), 0.0);
  };
  const auto expect_difference = [&](const auto& set, double at, double derivative, const std::string& name) {
    constexpr double kStep = 1e-6;
    set(at + kStep);
    const double above = loss();
    set(at - kStep);
    const double below = loss();
    set(at);
    EXPECT_NEAR((above - below) / (2 * kStep), derivative, 1e-7) << name;
  };
  const auto input = upload(context, warpgnn::Dtype::float64, x, {kSequences * kSteps, kIn});
  const auto dy = upload(context, warpgnn::Dtype::float64, slope, {kSequences * kSteps, kWidth});
  gru.forward(input, kSteps);
  const std::vector<double> dx = download(gru.backward(dy), context);
  for (std::size_t k = 0; k < x.size(); ++k) {
    expect_difference([&](double value) { x[k] = value; }, x[k], dx[k], "x");
  }
  ASSERT_EQ(parameters.size(), 4u);
  for (warpgnn::nn::Parameter* parameter : parameters) {
    std::vector<double> values = parameter->value.to_host<double>();
    const std::vector<double> gradient = parameter->gradient.to_host<double>();
    for (std::size_t k = 0; k < values.size(); ++k) {
      const auto set = [&](double value) {
        values[k] = value;
        parameter->value.copy_from_host(values.data(), values.size() * sizeof(double));
      };
      expect_difference(set, values[k], gradient[k], parameter->name);
    }
  }
}

class SmallSeries : public testing::Test {
 protected:
  SmallSeries() {
    test::parse(task, test::series_task().words);
    task.use(generate_wave(3));
    task.move_to(warpgnn::Context::cpu(1));
    training = task.begin(0, 0);
    training->begin_epoch(0);
    for (std::int64_t step = 0; step < training->steps(); ++step) training->step(step);
    training->scores(true);
  }

  SeriesTask task;
  std::unique_ptr<Training> training;
};

TEST_F(SmallSeries, PicturesShowWhereWhenAndWhat) {
  std::map<std::string, double> findings;
  const nlohmann::json seen = task.look(*training, 4, findings);
  ASSERT_EQ(seen.size(), 4u);
  task.expect_seen(seen);
  EXPECT_EQ(seen[0].at("error").size(), 12u);
  const auto attention = seen[1].at("attention").get<std::vector<double>>();
  EXPECT_NEAR(std::accumulate(attention.begin(), attention.end(), 0.0), 1, 1e-5);
  const TemporaryFolder folder;
  EXPECT_EQ(task.draw(seen, folder.path()).figures.size(), 4u);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "forecast_map.svg"));
}

TEST_F(SmallSeries, RefusesPicturesOfOtherData) {
  std::map<std::string, double> findings;
  const nlohmann::json seen = task.look(*training, 3, findings);
  const auto expect_refused = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json wrong = seen;
    wrong[nlohmann::json::json_pointer(pointer)] = value;
    EXPECT_THROW(task.expect_seen(wrong), DataError) << pointer;
  };
  expect_refused("/0/error", {1, 2});
  expect_refused("/0/error", nlohmann::json::array());
  expect_refused("/1/attention/3", "x");
  expect_refused("/2/sensor", 12);
  expect_refused("/2/told_early", {1});
}

/// A jam travels from sensor to sensor: those who see their neighbours know of it before it is there.
TEST(Series, ANetworkSeesTheJamThatComes) {
  const auto error_of = [](const std::string& model) {
    SmallTask small = test::series_task();
    small.use_data = [](Task& task, std::uint64_t seed) { dynamic_cast<SeriesTask&>(task).use(generate_wave(seed)); };
    const auto outcome = test::train(small, {"--dataset", "wave", "--model", model, "--epochs", "30"});
    const Epochs& epochs = outcome.results.runs[0].epochs;
    return epochs[*chosen_epoch(epochs, Selection::valid, outcome.task->metrics()[0])].test->metrics[0];
  };
  const SeriesData data = generate_wave(test::series_task().seed);
  const auto part = split_series(data, {0.7, 0.1, 0.2})[2];
  const double seeing = error_of("gat"), blind = error_of("set"), last = last_value_errors(data, part).up_to(12);
  EXPECT_LT(seeing, 0.9 * blind);
  EXPECT_LT(seeing, 0.7 * last);
}

}  // namespace
}  // namespace train::series
