#pragma once

#include <functional>
#include <string>

#include "common/choices.hpp"
#include "warpgnn/context.hpp"

/// The frame of an example's main.
namespace examples {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;

/// Runs `body` and returns its exit status, or says on standard error what it threw and returns kExitUsage for a
/// UsageError, kExitFailure for anything else.
int run_program_main(const std::string& program, const std::function<int()>& body);

warpgnn::Context open_context(DeviceChoice device, int threads);

/// A word as the shell would have to read it.
std::string shell_word(const std::string& word);

}  // namespace examples
