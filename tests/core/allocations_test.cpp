// SPDX-License-Identifier: MIT
// That the ops' allocations would be seen: `run` of support/test_tensor.hpp expects none in any op's test.

#include "tests/support/allocations.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace warpgnn::test {
namespace {

TEST(Allocations, AreCounted) {
  if (!counts_allocations()) GTEST_SKIP() << "not counted in this build";
  const std::int64_t before = allocations();
  const auto number = std::make_unique<int>(3);
  EXPECT_EQ(allocations(), before + 1);
  const std::string long_name("destination_score, and more than fits within");
  EXPECT_EQ(allocations(), before + 2);
  const std::vector<double> values(100);
  EXPECT_EQ(allocations(), before + 3);
}

}  // namespace
}  // namespace warpgnn::test
