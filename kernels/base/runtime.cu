// SPDX-License-Identifier: MIT
// Devices, streams and copies: the CUDA side of "Devices" and of memory in host/core/backend.hpp, but for
// memory_pool.cu.

#include <algorithm>
#include <iterator>

#include "kernels/base/blas_handle.cuh"
#include "kernels/base/launch.cuh"
#include "kernels/base/memory_pool.cuh"

namespace warpgnn::kernels {

namespace {

/// What to do about errors that only a capture causes; null for others.
const char* advice_for(cudaError_t status) {
  switch (status) {
    case cudaErrorStreamCaptureImplicit:
      return "the legacy default stream cannot be used while a blocking stream is captured: capture a stream made with "
             "cudaStreamNonBlocking, or give the context a stream other than the default one";
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
      return "a stream is being captured, and this cannot be done meanwhile: do it before the capture";
    default: return nullptr;
  }
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that is reported must not show up again in an unrelated call
  const std::string message = std::string(what) + ": " + cudaGetErrorString(status);
  if (const char* const advice = advice_for(status)) {
    throw Error(ErrorCode::capturing, message + " (" + advice + ")");
  }
  throw Error(ErrorCode::device_failure, message);
}

namespace {

using backend::CudaExec;

// Compute capabilities, times 100, that the kernels were compiled for.
#ifdef __CUDA_ARCH_LIST__
constexpr int kArchitectures[] = {__CUDA_ARCH_LIST__};
#else
constexpr int kArchitectures[] = {0};
#endif

/// Makes a device current for a scope: creating streams and handles has no device argument.
class DeviceScope {
 public:
  explicit DeviceScope(int device) {
    check(cudaGetDevice(&previous_), "cudaGetDevice");
    check(cudaSetDevice(device), "cudaSetDevice");
  }
  ~DeviceScope() { cudaSetDevice(previous_); }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int previous_ = 0;
};

int attribute_of(int device, cudaDeviceAttr attribute) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, attribute, device), "cudaDeviceGetAttribute");
  return value;
}

struct Availability {
  int devices = 0;
  std::string reason;  // where there are none
};

std::string version_name(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string describe(cudaError_t status) {
  if (status == cudaErrorNoDevice) return "no CUDA device";
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0) return "no CUDA driver";
  if (status == cudaErrorInsufficientDriver) {
    return "the CUDA driver (" + version_name(driver) + ") is older than the runtime (" + version_name(runtime) + ")";
  }
  return std::string("CUDA: ") + cudaGetErrorString(status);
}

/// Counts the leading devices that can run this build's kernels, so that every number below the count is usable.
/// Creates no context on any of them.
Availability find_devices() {
  int present = 0;
  const cudaError_t status = cudaGetDeviceCount(&present);
  if (status != cudaSuccess) {
    cudaGetLastError();
    return {0, describe(status)};
  }
  if (present == 0) return {0, "no CUDA device"};
  const int oldest = *std::min_element(std::begin(kArchitectures), std::end(kArchitectures));
  for (int device = 0; device < present; ++device) {
    int major = 0, minor = 0;
    if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) != cudaSuccess ||
        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) != cudaSuccess) {
      cudaGetLastError();
      return {device, "the CUDA device does not answer"};
    }
    const int capability = 100 * major + 10 * minor;
    if (capability < oldest) {
      return {device, "the CUDA device has compute capability " + version_name(10 * capability) +
                          ", below this build's " + version_name(10 * oldest)};
    }
  }
  return {present, {}};
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using kernels::check;
using kernels::stream_of;

bool cuda_built() {
  return true;
}

int cuda_device_count() {
  return kernels::find_devices().devices;
}

std::string cuda_unavailable_reason() {
  return kernels::find_devices().reason;
}

CudaExec cuda_open(int device, std::optional<void*> stream) {
  const kernels::DeviceScope scope(device);
  CudaExec exec{.device = device, .stream = stream.value_or(nullptr)};
  try {
    if (stream) expect_no_capture(exec, "opening a context");
    exec.multiprocessors = kernels::attribute_of(device, cudaDevAttrMultiProcessorCount);
    exec.max_grid_x = kernels::attribute_of(device, cudaDevAttrMaxGridDimX);
    exec.max_grid_y = kernels::attribute_of(device, cudaDevAttrMaxGridDimY);
    if (!stream) {
      cudaStream_t created = nullptr;
      check(cudaStreamCreateWithFlags(&created, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
      exec.stream = created;
    }
    kernels::open_memory(exec);
    kernels::open_blas(exec);
  } catch (...) {
    cuda_close(exec, !stream);
    throw;
  }
  return exec;
}

// At the end of a process the driver may be gone before the last context: nothing here may fail loudly.
void cuda_close(const CudaExec& exec, bool owns_stream) noexcept {
  int previous = 0;
  cudaGetDevice(&previous);
  cudaSetDevice(exec.device);
  kernels::close_blas(exec);
  kernels::close_memory(exec);
  if (owns_stream && exec.stream != nullptr) cudaStreamDestroy(stream_of(exec));
  cudaSetDevice(previous);
  cudaGetLastError();
}

std::string cuda_device_name(const CudaExec& exec) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, exec.device), "cudaGetDeviceProperties");
  return properties.name;
}

// An error here shows in the launch that follows.
int activate_device(int device) noexcept {
  int previous = device;
  cudaGetDevice(&previous);
  if (previous != device) cudaSetDevice(device);
  return previous;
}

void copy_from_host(const CudaExec& exec, void* target, const void* source, std::size_t bytes) {
  if (bytes == 0) return;
  expect_no_capture(exec, "a copy from the host, which waits for the stream");
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyHostToDevice, stream_of(exec)), "copy to the device");
  synchronize(exec);
}

void copy_to_host(const CudaExec& exec, void* target, const void* source, std::size_t bytes) {
  if (bytes == 0) return;
  expect_no_capture(exec, "a copy to the host, which waits for the stream");
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToHost, stream_of(exec)), "copy from the device");
  synchronize(exec);
}

void fill_zero(const CudaExec& exec, void* target, std::size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemsetAsync(target, 0, bytes, stream_of(exec)), "cudaMemsetAsync");
}

void synchronize(const CudaExec& exec) {
  expect_no_capture(exec, "waiting for it");
  check(cudaStreamSynchronize(stream_of(exec)), "synchronize");
}

}  // namespace warpgnn::backend
