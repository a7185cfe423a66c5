// SPDX-License-Identifier: MIT
#pragma once

#include "plan.hpp"

/// The suites that are short enough for a GPU that is only lent.
namespace warpgnn::bench {

/// Attention and weighted sums, beside cuSPARSE on CUDA. What matters most comes first, so that a run that is cut off
/// loses the least.
std::vector<Row> core_rows(bool cuda);

std::vector<Row> step_rows();

}  // namespace warpgnn::bench
