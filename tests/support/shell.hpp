// SPDX-License-Identifier: MIT
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace warpgnn::test {

struct Outcome {
  int status = -1;
  std::string text;  ///< standard output and error
};

/// Runs a command by bash and waits for its end.
inline Outcome shell(const std::string& command) {
  std::string quoted = "exec bash -c '";
  for (const char c : command) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  Outcome outcome;
  std::FILE* const pipe = popen((quoted + "' 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> block{};
  for (std::size_t count = 0; (count = std::fread(block.data(), 1, block.size(), pipe)) > 0;) {
    outcome.text.append(block.data(), count);
  }
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace warpgnn::test
