// The CPU side of the seam: every op of simd/ is compiled for several instruction-set levels, and the executor says
// which one to call.

#include "host/backend.hpp"

namespace warpgnn::backend {

#define WARPGNN_OP_WITH_WORKSPACE(name, Args) \
  WARPGNN_OP(name, Args)                      \
  std::size_t workspace_size(const CpuExec&, const Args&);
#define WARPGNN_OP(name, Args) void name(const CpuExec&, const Args&);
namespace baseline {
#include "host/ops.def"
}
#ifdef WARPGNN_HAVE_X86_LEVELS
namespace v3 {
#include "host/ops.def"
}
namespace v4 {
#include "host/ops.def"
}
#endif
#undef WARPGNN_OP
#undef WARPGNN_OP_WITH_WORKSPACE

CpuLevel best_cpu_level() {
#ifdef WARPGNN_HAVE_X86_LEVELS
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v4) return CpuLevel::v4;
  if (v3) return CpuLevel::v3;
#endif
  return CpuLevel::baseline;
}

#ifdef WARPGNN_HAVE_X86_LEVELS
#define WARPGNN_AT_LEVEL(call)          \
  switch (exec.level) {                 \
    case CpuLevel::v4: return v4::call; \
    case CpuLevel::v3: return v3::call; \
    case CpuLevel::baseline: break;     \
  }                                     \
  return baseline::call
#else
#define WARPGNN_AT_LEVEL(call) return baseline::call
#endif

#define WARPGNN_OP(name, Args)                       \
  void name(const CpuExec& exec, const Args& args) { \
    WARPGNN_AT_LEVEL(name(exec, args));              \
  }
#define WARPGNN_OP_WITH_WORKSPACE(name, Args)                         \
  WARPGNN_OP(name, Args)                                              \
  std::size_t workspace_size(const CpuExec& exec, const Args& args) { \
    WARPGNN_AT_LEVEL(workspace_size(exec, args));                     \
  }
#include "host/ops.def"
#undef WARPGNN_OP
#undef WARPGNN_OP_WITH_WORKSPACE
#undef WARPGNN_AT_LEVEL

}  // namespace warpgnn::backend
