// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "edge_set.hpp"

namespace warpgnn::bench {

/// `tiny` keeps the kind of a graph but leaves it a few hundred edges: to see that the benchmarks work.
enum class Scale { full, tiny };

/// The large graphs that GPU kernels are judged by, in the order of their worth should time run out.
inline constexpr std::array<const char*, 4> kCoreGraphs{"arxiv", "products", "reddit", "hub"};

/// One of the named graphs, always the same for one name: a real one where its data is at hand and else one that is
/// generated from a fixed seed, on the context's device where it can be. Throws std::invalid_argument for an unknown
/// name.
EdgeTensors named_graph(const Context& context, std::string_view name, Scale scale = Scale::full);

/// The name to show: graphs that only resemble a published one end in "-like".
std::string display_name(std::string_view name);

}  // namespace warpgnn::bench
