// SPDX-License-Identifier: MIT
#pragma once

/// Everything that warpgnn offers to C11, and to whatever calls C: contexts, tensors, graphs and all ops, but for the
/// layers of warpgnn/nn.
///
/// The names are those of the C++ interface in warpgnn's style: GatAttention is warpgnn_gat_attention, Reduce::max
/// WARPGNN_REDUCE_MAX, gat_attention_forward warpgnn_gat_attention_forward. A struct that shares its name with a
/// function has _args behind it: Dropout is warpgnn_dropout_args.

#include "warpgnn/c/core.h"
#include "warpgnn/c/graph.h"
#include "warpgnn/c/ops.h"
