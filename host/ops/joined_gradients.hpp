// SPDX-License-Identifier: MIT
#pragma once

#include "host/core/args.hpp"

namespace warpgnn {

/// Whether dkey receives the gradient of value as well, and dedge_key that of edge_value (AttentionGradients, "Shared
/// views").
bool joins_values(const AttentionBackward& op);
bool joins_edge_values(const AttentionBackward& op);

}  // namespace warpgnn
