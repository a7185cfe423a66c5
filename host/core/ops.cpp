// SPDX-License-Identifier: MIT
// The public function of every op: its arguments are checked once, its workspace sized once, and it runs.

#include "host/core/check.hpp"

namespace warpgnn {

namespace {

template <class Arguments, class Run>
void run_checked(const Context& context, const Arguments& args, Run&& run) {
  checked(context, args).finish();
  with_exec(context, [&](const auto& exec) { run(exec, args); });
}

template <class Arguments, class Run>
void run_checked(const Context& context, Arguments&& args, const WorkspaceSource& workspace, Run&& run) {
  checked(context, args).finish();
  with_exec(context, [&](const auto& exec) {
    const std::size_t bytes = backend::workspace_size(exec, args);
    args.workspace = workspace.get(context, bytes);
    Checker::workspace(args.workspace, bytes);
    run(exec, args);
  });
}

}  // namespace

// A parameter for each part of a call, and the parts themselves.
#define WARPGNN_PARAMETERS(A, ...) , const A& a __VA_OPT__(WARPGNN_PARAMETERS_2(__VA_ARGS__))
#define WARPGNN_PARAMETERS_2(B, ...) , const B& b __VA_OPT__(WARPGNN_PARAMETERS_3(__VA_ARGS__))
#define WARPGNN_PARAMETERS_3(C) , const C& c
#define WARPGNN_PARTS(A, ...) a __VA_OPT__(, WARPGNN_PARTS_2(__VA_ARGS__))
#define WARPGNN_PARTS_2(B, ...) b __VA_OPT__(, WARPGNN_PARTS_3(__VA_ARGS__))
#define WARPGNN_PARTS_3(C) c

#define WARPGNN_OP(name, Arguments, ...)                                                \
  void name(const Context& context WARPGNN_PARAMETERS(__VA_ARGS__)) {                   \
    run_checked(context, Arguments{WARPGNN_PARTS(__VA_ARGS__)},                         \
                [](const auto& exec, const auto& args) { backend::name(exec, args); }); \
  }
#define WARPGNN_OP_WITH_WORKSPACE(name, Arguments, ...)                                                 \
  void name(const Context& context WARPGNN_PARAMETERS(__VA_ARGS__), const WorkspaceSource& workspace) { \
    run_checked(context, Arguments{WARPGNN_PARTS(__VA_ARGS__)}, workspace,                              \
                [](const auto& exec, const auto& args) { backend::name(exec, args); });                 \
  }                                                                                                     \
  std::size_t workspace_size(const Context& context WARPGNN_PARAMETERS(__VA_ARGS__)) {                  \
    const Arguments args{WARPGNN_PARTS(__VA_ARGS__)};                                                   \
    checked(context, args);                                                                             \
    return with_exec(context, [&](const auto& exec) { return backend::workspace_size(exec, args); });   \
  }
#define WARPGNN_RESULT(Problem, Result)                                                \
  Owned<Result> allocate(const Context& context, const Problem& op, Purpose purpose) { \
    return {context, result_of(op, purpose)};                                          \
  }
#include "host/core/ops.def"

}  // namespace warpgnn
