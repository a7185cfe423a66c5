// SPDX-License-Identifier: MIT
// The CUDA side of the seam in a build without CUDA: nothing is there, and every call says so.

#include "host/core/backend.hpp"

namespace warpgnn::backend {

namespace {

[[noreturn]] void not_built() {
  throw Error(ErrorCode::not_built, "device: this library was built without CUDA");
}

}  // namespace

#define WARPGNN_OP(name, Arguments, ...)         \
  void name(const CudaExec&, const Arguments&) { \
    not_built();                                 \
  }
#define WARPGNN_OP_WITH_WORKSPACE(name, Arguments, ...)           \
  WARPGNN_OP(name, Arguments)                                     \
  std::size_t workspace_size(const CudaExec&, const Arguments&) { \
    not_built();                                                  \
  }
#include "host/core/ops.def"

bool cuda_built() {
  return false;
}
int cuda_device_count() {
  return 0;
}
std::string cuda_unavailable_reason() {
  return "built without CUDA";
}
CudaExec cuda_open(int, std::optional<void*>) {
  not_built();
}
void cuda_close(const CudaExec&, bool) noexcept {}
std::string cuda_device_name(const CudaExec&) {
  not_built();
}

int activate_device(int device) noexcept {
  return device;
}

bool is_capturing(const CudaExec&) noexcept {
  return false;
}
void expect_no_capture(const CudaExec&, const std::string&) {}
void release(const CudaExec&, void*) noexcept {}
void close_uploads(const CudaExec&, void*) noexcept {}
void drop_recording(const CudaExec&, void*) noexcept {}

#pragma GCC diagnostic ignored "-Wunused-parameter"  // runtime.def names them
#define WARPGNN_RUNTIME(Result, name, ...)                  \
  Result name(const CudaExec& __VA_OPT__(, ) __VA_ARGS__) { \
    not_built();                                            \
  }
#include "host/core/runtime.def"
#undef WARPGNN_RUNTIME

}  // namespace warpgnn::backend
