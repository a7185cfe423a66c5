// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "warpgnn/tensor.hpp"

namespace train {

/// Host values as a tensor of the context's device.
warpgnn::Tensor upload(const warpgnn::Context& context, warpgnn::Dtype dtype, std::span<const double> values,
                       std::initializer_list<std::int64_t> shape);
/// The values of a real tensor.
std::vector<double> download(const warpgnn::ConstTensorView& view, const warpgnn::Context& context);

}  // namespace train
