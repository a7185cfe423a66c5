// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace train {

struct ChildOutput {
  bool found = false;      ///< the program exists and was started
  bool succeeded = false;  ///< it ended with status 0
  std::string standard_output;
};

/// Runs a program, found on PATH, with these arguments as they are (no shell), standard input from a file and standard
/// error discarded; waits for its end.
ChildOutput run_program(const std::string& program, const std::vector<std::string>& arguments,
                        const std::filesystem::path& input);

}  // namespace train
