// SPDX-License-Identifier: MIT
// cuBLAS' handle of a context, for the dense products.

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/base/blas.cuh"
#include "kernels/base/launch.cuh"

namespace warpgnn::kernels {

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ErrorCode::device_failure, std::string(what) + ": cuBLAS: " + cublasGetStatusString(status));
}

namespace {

// What NVIDIA recommends for Hopper; older devices need less, and a fixed size keeps the choice of algorithm fixed.
constexpr std::size_t kBlasWorkspaceBytes = std::size_t{32} << 20;

/// fp32 products in fp32, never in TF32; fp64 and 16-bit products on tensor cores where there are any, 16-bit ones with
/// all their sums in fp32. CUBLAS_PEDANTIC_MATH would keep 16-bit products off the tensor cores.
constexpr auto kBlasMath =
    static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);

}  // namespace

void open_blas(backend::CudaExec& exec) {
  auto* const blas = new Blas;
  exec.blas = blas;
  check(cublasCreate(&blas->handle), "cublasCreate");
  blas->workspace = backend::allocate(exec, kBlasWorkspaceBytes);
  check(cublasSetStream(blas->handle, stream_of(exec)), "cublasSetStream");
  // After the stream: setting a stream drops the workspace.
  check(cublasSetWorkspace(blas->handle, blas->workspace, kBlasWorkspaceBytes), "cublasSetWorkspace");
  check(cublasSetMathMode(blas->handle, kBlasMath), "cublasSetMathMode");
}

void close_blas(const backend::CudaExec& exec) noexcept {
  const std::unique_ptr<Blas> blas(static_cast<Blas*>(exec.blas));
  if (blas == nullptr) return;
  if (blas->handle != nullptr) cublasDestroy(blas->handle);
  backend::release(exec, blas->workspace);
}

}  // namespace warpgnn::kernels
