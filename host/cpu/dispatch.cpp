// SPDX-License-Identifier: MIT
// The CPU side of the seam: every op is compiled for several instruction-set levels, and the executor says
// which one to call.

#include "host/core/backend.hpp"

namespace warpgnn::backend {

namespace baseline {
#define WARPGNN_OP(name, Arguments, ...) void name(const CpuExec&, const Arguments&);
#define WARPGNN_OP_WITH_WORKSPACE(name, Arguments, ...) \
  WARPGNN_OP(name, Arguments)                           \
  std::size_t workspace_size(const CpuExec&, const Arguments&);
#include "host/core/ops.def"
}  // namespace baseline
namespace v3 {
#define WARPGNN_OP(name, Arguments, ...) void name(const CpuExec&, const Arguments&);
#define WARPGNN_OP_WITH_WORKSPACE(name, Arguments, ...) \
  WARPGNN_OP(name, Arguments)                           \
  std::size_t workspace_size(const CpuExec&, const Arguments&);
#include "host/core/ops.def"
}  // namespace v3
namespace v4 {
#define WARPGNN_OP(name, Arguments, ...) void name(const CpuExec&, const Arguments&);
#define WARPGNN_OP_WITH_WORKSPACE(name, Arguments, ...) \
  WARPGNN_OP(name, Arguments)                           \
  std::size_t workspace_size(const CpuExec&, const Arguments&);
#include "host/core/ops.def"
}  // namespace v4

namespace {

/// The levels that this library was built for; no other is ever chosen.
constexpr bool kBuilt[] = {WARPGNN_BUILT_LEVELS};

}  // namespace

bool cpu_level_usable(CpuLevel level) {
  return kBuilt[static_cast<int>(level)] && level <= processor_level();
}

#define WARPGNN_AT_LEVEL(call)                       \
  if constexpr (kBuilt[2]) {                         \
    if (exec.level == CpuLevel::v4) return v4::call; \
  }                                                  \
  if constexpr (kBuilt[1]) {                         \
    if (exec.level == CpuLevel::v3) return v3::call; \
  }                                                  \
  if constexpr (kBuilt[0]) return baseline::call;    \
  __builtin_unreachable()

#define WARPGNN_OP(name, Arguments, ...)                  \
  void name(const CpuExec& exec, const Arguments& args) { \
    WARPGNN_AT_LEVEL(name(exec, args));                   \
  }
#define WARPGNN_OP_WITH_WORKSPACE(name, Arguments, ...)                    \
  WARPGNN_OP(name, Arguments)                                              \
  std::size_t workspace_size(const CpuExec& exec, const Arguments& args) { \
    WARPGNN_AT_LEVEL(workspace_size(exec, args));                          \
  }
#include "host/core/ops.def"
#undef WARPGNN_AT_LEVEL

}  // namespace warpgnn::backend
