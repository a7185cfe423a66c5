// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/cases/cases.hpp"

namespace warpgnn::traffic {

struct Row {
  std::string name;  ///< op/direction/graph/shape
  std::string graph;
  std::function<bench::Case(const Context&, const Graph&)> make;
};

/// A fixed graph: the same on every machine. Throws std::invalid_argument for an unknown name.
bench::EdgeSet graph_of(const std::string& name);

/// Every op that kernels of ours compute, forward and backward, on the graphs that it is meant for.
std::vector<Row> all_rows();

}  // namespace warpgnn::traffic
