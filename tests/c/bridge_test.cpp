// SPDX-License-Identifier: MIT
// Exceptions as statuses.
#include "host/c/bridge.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <thread>

#include "warpgnn/error.hpp"

namespace warpgnn::test {
namespace {

using c_interface::guarded;

TEST(CBridge, EveryErrorHasItsStatus) {
  const std::pair<ErrorCode, warpgnn_status> all[] = {
      {ErrorCode::invalid_argument, WARPGNN_INVALID_ARGUMENT},
      {ErrorCode::out_of_range, WARPGNN_OUT_OF_RANGE},
      {ErrorCode::overflow, WARPGNN_OVERFLOW},
      {ErrorCode::workspace_too_small, WARPGNN_WORKSPACE_TOO_SMALL},
      {ErrorCode::not_built, WARPGNN_NOT_BUILT},
      {ErrorCode::no_device, WARPGNN_NO_DEVICE},
      {ErrorCode::out_of_memory, WARPGNN_OUT_OF_MEMORY},
      {ErrorCode::device_failure, WARPGNN_DEVICE_FAILURE},
      {ErrorCode::capturing, WARPGNN_CAPTURING},
      {ErrorCode::io_failure, WARPGNN_IO_FAILURE},
  };
  for (const auto& each : all) {
    EXPECT_EQ(guarded([&] { throw Error(each.first, "x: message"); }), each.second);
    EXPECT_STREQ(warpgnn_last_error(), "x: message");
    EXPECT_STRNE(warpgnn_status_name(each.second), "unknown");
  }
}

TEST(CBridge, NothingElsePasses) {
  EXPECT_EQ(guarded([] { throw std::bad_alloc(); }), WARPGNN_OUT_OF_MEMORY);
  EXPECT_STREQ(warpgnn_last_error(), "memory: the host has not enough");
  EXPECT_EQ(guarded([] { throw std::logic_error("what it says"); }), WARPGNN_UNEXPECTED);
  EXPECT_STREQ(warpgnn_last_error(), "what it says");
  EXPECT_EQ(guarded([] { throw 3; }), WARPGNN_UNEXPECTED);
  EXPECT_EQ(guarded([] {}), WARPGNN_OK);
  EXPECT_STREQ(warpgnn_status_name(static_cast<warpgnn_status>(12)), "unknown");
}

TEST(CBridge, MessagesAreOfOneThread) {
  guarded([] { throw std::logic_error("of this thread"); });
  std::thread([] {
    EXPECT_STREQ(warpgnn_last_error(), "");
    guarded([] { throw std::logic_error(std::string(5000, 'm')); });
    EXPECT_GT(std::string(warpgnn_last_error()).size(), 500U);
  }).join();
  EXPECT_STREQ(warpgnn_last_error(), "of this thread");
}

}  // namespace
}  // namespace warpgnn::test
