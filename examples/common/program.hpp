// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include "common/choices.hpp"
#include "common/epoch_log.hpp"
#include "warpgnn/context.hpp"

/// The frame of an example's main.
namespace examples {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;

/// Runs `body` and returns its exit status, or says on standard error what it threw and returns kExitUsage for a
/// UsageError, kExitFailure for anything else. What standard output does not take to its end is a failure too.
int run_program_main(const std::string& program, const std::function<int()>& body);

/// Throws DataError where standard output takes no more.
void expect_output();

/// Whether a training should stop before its end, saved: it is told to, or what it writes to takes no more.
bool should_stop(const EpochLog& log);
/// Says why a training was stopped and by which command it goes on; the exit status.
int report_stop(const EpochLog& log, const std::string& command);

warpgnn::Context open_context(DeviceChoice device, int threads);

/// A word as the shell would have to read it.
std::string shell_word(const std::string& word);

}  // namespace examples
