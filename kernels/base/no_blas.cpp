// SPDX-License-Identifier: MIT
// The CUDA side of a library without dense products (WARPGNN_DENSE=OFF): no cuBLAS, and `linear` says so.

#include "kernels/base/blas_handle.cuh"

namespace warpgnn {

namespace kernels {

void open_blas(backend::CudaExec&) {}
void close_blas(const backend::CudaExec&) noexcept {}

}  // namespace kernels

namespace backend {

namespace {

[[noreturn]] void not_built() {
  throw Error(ErrorCode::not_built, "linear: this library was built without dense products");
}

}  // namespace

void linear_forward(const CudaExec&, const LinearForward&) {
  not_built();
}
void linear_backward(const CudaExec&, const LinearBackward&) {
  not_built();
}
std::size_t workspace_size(const CudaExec&, const LinearForward&) {
  not_built();
}
std::size_t workspace_size(const CudaExec&, const LinearBackward&) {
  not_built();
}

}  // namespace backend

}  // namespace warpgnn
