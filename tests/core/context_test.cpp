// SPDX-License-Identifier: MIT
#include "warpgnn/context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/errors.hpp"

namespace warpgnn::test {
namespace {

using ::testing::HasSubstr;

TEST(Context, CpuThreads) {
  EXPECT_EQ(Context::cpu(3).threads(), 3);
  EXPECT_GE(Context::cpu().threads(), 1);
  const Context context = Context::cpu(2);
  EXPECT_FALSE(context.is_cuda());
  EXPECT_EQ(context.device(), (Device{DeviceType::cpu, 0}));
  EXPECT_EQ(context.stream(), nullptr);
  EXPECT_THAT(context.description(), HasSubstr("2 threads"));
  context.synchronize();
  expect_error(ErrorCode::invalid_argument, {"threads", "-1"}, [] { Context::cpu(-1); });
}

/// The level that contexts are made for, and at the end again what it was.
class LevelInEnvironment {
 public:
  explicit LevelInEnvironment(const char* level) {
    if (const char* const given = std::getenv("WARPGNN_CPU_LEVEL")) before_ = given;
    setenv("WARPGNN_CPU_LEVEL", level, 1);
  }
  ~LevelInEnvironment() { setenv("WARPGNN_CPU_LEVEL", before_.c_str(), 1); }
  LevelInEnvironment(const LevelInEnvironment&) = delete;
  LevelInEnvironment& operator=(const LevelInEnvironment&) = delete;

 private:
  std::string before_;
};

TEST(Context, CpuLevelFromTheEnvironment) {
  {
    const LevelInEnvironment level("baseline");
    try {
      EXPECT_EQ(Context::cpu(2).description(), "CPU, 2 threads");
    } catch (const Error& error) {  // a build for newer processors alone
      EXPECT_EQ(error.code(), ErrorCode::not_built);
    }
  }
  const LevelInEnvironment level("v9");
  expect_error(ErrorCode::invalid_argument, {"WARPGNN_CPU_LEVEL:", "v9"}, [] { Context::cpu(2); });
}

TEST(Context, CopiesShareTheirState) {
  const Context context = Context::cpu(2);
  const Context copy = context;
  EXPECT_EQ(&copy.state(), &context.state());
  EXPECT_NE(&Context::cpu(2).state(), &context.state());
}

TEST(Context, BestSaysWhatItTook) {
  const Context best = Context::best();
  EXPECT_EQ(best.is_cuda(), cuda_device_count() > 0);
  EXPECT_THAT(best.description(), HasSubstr("CUDA"));  // the device, or why there is none
}

TEST(Context, CudaWithoutADeviceIsRefused) {
  if (!cuda_built()) {
    EXPECT_EQ(cuda_device_count(), 0);
    expect_error(ErrorCode::not_built, {"device", "CUDA"}, [] { Context::cuda(); });
  } else if (cuda_device_count() == 0) {
    expect_error(ErrorCode::no_device, {"device", "CUDA"}, [] { Context::cuda(); });
  } else {
    expect_error(ErrorCode::no_device, {"device", "-1"}, [] { Context::cuda(-1); });
    const int past = cuda_device_count();
    expect_error(ErrorCode::no_device, {"device", std::to_string(past)}, [&] { Context::cuda(past); });
  }
}

}  // namespace
}  // namespace warpgnn::test
