#pragma once

#include <utility>

#include "backend.hpp"

namespace warpgnn {

/// What a Context holds: exactly one executor is meant, `cuda` when device says so.
struct Context::State {
  Device device{};
  backend::CpuExec cpu{};
  backend::CudaExec cuda{};
  bool owns_stream = false;
  std::string description;

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
    return std::forward<Function>(function)(state.cuda);
  }
  return std::forward<Function>(function)(state.cpu);
}

}  // namespace warpgnn
