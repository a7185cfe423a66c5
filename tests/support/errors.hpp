// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "warpgnn/error.hpp"

namespace warpgnn::test {

/// Expects `call` to throw warpgnn::Error with this code and a message that begins with the first word, as the name of
/// an argument, and contains the others.
void expect_error(ErrorCode code, const std::vector<std::string>& words, const std::function<void()>& call);

}  // namespace warpgnn::test
