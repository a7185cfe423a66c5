// SPDX-License-Identifier: MIT
#include "tests/support/errors.hpp"

#include <gtest/gtest.h>

namespace warpgnn::test {

void expect_error(ErrorCode code, const std::vector<std::string>& words, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << message;
    for (std::size_t k = 0; k < words.size(); ++k) {
      const std::size_t at = message.find(words[k]);
      EXPECT_TRUE(k == 0 ? at == 0 : at != std::string::npos)
          << "'" << words[k] << "' is not where it should be in: " << message;
    }
    return;
  }
  ADD_FAILURE() << "nothing was thrown; expected an error about " << (words.empty() ? "" : words[0]);
}

}  // namespace warpgnn::test
