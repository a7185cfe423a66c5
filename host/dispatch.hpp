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

/// Calls `function` with the context's executor.
template <class Function>
decltype(auto) with_exec(const Context& context, Function&& function) {
  const Context::State& state = context.state();
  if (context.is_cuda()) return std::forward<Function>(function)(state.cuda);
  return std::forward<Function>(function)(state.cpu);
}

}  // namespace warpgnn
