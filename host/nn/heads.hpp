// SPDX-License-Identifier: MIT
#pragma once

/// Heads averaged, and the way back: for layers that can do so in place of concatenating them.

#include "host/nn/run.hpp"

namespace warpgnn::nn {

/// The mean over the heads of y [N, heads, channels], [N, channels], in `averaged`.
SharedTensor average_heads(const Session& session, const ConstTensorView& y, Tensor& averaged);

/// The gradient of every head, [N, heads, channels], from that of their mean, in `dheads`.
ConstTensorView spread_over_heads(const Session& session, const ConstTensorView& dy, std::int64_t heads,
                                  Tensor& dheads);

}  // namespace warpgnn::nn
