// SPDX-License-Identifier: MIT
// The CPU's side of a library without dense products (WARPGNN_DENSE=OFF): `linear`, at any level, says so.

#include "host/core/backend.hpp"

namespace warpgnn::backend {

namespace {

[[noreturn]] void not_built() {
  throw Error(ErrorCode::not_built, "linear: this library was built without dense products");
}

}  // namespace

#define WARPGNN_NO_LINEAR(level)                                      \
  namespace level {                                                   \
  void linear_forward(const CpuExec&, const LinearForward&) {         \
    not_built();                                                      \
  }                                                                   \
  void linear_backward(const CpuExec&, const LinearBackward&) {       \
    not_built();                                                      \
  }                                                                   \
  std::size_t workspace_size(const CpuExec&, const LinearForward&) {  \
    not_built();                                                      \
  }                                                                   \
  std::size_t workspace_size(const CpuExec&, const LinearBackward&) { \
    not_built();                                                      \
  }                                                                   \
  }

WARPGNN_NO_LINEAR(baseline)
WARPGNN_NO_LINEAR(v3)
WARPGNN_NO_LINEAR(v4)

}  // namespace warpgnn::backend
