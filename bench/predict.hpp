// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "named_graphs.hpp"

namespace warpgnn::bench {

/// Prints what the main kernels should cost on GPUs that are not at hand. For each row of the core suite, from the real
/// degrees of its graph and the instructions of its loops (`budget_path`: tests/sass_budget.txt):
///   lanes   the part of a warp's lanes that have an edge, rows taken as they are numbered -> in Graph's order
///   warps   the part of a block's warp time in which a warp still has edges, in Graph's order
/// and the time of each of four limits, of which the largest is the prediction. Predictions are no measurements:
/// nothing of it has run.
void predict(const std::string& budget_path, const std::vector<std::string>& graphs, Scale scale);

}  // namespace warpgnn::bench
