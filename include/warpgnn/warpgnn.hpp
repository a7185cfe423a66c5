#pragma once

/// Everything that warpgnn offers, except the layers of warpgnn/nn.

#include "warpgnn/aggregate.hpp"
#include "warpgnn/attention.hpp"
#include "warpgnn/coarsen.hpp"
#include "warpgnn/context.hpp"
#include "warpgnn/dense.hpp"
#include "warpgnn/dtype.hpp"
#include "warpgnn/edge_aggregate.hpp"
#include "warpgnn/edge_softmax.hpp"
#include "warpgnn/error.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/lstm.hpp"
#include "warpgnn/normalize.hpp"
#include "warpgnn/pair_attention.hpp"
#include "warpgnn/pool.hpp"
#include "warpgnn/random.hpp"
#include "warpgnn/relation.hpp"
#include "warpgnn/residual_gate.hpp"
#include "warpgnn/row_norm.hpp"
#include "warpgnn/segment.hpp"
#include "warpgnn/tensor.hpp"
