// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "warpgnn/graph.hpp"
#include "warpgnn/tensor.hpp"

namespace train {

/// Host values as a tensor of the context's device.
warpgnn::Tensor upload(const warpgnn::Context& context, warpgnn::Dtype dtype, std::span<const double> values,
                       std::initializer_list<std::int64_t> shape);
/// A graph of edges on the host, from `sources` nodes to `destinations`.
warpgnn::Graph upload_graph(const warpgnn::Context& context, const std::vector<std::int32_t>& source,
                            const std::vector<std::int32_t>& destination, std::int64_t sources,
                            std::int64_t destinations);
/// The values of a real tensor.
std::vector<double> download(const warpgnn::ConstTensorView& view, const warpgnn::Context& context);

}  // namespace train
