#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "common/choices.hpp"
#include "common/data_folder.hpp"

namespace examples {

/// What a program's command line says beside the settings of its trainings.
struct RunOptions {
  std::string data;  ///< folder to look for the data set in; empty: the usual places
  DeviceChoice device = DeviceChoice::automatic;
  int threads = 1;
  std::string out = "out";
  std::string log;
  std::string checkpoint;
  std::int64_t checkpoint_every = 50;
  std::string resume;
  std::int64_t pictures = 6;

  std::set<std::string> given;  ///< the names, without dashes, of the options that were on the command line
  std::string help;             ///< not empty: help was asked for, and this is it

  bool was_given(const std::string& name) const { return given.contains(name); }
};

/// Both are settings as JSON, by option name. Throws UsageError when the command line gave one of them a value that
/// differs from the checkpoint's.
void refuse_other_settings(const RunOptions& options, const nlohmann::json& wanted, const nlohmann::json& stored);

/// The command line that goes on from a checkpoint.
std::string resume_command(const RunOptions& options, const std::string& program, const std::string& checkpoint);

/// For a data set that was not found: throws DataError where it was asked for, else says that `generated` takes its
/// place. `marker` is the file that was looked for.
void accept_missing_data(const RunOptions& options, const std::string& dataset, const DatasetLocation& location,
                         const std::string& marker, const std::string& generated);

/// Where checkpoints go: --checkpoint, else the resumed file, else one in --out that is written only on a stop.
std::string checkpoint_path(const RunOptions& options);

}  // namespace examples
