// SPDX-License-Identifier: MIT
#include "common/program.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>

#include "common/errors.hpp"
#include "common/interrupt.hpp"

namespace examples {

namespace {

/// A descriptor that the caller closed would be given to the next file, which would then get the program's messages.
/// Reads from what is opened in its place find the end, writes fail.
void open_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    [[maybe_unused]] const int opened = ::open("/dev/null", O_RDONLY);  // the lowest that is free: this one
  }
}

}  // namespace

void expect_output() {
  errno = 0;
  if (!std::cout.flush()) {
    throw DataError(std::string("cannot write to standard output") + (errno != 0 ? ": " : "") +
                    (errno != 0 ? std::strerror(errno) : ""));
  }
}

bool should_stop(const EpochLog& log) {
  return interrupted() || !log.failure().empty() || !std::cout;
}

int report_stop(const EpochLog& log, const std::string& command) {
  const bool failed = !log.failure().empty() || !std::cout;
  const std::string why = !log.failure().empty() ? log.failure() : "cannot write to standard output";
  if (failed) throw DataError(why + "\nThe training is saved. To go on:\n  " + command);
  std::cout << "Interrupted. To go on:\n  " << command << std::endl;
  return kExitInterrupted;
}

int run_program_main(const std::string& program, const std::function<int()>& body) {
  try {
    open_standard_streams();
    const int status = body();
    expect_output();
    return status;
  } catch (const std::bad_alloc&) {
    std::cerr << program << ": there is not enough memory left\n";  // what may be large says itself what it is for
    return kExitFailure;
  } catch (const UsageError& error) {
    std::cerr << program << ": " << error.what() << "\n";
    return kExitUsage;
  } catch (const std::exception& error) {
    std::cerr << program << ": " << error.what() << "\n";
    return kExitFailure;
  }
}

warpgnn::Context open_context(DeviceChoice device, int threads) {
  switch (device) {
    case DeviceChoice::cpu: return warpgnn::Context::cpu(threads);
    case DeviceChoice::cuda: return warpgnn::Context::cuda();
    case DeviceChoice::automatic: break;
  }
  return warpgnn::Context::best(threads);
}

std::string shell_word(const std::string& word) {
  const bool is_plain = !word.empty() && word.find_first_not_of(
                                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-+=./,:@%") == std::string::npos;
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace examples
