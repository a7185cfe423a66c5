// SPDX-License-Identifier: MIT
#pragma once

#include "common/run_options.hpp"
#include "settings.hpp"

namespace examples::train_nodes {

/// The command line.
struct Options : RunOptions {
  Settings settings;
};

/// Reads the command line; what it leaves open is settings_of(model); with --resume the settings are still
/// open. Throws UsageError.
Options parse_options(int argc, const char* const* argv);

/// Settings from a checkpoint, read as a command line. Throws UsageError for what a command line may not say either,
/// DataError for JSON that to_json did not make.
Settings settings_from_json(const nlohmann::json& json);

/// Takes over the settings of a checkpoint. Throws UsageError when the command line gave a different value for one.
void adopt_settings(Options& options, const Settings& stored);

}  // namespace examples::train_nodes
