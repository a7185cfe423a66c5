// SPDX-License-Identifier: MIT
#include "core/files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/errors.hpp"

namespace train {

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    throw DataError("cannot write " + path.string() + ": expected a regular file or none");
  }
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw DataError("cannot write " + path.string() + ": " + std::strerror(errno));
}

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path)) {
    throw DataError("cannot make the folder " + path.string() + (error ? ": " + error.message() : ""));
  }
}

}  // namespace train
