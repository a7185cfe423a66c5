// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/choices.hpp"
#include "common/data_folder.hpp"

namespace examples {

inline constexpr std::int64_t kMostPictures = 1000;

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

  std::map<std::string, std::string> given;  ///< the options on the command line: name without dashes, and words
  std::string help;                          ///< not empty: help was asked for, and this is it

  bool was_given(const std::string& name) const { return given.contains(name); }
};

/// The command line that makes settings, which are JSON by option name; null is an option that was not given. What
/// `options` gives stands in place of what is stored. So what is read from a file passes the checks of a command line.
std::vector<std::string> words_of(const nlohmann::json& stored, const RunOptions& options = {});
/// Throws DataError unless settings from a file are those that their words made.
void expect_same_settings(const nlohmann::json& made, const nlohmann::json& stored);
/// Throws UsageError when the command line gave a setting another value than the checkpoint has.
void refuse_other_settings(const nlohmann::json& wanted, const nlohmann::json& stored);

/// The command line that goes on from a checkpoint.
std::string resume_command(const RunOptions& options, const std::string& program, const std::string& checkpoint);

/// For a data set that was not found: throws DataError where it was asked for, else says that `generated` takes its
/// place. `marker` is the file that was looked for.
void accept_missing_data(const RunOptions& options, const std::string& dataset, const DatasetLocation& location,
                         const std::string& marker, const std::string& generated);

/// Where checkpoints go: --checkpoint, else the resumed file, else one in --out that is written only on a stop.
std::string checkpoint_path(const RunOptions& options);

}  // namespace examples
