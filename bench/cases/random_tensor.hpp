// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>

#include "warpgnn/tensor.hpp"

namespace warpgnn::bench {

/// A tensor of uniform values in [-1, 1), the same for the same number of elements on every device; float32, or those
/// rounded to 16 bits.
Tensor random_tensor(const Context& context, std::initializer_list<std::int64_t> shape, Dtype dtype = Dtype::float32);

}  // namespace warpgnn::bench
