// SPDX-License-Identifier: MIT
#include "warpgnn/version.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace warpgnn::test {
namespace {

static_assert(!std::string_view(kVersion).empty());

TEST(Version, NumbersTextAndLibraryAgree) {
  const std::string numbers = std::to_string(WARPGNN_VERSION_MAJOR) + "." + std::to_string(WARPGNN_VERSION_MINOR) +
                              "." + std::to_string(WARPGNN_VERSION_PATCH);
  EXPECT_EQ(kVersion, numbers);
  EXPECT_EQ(version(), numbers);
}

TEST(Version, IsTheProjects) {
  EXPECT_STREQ(kVersion, WARPGNN_PROJECT_VERSION);
}

}  // namespace
}  // namespace warpgnn::test
