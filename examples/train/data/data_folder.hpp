// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace train {

/// Where the files of a data set were looked for, and the folder that has them.
struct DatasetLocation {
  std::optional<std::filesystem::path> folder;
  std::string searched;  ///< the places, for a message
};

/// Whether a data set, or a part of one, may have this name: its folder's, without a path.
bool is_plain_name(const std::string& name);

/// The file, or the same packed by gzip, NAME.gz, where only that is there.
std::filesystem::path plain_or_packed(const std::filesystem::path& file);

/// Looks for the folders NAME and "." with `marker`, a file that the data set must have, or the same packed by gzip, in
/// `data` when that is given, else in the folder that the environment variable WARPGNN_DATA names, examples/data,
/// ../shared/data and ~/.cache/warpgnn.
/// Throws UsageError for a name with a path in it.
DatasetLocation find_data(const std::string& name, const std::string& data, const std::string& marker);

}  // namespace train
