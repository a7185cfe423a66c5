// SPDX-License-Identifier: MIT
#pragma once

// Kernels with one fault each, and the same kernels without it.

#include <cuda_runtime.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace planted {

struct Fault {
  std::string name;
  std::string kind;                ///< of the finding that is expected
  bool seen_by_sanitizer = false;  ///< AddressSanitizer or UndefinedBehaviorSanitizer end the program at it
  std::function<void(bool faulty)> run;
};

inline void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name;
}

std::vector<Fault> bounds_faults();
std::vector<Fault> content_faults();
std::vector<Fault> race_faults();
std::vector<Fault> barrier_faults();

/// Device memory for the length of a scope.
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count, bool initialised = true) {
    cudaMalloc(&data_, count * sizeof(float));
    if (initialised) cudaMemset(data_, 0, count * sizeof(float));
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  float* get() const { return data_; }

 private:
  float* data_ = nullptr;
};

struct Shape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
};

template <class... Parameters, class... Arguments>
cudaError_t launch(const Shape& shape, void (*kernel)(Parameters...), Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

}  // namespace planted

/// Launches kernel<true> or kernel<false>.
#define PLANTED_LAUNCH(faulty, kernel, shape, ...)                             \
  ((faulty) ? planted::launch(planted::Shape shape, kernel<true>, __VA_ARGS__) \
            : planted::launch(planted::Shape shape, kernel<false>, __VA_ARGS__))
