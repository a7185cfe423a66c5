// The CPU side of the seam: every op of simd/ is compiled for several instruction-set levels (x86-64 psABI levels), and
// the best that this machine has is chosen once.

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

namespace {

#ifdef WARPGNN_HAVE_X86_LEVELS
enum class Level { baseline, v3, v4 };

Level detect_level() {
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  return v4 ? Level::v4 : v3 ? Level::v3 : Level::baseline;
}

Level level() {
  static const Level best = detect_level();
  return best;
}
#endif

}  // namespace

#ifdef WARPGNN_HAVE_X86_LEVELS
#define WARPGNN_AT_LEVEL(call)              \
  switch (level()) {                        \
    case Level::v4: return v4::call;        \
    case Level::v3: return v3::call;        \
    case Level::baseline: break;            \
  }                                         \
  return baseline::call
#else
#define WARPGNN_AT_LEVEL(call) return baseline::call
#endif

#define WARPGNN_OP(name, Args) \
  void name(const CpuExec& exec, const Args& args) { WARPGNN_AT_LEVEL(name(exec, args)); }
#define WARPGNN_OP_WITH_WORKSPACE(name, Args) \
  WARPGNN_OP(name, Args)                      \
  std::size_t workspace_size(const CpuExec& exec, const Args& args) { WARPGNN_AT_LEVEL(workspace_size(exec, args)); }
#include "host/ops.def"
#undef WARPGNN_OP
#undef WARPGNN_OP_WITH_WORKSPACE
#undef WARPGNN_AT_LEVEL

}  // namespace warpgnn::backend
