// SPDX-License-Identifier: MIT
// Which devices the CUDA backend takes, on computers that only the executor can be.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simt/simt.hpp"
#include "tests/support/errors.hpp"
#include "warpgnn/context.hpp"

namespace warpgnn::test {
namespace {

using ::testing::HasSubstr;

class SimtDevicesTest : public ::testing::Test {
 protected:
  ~SimtDevicesTest() override { simt::computer() = {}; }

  /// No device can be used on this computer, for the reason that the words tell.
  static void expect_none(const simt::Computer& computer, const std::vector<std::string>& words) {
    simt::computer() = computer;
    EXPECT_EQ(cuda_device_count(), 0);
    std::vector<std::string> message{"device"};
    message.insert(message.end(), words.begin(), words.end());
    expect_error(ErrorCode::no_device, message, [] { Context::cuda(); });
    const Context best = Context::best();
    EXPECT_FALSE(best.is_cuda());
    for (const std::string& word : words) EXPECT_THAT(best.description(), HasSubstr(word));
  }
};

TEST_F(SimtDevicesTest, NoDriver) {
  expect_none({.driver = 0}, {"no CUDA driver"});
}

TEST_F(SimtDevicesTest, DriverOlderThanTheRuntime) {
  expect_none({.driver = 12080}, {"driver (12.8)", "older than the runtime (13.0)"});
}

TEST_F(SimtDevicesTest, NoDevice) {
  expect_none({.devices = 0}, {"no CUDA device"});
}

TEST_F(SimtDevicesTest, DeviceOlderThanTheBuild) {
  expect_none({.capability = 89}, {"compute capability 8.9", "below this build's 9.0"});
}

TEST_F(SimtDevicesTest, DevicesOfTheBuildAndLaterOnes) {
  for (const int capability : {90, 100, 121}) {
    simt::computer() = {.capability = capability};
    EXPECT_EQ(cuda_device_count(), 1) << capability;
    EXPECT_TRUE(Context::best().is_cuda()) << capability;
  }
}

TEST_F(SimtDevicesTest, OnlyDevicesBeforeOneThatDoesNotAnswerCount) {
  simt::computer() = {.devices = 2};
  EXPECT_EQ(cuda_device_count(), 1);
  EXPECT_EQ(Context::cuda(0).device(), (Device{DeviceType::cuda, 0}));
  expect_error(ErrorCode::no_device, {"device", "[0, 1)", "got 1"}, [] { Context::cuda(1); });
}

}  // namespace
}  // namespace warpgnn::test
