// SPDX-License-Identifier: MIT
#pragma once

/// What is demanded of the arguments that graphs are made from.

#include <string>
#include <vector>

#include "warpgnn/graph.hpp"

namespace warpgnn {

/// Refuses a negative count and one beyond int32.
void expect_count(const std::string& name, std::int64_t count);
/// Refuses anything but a vector side by side, whose dtype `dtype_fits`; `dtypes` says which would.
void expect_vector(const std::string& name, const ConstTensorView& view, bool dtype_fits, const char* dtypes);
/// The same for int32 or int64.
void expect_ids(const char* name, const ConstTensorView& ids);
/// Refuses a graph elsewhere.
void expect_on_device(const Context& context, const Graph& graph);

/// Refuses offsets of graphs that do not begin with 0, decrease, or do not end with `nodes`.
void expect_offsets(const char* name, std::span<const std::int64_t> offsets, std::int64_t nodes);
/// The given offsets of graphs, on the host; without them those of one graph, or none where there are two node sets.
std::vector<std::int64_t> checked_graph_offsets(const ConstTensorView& given, std::int64_t sources,
                                                std::int64_t destinations);

/// The view itself when it lies on the context's device, else an uploaded copy kept in `storage`.
ConstTensorView on_device(const Context& context, const char* name, const ConstTensorView& view, Tensor& storage);
/// The ids as int32 on the context's device; refuses those that are not in [0, limit).
Tensor narrowed_ids(const Context& context, const char* name, const ConstTensorView& ids, std::int64_t limit);

}  // namespace warpgnn
