// SPDX-License-Identifier: MIT
// Errors and devices.

#include <cstring>

#include "report.hpp"
#include "runtime.hpp"

namespace simt {
namespace {

constexpr int kVersion = 13000;

std::recursive_mutex& mutex() {
  static std::recursive_mutex one;
  return one;
}

cudaError_t last_error = cudaSuccess;

}  // namespace

Computer& computer() {
  static Computer one;
  return one;
}

Api::Api() : lock_(mutex()) {}

cudaError_t set_last_error(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

}  // namespace simt

using simt::Api;
using simt::computer;
using simt::set_last_error;

const char* cudaGetErrorName(cudaError_t status) {
  switch (status) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady: return "cudaErrorNotReady";
    case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
    case cudaErrorNotSupported: return "cudaErrorNotSupported";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorStreamCaptureImplicit: return "cudaErrorStreamCaptureImplicit";
  }
  return "unrecognised error code";
}

const char* cudaGetErrorString(cudaError_t status) {
  const bool launch_failed = status == cudaErrorLaunchFailure || status == cudaErrorInvalidConfiguration;
  return launch_failed ? simt::last_failure().c_str() : cudaGetErrorName(status);
}

cudaError_t cudaGetLastError() {
  const Api api;
  const cudaError_t status = simt::last_error;
  simt::last_error = cudaSuccess;
  return status;
}

cudaError_t cudaPeekAtLastError() {
  const Api api;
  return simt::last_error;
}

cudaError_t cudaGetDeviceCount(int* count) {
  const Api api;
  *count = 0;
  if (computer().driver < simt::kVersion) return set_last_error(cudaErrorInsufficientDriver);  // none is old as well
  if (computer().devices == 0) return set_last_error(cudaErrorNoDevice);
  *count = computer().devices;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  const Api api;
  return device == 0 ? cudaSuccess : set_last_error(cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  const Api api;
  if (device != 0) return set_last_error(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: *value = 1024; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = 48 << 10; return cudaSuccess;
    case cudaDevAttrWarpSize: *value = 32; return cudaSuccess;
    case cudaDevAttrMultiProcessorCount: *value = 132; return cudaSuccess;
    // Few: loops over tiles, which alone ask for these, come around at the sizes of tests.
    case cudaDevAttrMaxGridDimX: *value = 4; return cudaSuccess;
    case cudaDevAttrMaxGridDimY: *value = 2; return cudaSuccess;
    case cudaDevAttrL2CacheSize: *value = 50 << 20; return cudaSuccess;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = 2048; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor: *value = computer().capability / 10; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: *value = computer().capability % 10; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = 228 << 10; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 227 << 10; return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported: *value = computer().memory_pools ? 1 : 0; return cudaSuccess;
  }
  return set_last_error(cudaErrorInvalidValue);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const Api api;
  if (device != 0) return set_last_error(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "SIMT executor on the host");
  properties->totalGlobalMem = std::size_t{4} << 30;
  properties->major = computer().capability / 10;
  properties->minor = computer().capability % 10;
  properties->multiProcessorCount = 132;
  properties->warpSize = 32;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = computer().driver;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = simt::kVersion;
  return cudaSuccess;
}
