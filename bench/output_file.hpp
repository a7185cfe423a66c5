// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace warpgnn::bench {

/// A file whose every write has reached the system, or throws std::runtime_error that names the file and the reason.
class OutputFile {
 public:
  OutputFile(std::string path, std::ios::openmode mode) : path_(std::move(path)), file_(path_, mode | std::ios::out) {
    expect_good();
  }

  void write(std::string_view bytes) {
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
    expect_good();
  }

 private:
  void expect_good() const {
    if (!file_) throw std::runtime_error("cannot write " + path_ + ": " + std::strerror(errno));
  }

  std::string path_;
  std::ofstream file_;
};

}  // namespace warpgnn::bench
