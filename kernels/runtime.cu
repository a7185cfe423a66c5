// Devices, streams and memory: the CUDA side of "Devices and memory" in host/backend.hpp.

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>

#include "kernels/blas.cuh"
#include "kernels/launch.cuh"

namespace warpgnn::kernels {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that is reported must not show up again in an unrelated call
  throw Error(ErrorCode::device_failure, std::string(what) + ": " + cudaGetErrorString(status));
}

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ErrorCode::device_failure, std::string(what) + ": cuBLAS: " + cublasGetStatusString(status));
}

namespace {

// What NVIDIA recommends for Hopper; older devices need less, and a fixed size keeps the choice of algorithm fixed.
constexpr std::size_t kBlasWorkspaceBytes = std::size_t{32} << 20;

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

/// Freed memory stays with the device's pool at a synchronisation. The default is to hand it back to the system each
/// time, which would turn every batch of a training loop into new mappings.
void keep_freed_memory(int device) {
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool");
  std::uint64_t threshold = std::numeric_limits<std::uint64_t>::max();
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold), "cudaMemPoolSetAttribute");
}

/// fp32 products in fp32, never in TF32; fp64 and 16-bit products on tensor cores where there are any, 16-bit ones with
/// all their sums in fp32. CUBLAS_PEDANTIC_MATH would keep 16-bit products off the tensor cores.
constexpr auto kBlasMath =
    static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);

void open_blas(Blas& blas, cudaStream_t stream) {
  check(cublasCreate(&blas.handle), "cublasCreate");
  check(cudaMalloc(&blas.workspace, kBlasWorkspaceBytes), "cudaMalloc of the cuBLAS workspace");
  check(cublasSetStream(blas.handle, stream), "cublasSetStream");
  // After the stream: setting a stream drops the workspace.
  check(cublasSetWorkspace(blas.handle, blas.workspace, kBlasWorkspaceBytes), "cublasSetWorkspace");
  check(cublasSetMathMode(blas.handle, kBlasMath), "cublasSetMathMode");
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

CudaExec cuda_open(int device, void* stream) {
  const kernels::DeviceScope scope(device);
  CudaExec exec{.device = device, .stream = stream};
  const bool owns_stream = stream == nullptr;
  auto blas = std::make_unique<kernels::Blas>();
  exec.blas = blas.get();
  try {
    exec.multiprocessors = kernels::attribute_of(device, cudaDevAttrMultiProcessorCount);
    kernels::keep_freed_memory(device);
    if (owns_stream) {
      cudaStream_t created = nullptr;
      check(cudaStreamCreateWithFlags(&created, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
      exec.stream = created;
    }
    kernels::open_blas(*blas, stream_of(exec));
  } catch (...) {
    blas.release();
    cuda_close(exec, owns_stream);
    throw;
  }
  blas.release();
  return exec;
}

// At the end of a process the driver may be gone before the last context: nothing here may fail loudly.
void cuda_close(const CudaExec& exec, bool owns_stream) noexcept {
  int previous = 0;
  cudaGetDevice(&previous);
  cudaSetDevice(exec.device);
  const std::unique_ptr<kernels::Blas> blas(static_cast<kernels::Blas*>(exec.blas));
  if (blas != nullptr && blas->handle != nullptr) cublasDestroy(blas->handle);
  if (blas != nullptr && blas->workspace != nullptr) cudaFree(blas->workspace);
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

void* allocate(const CudaExec& exec, std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMallocAsync(&memory, std::max(bytes, kWorkspaceAlignment), stream_of(exec)), "cudaMallocAsync");
  return memory;
}

void release(const CudaExec& exec, void* memory) noexcept {
  if (memory != nullptr && cudaFreeAsync(memory, stream_of(exec)) != cudaSuccess) cudaGetLastError();
}

void copy_from_host(const CudaExec& exec, void* target, const void* source, std::size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyHostToDevice, stream_of(exec)), "copy to the device");
  synchronize(exec);
}

void copy_to_host(const CudaExec& exec, void* target, const void* source, std::size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToHost, stream_of(exec)), "copy from the device");
  synchronize(exec);
}

void fill_zero(const CudaExec& exec, void* target, std::size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemsetAsync(target, 0, bytes, stream_of(exec)), "cudaMemsetAsync");
}

void synchronize(const CudaExec& exec) {
  check(cudaStreamSynchronize(stream_of(exec)), "synchronize");
}

}  // namespace warpgnn::backend
