// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>

namespace train {

/// The command line asks for something that does not exist or does not fit together. Exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A file is missing, broken or cannot be written. Exit code 1.
struct DataError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A training whose numbers are no longer finite. Exit code 1.
struct TrainingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What `read` returns; whatever it throws becomes a DataError that names the file it read.
template <class Read>
auto naming_file(const std::filesystem::path& file, const Read& read) {
  const std::string name = file.string();
  try {
    return read();
  } catch (const std::bad_alloc&) {
    throw DataError(name + ": there is not enough memory for what it holds");
  } catch (const std::exception& error) {
    const std::string message = error.what();
    throw DataError(message.starts_with(name) ? message : name + ": " + message);
  }
}

}  // namespace train
