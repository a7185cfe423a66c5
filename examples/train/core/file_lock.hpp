// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

namespace train {

/// Keeps other runs from a file or folder as long as it lives, by a lock on a small file of its own. What a killed run
/// leaves behind locks nothing.
class FileLock {
 public:
  /// Throws DataError where another process holds `path`; `what` is locked, for the message.
  FileLock(std::filesystem::path path, const std::string& what);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace train
