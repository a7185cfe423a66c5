// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <span>
#include <string>

#include "core/task.hpp"
#include "warpgnn/context.hpp"

namespace train {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;

/// The program: reads which of the tasks the first word names, and runs it with the others. Its exit status;
/// kExitUsage for a UsageError, kExitFailure for anything else, said on standard error. What standard output does not
/// take to its end is a failure too.
int run_program(std::span<const TaskEntry> tasks, int argc, char** argv);

warpgnn::Context open_context(DeviceChoice device, int threads);

/// A word as the shell would have to read it.
std::string shell_word(const std::string& word);

}  // namespace train
