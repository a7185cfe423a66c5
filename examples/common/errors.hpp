#pragma once

#include <stdexcept>
#include <string>

namespace examples {

/// The command line asks for something that does not exist or does not fit together. Exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A file is missing, broken or cannot be written. Exit code 1.
struct DataError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace examples
