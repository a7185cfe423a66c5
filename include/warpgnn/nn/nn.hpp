// SPDX-License-Identifier: MIT
#pragma once

/// All layers, Adam, sums of gradients, and parameters in files.

#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/gradient_sum.hpp"
#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/layers.hpp"
#include "warpgnn/nn/loop_features.hpp"
#include "warpgnn/nn/message_layers.hpp"
#include "warpgnn/nn/node_features.hpp"
#include "warpgnn/nn/pool_layers.hpp"
#include "warpgnn/nn/relation_layers.hpp"
#include "warpgnn/nn/root_term.hpp"
#include "warpgnn/nn/safetensors.hpp"
#include "warpgnn/nn/saved_state.hpp"
#include "warpgnn/nn/session.hpp"
