// SPDX-License-Identifier: MIT
// The public function of every op: its arguments are checked once, its workspace sized once, and it runs.

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

template <class Op, class Run>
void run_checked(const Context& context, const Op& op, Run&& run) {
  const Checker check = checked(context, op);
  with_exec(context, [&](const auto& exec) {
    if constexpr (requires { op.workspace; }) {
      check.finish(op.workspace, backend::workspace_size(exec, op));
    } else {
      check.finish();
    }
    run(exec, op);
  });
}

}  // namespace

#define WARPGNN_OP(name, Args)                                                                             \
  void name(const Context& context, const Args& op) {                                                      \
    run_checked(context, op, [](const auto& exec, const auto& checked) { backend::name(exec, checked); }); \
  }
#define WARPGNN_OP_WITH_WORKSPACE(name, Args)                                                       \
  WARPGNN_OP(name, Args)                                                                            \
  std::size_t workspace_size(const Context& context, const Args& op) {                              \
    checked(context, op);                                                                           \
    return with_exec(context, [&](const auto& exec) { return backend::workspace_size(exec, op); }); \
  }
#include "host/core/ops.def"
#undef WARPGNN_OP
#undef WARPGNN_OP_WITH_WORKSPACE

}  // namespace warpgnn
