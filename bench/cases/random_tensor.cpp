// SPDX-License-Identifier: MIT
#include "random_tensor.hpp"

#include "bench/device_kernels.hpp"
#include "bench/random_bits.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn::bench {

Tensor random_tensor(const Context& context, std::initializer_list<std::int64_t> shape, Dtype dtype) {
  Tensor tensor(context, Dtype::float32, shape);
  const std::int64_t count = tensor.view().count();
  const auto seed = static_cast<std::uint64_t>(count);
  if (context.is_cuda()) {
    fill_uniform(context, tensor, seed);
  } else {
    float* const values = tensor.view().as<float>();
    for (std::int64_t k = 0; k < count; ++k) values[k] = random_signed(seed, static_cast<std::uint64_t>(k));
  }
  if (dtype == Dtype::float32) return tensor;
  Tensor stored(context, dtype, shape);
  convert(context, {.x = tensor, .y = stored});
  return stored;
}

}  // namespace warpgnn::bench
