// SPDX-License-Identifier: MIT
#include "warpgnn/tensor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"

namespace warpgnn::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max() / 4;

TEST(TensorView, ContiguousLayout) {
  float values[24];
  const TensorView tensor = view(values, {2, 3, 4});
  EXPECT_EQ(tensor.dtype, Dtype::float32);
  EXPECT_EQ(tensor.ndim, 3);
  EXPECT_THAT(tensor.shape, ElementsAre(2, 3, 4));
  EXPECT_THAT(tensor.stride, ElementsAre(12, 4, 1));
  EXPECT_EQ(tensor.count(), 24);
  EXPECT_EQ(tensor.row_size(), 12);
  EXPECT_EQ(tensor.row_stride(), 12);
  EXPECT_EQ(tensor.as<float>(), values);
  const ConstTensorView read_only = tensor;
  EXPECT_EQ(read_only.data, values);
  EXPECT_EQ(view(values, {24}).row_size(), 1);
  EXPECT_EQ(view(values, {0, 5}).count(), 0);
  EXPECT_FALSE(TensorView().defined());
  EXPECT_EQ(TensorView().count(), 0);
}

TEST(TensorView, ImpossibleShapes) {
  const auto layout = [](std::vector<std::int64_t> shape) { contiguous_layout(Dtype::float32, shape); };
  expect_error(ErrorCode::invalid_argument, {"shape", "0"}, [&] { layout({}); });
  expect_error(ErrorCode::invalid_argument, {"shape", "4"}, [&] { layout({1, 1, 1, 1}); });
  expect_error(ErrorCode::invalid_argument, {"shape", "-2"}, [&] { layout({3, -2}); });
  expect_error(ErrorCode::overflow, {"shape"}, [&] { layout({kHuge, 2}); });
  expect_error(ErrorCode::overflow, {"shape"}, [&] { layout({1 << 30, 1 << 30, 1 << 30}); });
}

TEST(TensorView, Reshape) {
  double values[12];
  const TensorView tensor = view(values, {3, 4});
  EXPECT_THAT(reshape(tensor, {2, 2, 3}).stride, ElementsAre(6, 3, 1));
  EXPECT_EQ(reshape(tensor, {12}).data, values);
  expect_error(ErrorCode::invalid_argument, {"shape", "12", "15"}, [&] { reshape(tensor, {3, 5}); });
  TensorView strided = tensor;
  strided.stride[0] = 5;
  expect_error(ErrorCode::invalid_argument, {"tensor", "[3, 4]", "[5, 1]"}, [&] { reshape(strided, {12}); });
  EXPECT_EQ(reshape(view(values, {3, 4, 0}), {0}).shape[0], 0);
}

TEST(TensorView, ReshapeNeedsAllStrides) {
  double values[32];
  TensorView gaps = view(values, {1, 2, 3});
  gaps.stride = {12, 4, 1};
  expect_error(ErrorCode::invalid_argument, {"tensor", "[12, 4, 1]"}, [&] { reshape(gaps, {6}); });
  TensorView transposed = view(values, {2, 3, 4});
  transposed.stride = {12, 1, 3};
  expect_error(ErrorCode::invalid_argument, {"tensor", "[12, 1, 3]"}, [&] { reshape(transposed, {24}); });
  TensorView columns = view(values, {1, 4});
  columns.stride = {100, 2};
  expect_error(ErrorCode::invalid_argument, {"tensor"}, [&] { reshape(columns, {4}); });
  // A dimension of one element is never stepped over.
  TensorView single = view(values, {1, 3, 1});
  single.stride = {50, 1, 7};
  EXPECT_THAT(reshape(single, {3, 1, 1}).stride, ElementsAre(1, 1, 1));
}

class TensorTest : public BackendTest {};
WARPGNN_INSTANTIATE_BACKEND_TESTS(TensorTest);

TEST_P(TensorTest, RoundTrip) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const auto tensor = Tensor::from<float>(context(), values, {2, 3});
  EXPECT_EQ(tensor.to_host<float>(), values);
  EXPECT_EQ(tensor.bytes(), 24u);
  EXPECT_EQ(tensor.view().device, context().device());
  EXPECT_THAT(tensor.view().shape, ElementsAre(2, 3, 0));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.view().data) % kWorkspaceAlignment, 0u);
  EXPECT_FALSE(Tensor().defined());
}

TEST_P(TensorTest, FillZero) {
  auto tensor = Tensor::from<std::int32_t>(context(), std::vector<std::int32_t>(100, 7), {100});
  tensor.fill_zero();
  EXPECT_THAT(tensor.to_host<std::int32_t>(), Each(0));
}

TEST_P(TensorTest, WithoutElements) {
  Tensor tensor(context(), Dtype::float64, {0, 8});
  EXPECT_TRUE(tensor.defined());
  EXPECT_EQ(tensor.bytes(), 0u);
  tensor.fill_zero();
  tensor.copy_from_host(nullptr, 0);
  EXPECT_TRUE(tensor.to_host<double>().empty());
}

TEST_P(TensorTest, CopiesOfAnotherSizeAreRefused) {
  Tensor tensor(context(), Dtype::float32, {4});
  float values[8] = {};
  expect_error(ErrorCode::invalid_argument, {"bytes", "16", "20"}, [&] { tensor.copy_from_host(values, 20); });
  expect_error(ErrorCode::invalid_argument, {"bytes", "16", "12"}, [&] { tensor.copy_to_host(values, 12); });
}

TEST_P(TensorTest, ResizeKeepsMemoryThatIsLargeEnough) {
  std::vector<float> values(12);
  std::iota(values.begin(), values.end(), 0.0f);
  auto tensor = Tensor::from<float>(context(), values, {3, 4});
  const void* const memory = tensor.view().data;
  tensor.resize(context(), Dtype::float32, {2, 4});
  EXPECT_EQ(tensor.view().data, memory);
  EXPECT_EQ(tensor.to_host<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
  tensor.resize(context(), Dtype::float64, {6});
  EXPECT_EQ(tensor.view().data, memory);
  EXPECT_EQ(tensor.view().dtype, Dtype::float64);
  tensor.resize(context(), Dtype::float64, {600});
  EXPECT_EQ(tensor.bytes(), 4800u);
  tensor.fill_zero();
  EXPECT_THAT(tensor.to_host<double>(), Each(0.0));
}

TEST_P(TensorTest, WhatASharedTensorShowsStays) {
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  Tensor tensor = Tensor::from<float>(context(), numbers, {3, 2});
  const void* const memory = tensor.view().data;
  SharedTensor part = tensor.share(rows(tensor.view(), 1, 2));
  tensor.resize(context(), Dtype::float32, {2, 2});
  EXPECT_NE(tensor.view().data, memory);
  tensor.fill_zero();
  EXPECT_THAT(to_host<float>(context(), part), ElementsAre(3, 4, 5, 6));
  tensor = Tensor();  // the view alone keeps the memory
  EXPECT_THAT(to_host<float>(context(), part), ElementsAre(3, 4, 5, 6));

  tensor.resize(context(), Dtype::float32, {3});
  const void* const second = tensor.view().data;
  part = tensor.share();
  part = {};
  tensor.resize(context(), Dtype::float32, {2});
  EXPECT_EQ(tensor.view().data, second);
  EXPECT_FALSE(part.defined());
  EXPECT_EQ(SharedTensor(tensor).data, second);  // a view, as any other
  tensor.resize(context(), Dtype::float32, {1});
  EXPECT_EQ(tensor.view().data, second);
}

TEST_P(TensorTest, MovesAndOutlivesItsContext) {
  Tensor kept;
  {
    const Context own = GetParam().open();
    auto tensor = Tensor::from<std::int64_t>(own, std::vector<std::int64_t>{4, 5}, {2});
    kept = std::move(tensor);
  }
  EXPECT_THAT(kept.to_host<std::int64_t>(), ElementsAre(4, 5));
}

TEST_P(TensorTest, SaysWhatThereIsNoMemoryFor) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer ends a program that asks for so much";
#endif
  const std::int64_t huge = std::int64_t{1} << 58;
  Tensor tensor(context(), Dtype::float32, {3});
  expect_error(ErrorCode::out_of_memory,
               {"memory:", std::to_string(4 * huge) + " bytes", "[" + std::to_string(huge) + "]", "float32"},
               [&] { tensor.resize(context(), Dtype::float32, {huge}); });
  tensor.resize(context(), Dtype::float32, {2});
  tensor.fill_zero();
  EXPECT_EQ(tensor.to_host<float>(), std::vector<float>(2));
}

TEST_P(TensorTest, WorkspaceBufferGrows) {
  WorkspaceBuffer buffer;
  const Workspace small = buffer.reserve(context(), 100);
  EXPECT_GE(small.bytes, 100u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(small.data) % kWorkspaceAlignment, 0u);
  const Workspace large = buffer.reserve(context(), 100000);
  EXPECT_GE(large.bytes, 100000u);
  EXPECT_EQ(buffer.reserve(context(), 10).data, large.data);
}

}  // namespace
}  // namespace warpgnn::test
