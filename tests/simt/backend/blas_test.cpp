// SPDX-License-Identifier: MIT
// How the library lets cuBLAS compute: which products may round their factors, and which may use tensor cores.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simt/simt.hpp"
#include "warpgnn/ops/linear.hpp"

namespace warpgnn::test {
namespace {

using ::testing::UnorderedElementsAre;

Tensor zeros(const Context& context, Dtype dtype, std::initializer_list<std::int64_t> shape) {
  Tensor tensor(context, dtype, shape);
  tensor.fill_zero();
  return tensor;
}

/// All products of a linear layer, of more outputs than are computed without cuBLAS.
void run_linear(const Context& context, Dtype dtype) {
  const Tensor x = zeros(context, dtype, {4, 3}), weight = zeros(context, dtype, {5, 3});
  const Tensor y = zeros(context, dtype, {4, 5}), dx = zeros(context, dtype, {4, 3});
  const Tensor dweight = zeros(context, accumulator_of(dtype), {5, 3});
  linear_forward(context, {.x = x, .weight = weight}, {.y = y});
  linear_backward(context, {.x = x, .weight = weight}, {.dy = y, .dx = dx, .dweight = dweight});
}

std::vector<std::string> products_of(Dtype dtype) {
  const Context context = Context::cuda();
  simt::take_products();
  run_linear(context, dtype);
  std::vector<std::string> kinds;
  for (const simt::ProductKind& kind : simt::take_products()) {
    kinds.push_back(kind.factors + " to " + kind.result + (kind.in_tf32 ? ", TF32" : "") +
                    (kind.on_tensor_cores ? ", tensor cores" : "") + (kind.partly_in_result ? ", short sums" : ""));
  }
  return kinds;
}

TEST(SimtBlasTest, SinglePrecisionIsNeverTf32) {
  EXPECT_THAT(products_of(Dtype::float32), UnorderedElementsAre("float32 to float32"));
}

TEST(SimtBlasTest, DoublePrecisionUsesTensorCores) {
  EXPECT_THAT(products_of(Dtype::float64), UnorderedElementsAre("float64 to float64, tensor cores"));
}

TEST(SimtBlasTest, HalfPrecisionUsesTensorCoresWithWholeSums) {
  EXPECT_THAT(products_of(Dtype::float16),
              UnorderedElementsAre("float16 to float16, tensor cores", "float16 to float32, tensor cores"));
  EXPECT_THAT(products_of(Dtype::bfloat16),
              UnorderedElementsAre("bfloat16 to bfloat16, tensor cores", "bfloat16 to float32, tensor cores"));
}

}  // namespace
}  // namespace warpgnn::test
