// SPDX-License-Identifier: MIT
#include "core/memory.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "core/errors.hpp"

namespace train {
namespace {

std::string error_of(double bytes, const std::function<void()>& make) {
  try {
    naming_memory("a table", bytes, make);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Memory, WhatDoesNotFitIsNamed) {
  EXPECT_EQ(error_of(3.4e9, [] { throw std::bad_alloc(); }),
            "there is not enough memory for a table, which takes 3.4 GB at least");
  EXPECT_EQ(error_of(0, [] { std::vector<char>().reserve(SIZE_MAX); }), "there is not enough memory for a table");
  EXPECT_EQ(error_of(0, [] {}), "");
}

TEST(Memory, WhatNoMachineHasIsNotEvenTried) {
  bool tried = false;
  EXPECT_NE(error_of(1e18, [&] { tried = true; }), "");
  EXPECT_FALSE(tried);
}

}  // namespace
}  // namespace train
