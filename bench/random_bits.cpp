#include "random_bits.hpp"

#include <vector>

#include "warpgnn/dense.hpp"

namespace warpgnn::bench {

Tensor random_tensor(const Context& context, std::initializer_list<std::int64_t> shape, Dtype dtype) {
  Tensor tensor(context, Dtype::float32, shape);
  RandomBits random(static_cast<std::uint64_t>(tensor.view().count()));
  std::vector<float> values(static_cast<std::size_t>(tensor.view().count()));
  for (float& value : values) {
    value = static_cast<float>(static_cast<std::int32_t>(random.next() >> 32)) * 0x1p-31f;
  }
  tensor.copy_from_host(values.data(), values.size() * sizeof(float));
  if (dtype == Dtype::float32) return tensor;
  Tensor stored(context, dtype, shape);
  convert(context, {.x = tensor, .y = stored});
  context.synchronize();
  return stored;
}

}  // namespace warpgnn::bench
