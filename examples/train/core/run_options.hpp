// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/choices.hpp"
#include "core/fields.hpp"
#include "data/data_folder.hpp"

namespace train {

inline constexpr std::int64_t kMostPictures = 1000;

/// What a command line says beside the settings of its trainings.
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

  GivenOptions given;  ///< the options on the command line, settings among them
  std::string help;    ///< not empty: help was asked for, and this is it

  bool was_given(const std::string& name) const { return given.contains(name); }
};

/// The command line that goes on from a checkpoint; `program` is its first words.
std::string resume_command(const RunOptions& options, const std::string& program, const std::string& checkpoint);

/// The folder of a data set, which `find(dataset, options.data)` looks for; nothing where that is the generated one.
/// Where it is not found it becomes that, and this says so; DataError where it was asked for. `marker` is the file that
/// was looked for.
std::optional<std::filesystem::path> folder_of_data(const RunOptions& options, std::string& dataset,
                                                    const std::string& generated, const std::string& marker,
                                                    DatasetLocation (*find)(const std::string&, const std::string&));

/// Where checkpoints go: --checkpoint, else the resumed file, else one in --out that is written only on a stop.
std::string checkpoint_path(const RunOptions& options);

}  // namespace train
