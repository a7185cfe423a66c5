// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string_view>

namespace train {

/// Writes a whole file, or throws DataError.
void write_file(const std::filesystem::path& path, std::string_view text);
/// Makes a folder and its parents, or throws DataError.
void make_folder(const std::filesystem::path& path);

}  // namespace train
