// SPDX-License-Identifier: MIT
#pragma once

// cuBLAS as the library uses it. Host code.

#include <cublas_v2.h>

#include "kernels/base/blas_handle.cuh"

namespace warpgnn::kernels {

/// What CudaExec::blas points to. The workspace is the handle's own, so that cuBLAS never allocates: a call can be
/// captured, and its result does not depend on what else the process runs.
struct Blas {
  cublasHandle_t handle = nullptr;
  void* workspace = nullptr;
};

/// Throws Error(device_failure) that names what failed.
void check(cublasStatus_t status, const char* what);

inline cublasHandle_t blas_of(const backend::CudaExec& exec) {
  return static_cast<const Blas*>(exec.blas)->handle;
}

}  // namespace warpgnn::kernels
