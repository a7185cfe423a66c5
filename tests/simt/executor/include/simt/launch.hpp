// SPDX-License-Identifier: MIT
#pragma once

// Launches: the kernel's arguments are copied as a real launch copies them, and every thread calls the kernel with
// them.

#include <cstddef>
#include <memory>
#include <tuple>

#include "simt/runtime_api.hpp"

namespace simt {

/// A kernel with its arguments.
struct Invocation {
  const void* kernel = nullptr;
  std::shared_ptr<const void> arguments;
  std::size_t argument_bytes = 0;
  void (*call)(const void* kernel, const void* arguments) = nullptr;  // what each thread does
};

cudaError_t launch(const cudaLaunchConfig_t& config, const Invocation& invocation);

}  // namespace simt

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  using Values = std::tuple<Parameters...>;
  simt::Invocation invocation;
  invocation.kernel = reinterpret_cast<const void*>(kernel);
  invocation.arguments = std::make_shared<const Values>(static_cast<Parameters>(arguments)...);
  invocation.argument_bytes = sizeof(Values);
  invocation.call = [](const void* function, const void* values) {
    std::apply(reinterpret_cast<void (*)(Parameters...)>(const_cast<void*>(function)),
               *static_cast<const Values*>(values));
  };
  return simt::launch(*config, invocation);
}
// NOLINTEND(readability-identifier-naming)
