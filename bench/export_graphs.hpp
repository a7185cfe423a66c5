// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "named_graphs.hpp"

namespace warpgnn::bench {

/// Writes named graphs for other programs: NAME.source.i32 and NAME.destination.i32, the ends of each edge
/// as little-endian int32, and NAME.json with their counts and the name that rows show. Throws std::runtime_error where
/// that cannot be done.
void export_graphs(const Context& context, const std::vector<std::string>& names, const std::string& folder,
                   Scale scale);

}  // namespace warpgnn::bench
