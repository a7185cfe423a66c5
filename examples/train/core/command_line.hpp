// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/run_options.hpp"
#include "core/task.hpp"

namespace train {

/// Reads a command line, its first word the program's and its task's name, into options and the task's settings, which
/// it settles; with --resume they are still open. Throws UsageError.
RunOptions parse_options(Task& task, int argc, const char* const* argv);

/// Gives a task the settings of a checkpoint, read as a command line. Throws UsageError for what a command line may not
/// say either, DataError for JSON that to_json did not make.
void take_settings(Task& task, const nlohmann::json& stored);

/// Throws UsageError when the command line gave one of the settings of a checkpoint a different value. `other` is a
/// second task of the kind, which is read into.
void expect_kept_settings(Task& other, const RunOptions& options, const nlohmann::json& stored);

}  // namespace train
