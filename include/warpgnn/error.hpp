// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

namespace warpgnn {

/// Why a call was refused or failed.
enum class ErrorCode {
  invalid_argument,     ///< shape, dtype, stride, alias or option that the op does not accept
  out_of_range,         ///< an index, label or offset outside its domain
  overflow,             ///< a count that does not fit the type that must hold it
  workspace_too_small,  ///< the caller's workspace is shorter than `workspace_size` asked for
  not_built,            ///< the backend was not compiled into this library
  no_device,            ///< CUDA was asked for and this machine has no usable device
  out_of_memory,   ///< memory of the host or the device that could not be had; the message says how much and for what
  device_failure,  ///< the CUDA runtime or cuBLAS reported an error
  capturing,       ///< the call allocates or waits, which a stream that is being captured does not allow
  io_failure,      ///< a file could not be read or written, or is not what it claims to be
};

/// The one exception type of the library. The message names the argument, what was expected and what was given.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace warpgnn
