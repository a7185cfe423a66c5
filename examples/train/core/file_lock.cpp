// SPDX-License-Identifier: MIT
#include "core/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/errors.hpp"

namespace train {
namespace {

/// Who wrote its number into the file.
std::string holder(int descriptor) {
  std::array<char, 16> text{};
  const ssize_t length = ::pread(descriptor, text.data(), text.size(), 0);
  return length > 0 ? " (process " + std::string(text.data(), static_cast<std::size_t>(length)) + ")" : "";
}

/// Whether the file that was opened still has its name: whoever held it before removed it at its end.
bool is_named(int descriptor, const std::filesystem::path& path) {
  struct stat opened = {}, named = {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

}  // namespace

FileLock::FileLock(std::filesystem::path path, const std::string& what) : path_(std::move(path)) {
  const auto fail = [&](const std::string& message) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw DataError(message);
  };
  do {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) fail("cannot write " + path_.string() + ": " + std::strerror(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) fail(what + " is in use by another run" + holder(descriptor_));
      fail("cannot lock " + path_.string() + ": " + std::strerror(errno));
    }
  } while (!is_named(descriptor_, path_));
  const std::string number = std::to_string(::getpid());
  // The number is for messages only; a device that is full is found by those who write what matters.
  if (::ftruncate(descriptor_, 0) == 0) [[maybe_unused]]
    const ssize_t written = ::write(descriptor_, number.data(), number.size());
}

FileLock::FileLock(FileLock&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());  // while it is still ours
  ::close(descriptor_);
}

}  // namespace train
