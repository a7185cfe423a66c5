// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "edge_set.hpp"

/// Published graphs, read from $WARPGNN_DATA, examples/data, ../shared/data or
/// ~/.cache/warpgnn; nothing where none of them has it.
namespace warpgnn::bench {

/// The citation graph Cora (OGB's raw layout).
std::optional<EdgeSet> read_cora();

/// The first `graphs` molecules of MUTAG (TU layout).
std::optional<EdgeSet> read_mutag(std::int64_t graphs);

}  // namespace warpgnn::bench
