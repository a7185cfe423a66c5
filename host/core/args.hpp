// SPDX-License-Identifier: MIT
#pragma once

/// What one call of an op is given, as checks and backends read it.

#include "warpgnn/warpgnn.hpp"

namespace warpgnn {

/// The parts of a call side by side: args.x, args.y and args.dy, whichever part they belong to.
template <class... Parts>
struct Args : Parts... {
  Workspace workspace{};
};

#define WARPGNN_OP(name, Arguments, ...) using Arguments = Args<__VA_ARGS__>;
#define WARPGNN_FLAT_OP(name, Arguments)
#include "host/core/ops.def"

}  // namespace warpgnn
