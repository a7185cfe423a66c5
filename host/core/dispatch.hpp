// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "host/core/backend.hpp"

namespace warpgnn {

/// Which allocations a CUDA graph may use. The library is not told what is captured; it sees that its stream is when it
/// works on it, and takes all that is allocated by then as used.
class CaptureLog {
 public:
  /// Numbers of allocations, from 1.
  std::uint64_t next_allocation() { return ++allocations_; }
  void note_capture() { captured_ = allocations_; }
  bool may_be_captured(std::uint64_t allocation) const { return allocation <= captured_; }

 private:
  std::uint64_t allocations_ = 0;
  std::uint64_t captured_ = 0;
};

/// What a Context holds: exactly one executor is meant, `cuda` when device says so.
struct Context::State {
  Device device{};
  backend::CpuExec cpu{};
  backend::CudaExec cuda{};
  bool owns_stream = false;
  std::string description;
  mutable CaptureLog captures;  // one host thread at a time uses a CUDA context

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (device.type == DeviceType::cuda) backend::cuda_close(cuda, owns_stream);
  }
};

/// Makes a CUDA device the thread's current one, and the one before it current again at the end.
class ActiveDevice {
 public:
  explicit ActiveDevice(int device) : before_(backend::activate_device(device)) {}
  ~ActiveDevice() { backend::activate_device(before_); }
  ActiveDevice(const ActiveDevice&) = delete;
  ActiveDevice& operator=(const ActiveDevice&) = delete;

 private:
  int before_;
};

/// Calls `function` with the context's executor, whose device is then the current one.
template <class Function>
decltype(auto) with_exec(const Context& context, Function&& function) {
  const Context::State& state = context.state();
  if (context.is_cuda()) {
    const ActiveDevice active(state.cuda.device);
    if (backend::is_capturing(state.cuda)) state.captures.note_capture();
    return std::forward<Function>(function)(state.cuda);
  }
  return std::forward<Function>(function)(state.cpu);
}

}  // namespace warpgnn
