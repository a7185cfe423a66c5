// SPDX-License-Identifier: MIT
// Views of parts of tensors, tensors like others, and copies between views.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/test_tensor.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn::test {
namespace {

using ::testing::ElementsAre;

constexpr Dtype kDtypes[] = {Dtype::float32, Dtype::float64, Dtype::int32,
                             Dtype::int64,   Dtype::float16, Dtype::bfloat16};

TEST(Views, Rows) {
  float values[24];
  const TensorView tensor = view(values, {4, 3, 2});
  const TensorView middle = rows(tensor, 1, 2);
  EXPECT_EQ(middle.data, values + 6);
  EXPECT_THAT(middle.shape, ElementsAre(2, 3, 2));
  EXPECT_THAT(middle.stride, ElementsAre(6, 2, 1));
  EXPECT_EQ(rows(tensor, 0, 4).data, values);
  EXPECT_EQ(rows(tensor, 4, 0).shape[0], 0);
  const ConstTensorView read_only = rows(ConstTensorView(tensor), 3, 1);
  EXPECT_EQ(read_only.data, values + 18);
  TensorView strided = view(values, {3, 2});
  strided.stride[0] = 9;
  EXPECT_EQ(rows(strided, 2, 1).data, values + 18);
  EXPECT_EQ(rows(strided, 2, 1).stride[0], 9);
  EXPECT_EQ(rows(view(values, {24}), 5, 7).data, values + 5);
}

TEST(Views, Columns) {
  double values[20];
  TensorView matrix = view(values, {2, 7});
  matrix.stride[0] = 10;
  const TensorView right = columns(matrix, 4, 3);
  EXPECT_EQ(right.data, values + 4);
  EXPECT_THAT(right.shape, ElementsAre(2, 3, 0));
  EXPECT_THAT(right.stride, ElementsAre(10, 1, 0));
  EXPECT_EQ(columns(ConstTensorView(matrix), 0, 7).data, values);
  EXPECT_EQ(columns(matrix, 7, 0).count(), 0);
  EXPECT_EQ(rows(columns(matrix, 4, 3), 1, 1).data, values + 14);
}

TEST(Views, OfNoMemory) {
  const TensorView none = view(static_cast<float*>(nullptr), {5, 0});
  EXPECT_EQ(rows(none, 3, 2).data, nullptr);
  EXPECT_THAT(rows(none, 3, 2).shape, ElementsAre(2, 0, 0));
  EXPECT_EQ(columns(view(static_cast<float*>(nullptr), {0, 5}), 2, 2).data, nullptr);
}

TEST(Views, RangesThatAreNotThere) {
  float values[12];
  const TensorView tensor = view(values, {4, 3});
  const auto code = ErrorCode::out_of_range;
  expect_error(code, {"first:", "0 to 4", "4 rows", "5"}, [&] { rows(tensor, 5, 0); });
  expect_error(code, {"first:", "-1"}, [&] { rows(tensor, -1, 2); });
  expect_error(code, {"count:", "0 to 1", "from 3 on", "got 2"}, [&] { rows(tensor, 3, 2); });
  expect_error(code, {"count:", "-2"}, [&] { rows(tensor, 0, -2); });
  expect_error(code, {"count:"}, [&] { rows(tensor, 2, std::numeric_limits<std::int64_t>::max()); });
  expect_error(code, {"first:", "3 columns", "4"}, [&] { columns(tensor, 4, 0); });
  expect_error(code, {"count:", "0 to 2", "3 columns", "got 3"}, [&] { columns(ConstTensorView(tensor), 1, 3); });
  expect_error(ErrorCode::invalid_argument, {"tensor:", "none"}, [&] { rows(TensorView(), 0, 0); });
  expect_error(ErrorCode::invalid_argument, {"matrix:", "none"}, [&] { columns(TensorView(), 0, 0); });
  expect_error(ErrorCode::invalid_argument, {"matrix:", "2", "[12]"}, [&] { columns(view(values, {12}), 0, 1); });
}

class EmptyLikeTest : public BackendTest {};
WARPGNN_INSTANTIATE_BACKEND_TESTS(EmptyLikeTest);

TEST_P(EmptyLikeTest, TakesShapeAndDtypeOnly) {
  for (const Dtype dtype : kDtypes) {
    const TestTensor like = TestTensor::output(context(), dtype, {3, 2, 5}, Place::strided);
    const Tensor tensor = empty_like(context(), like);
    EXPECT_EQ(tensor.view().dtype, dtype);
    EXPECT_EQ(tensor.view().device, context().device());
    EXPECT_THAT(tensor.view().shape, ElementsAre(3, 2, 5));
    EXPECT_THAT(tensor.view().stride, ElementsAre(10, 5, 1));
    EXPECT_NE(tensor.view().data, like.view().data);
  }
  std::int32_t values[6];
  EXPECT_EQ(empty_like(context(), view(values, {6})).view().device, context().device());
  EXPECT_EQ(empty_like(context(), view(values, {0, 6})).bytes(), 0u);
  expect_error(ErrorCode::invalid_argument, {"like:", "none"}, [&] { empty_like(context(), {}); });
}

class CopyTest : public BackendTest {
 protected:
  static TestTensor random_input(const Context& context, Rng& rng, Dtype dtype, const Shape& shape, Place place) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    if (is_real(dtype) || is_half(dtype)) {
      return TestTensor::input(context, dtype, shape, rng.integers(count, -999, 999), place);
    }
    oracle::Ids ids(count);
    for (std::int64_t& id : ids) id = static_cast<std::int64_t>(rng.next());
    return TestTensor::input_ids(context, dtype, shape, ids, place);
  }
};
WARPGNN_INSTANTIATE_BACKEND_TESTS(CopyTest);

TEST_P(CopyTest, EveryDtypeShapeAndLayout) {
  Rng rng;
  const Shape shapes[] = {{1}, {77}, {1, 1}, {5, 3}, {4, 3, 2}, {33, 8}, {70, 1}, {3, 2500}, {600, 4}, {0, 4}, {4, 0}};
  for (const Shape& shape : shapes) {
    for (const Dtype dtype : kDtypes) {
      for (const Place from_place : kPlaces) {
        for (const Place to_place : kPlaces) {
          const TestTensor from = random_input(context(), rng, dtype, shape, from_place);
          const TestTensor to = TestTensor::output(context(), dtype, shape, to_place);
          const std::int64_t before = allocations();
          copy(context(), from, to);
          if (!context().is_cuda()) {
            EXPECT_EQ(allocations(), before) << "a copy allocates";
          }
          expect_same_bits(to, from, ::testing::PrintToString(shape) + " " + warpgnn::name_of(dtype));
        }
      }
    }
  }
}

TEST_P(CopyTest, ManyRowsOnManyThreads) {
  Rng rng;
  const TestTensor from = random_input(context(), rng, Dtype::float64, {3000, 60}, Place::strided);
  const TestTensor to = TestTensor::output(context(), Dtype::float64, {3000, 60});
  copy(context(), from, to);
  expect_same_bits(to, from, "copy");
}

TEST_P(CopyTest, PartsOfTensors) {
  std::vector<float> values(24);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(k);
  const auto from = Tensor::from<float>(context(), values, {4, 6});
  Tensor to = empty_like(context(), from);
  to.fill_zero();
  copy(context(), rows(columns(from.view(), 2, 3), 1, 2), rows(columns(to.view(), 0, 3), 2, 2));
  copy(context(), rows(from.view(), 0, 1), rows(to.view(), 1, 1));
  EXPECT_THAT(to.to_host<float>(),
              ::testing::ElementsAreArray(std::vector<float>{0, 0, 0,  0, 0, 0, 0,  1,  2,  3, 4, 5,  //
                                                             8, 9, 10, 0, 0, 0, 14, 15, 16, 0, 0, 0}));
  // Beside each other in one matrix, whose columns are interleaved.
  copy(context(), columns(to.view(), 0, 3), columns(to.view(), 3, 3));
  EXPECT_EQ(to.to_host<float>()[15], 8.0F);
}

TEST_P(CopyTest, EveryBitIsKept) {
  const std::vector<std::int32_t> patterns{0x7f800001, -1, INT32_MIN,
                                           0x7fc00000, 1,  0x00400000};  // sNaN, -0, subnormals
  const auto bits = Tensor::from<std::int32_t>(context(), patterns, {6});
  const Tensor copied = empty_like(context(), bits);
  TensorView from = bits, to = copied;
  from.dtype = to.dtype = Dtype::float32;
  copy(context(), from, to);
  EXPECT_EQ(copied.to_host<std::int32_t>(), patterns);
}

TEST_P(CopyTest, Refusals) {
  const auto code = ErrorCode::invalid_argument;
  const Tensor from(context(), Dtype::float32, {4, 3});
  const auto refuse = [&](const std::vector<std::string>& words, const ConstTensorView& source, Dtype dtype,
                          const Shape& shape) {
    const TestTensor to = TestTensor::output(context(), dtype, shape);
    expect_error(code, words, [&] { copy(context(), source, to); });
    EXPECT_TRUE(to.untouched());
  };
  refuse({"from:", "none"}, {}, Dtype::float32, {4, 3});
  refuse({"to:", "[4, 3]", "[3, 4]"}, from, Dtype::float32, {3, 4});
  refuse({"to:", "[4, 3]", "[12]"}, from, Dtype::float32, {12});
  refuse({"to:", "float32", "int32"}, from, Dtype::int32, {4, 3});
  TensorView transposed = from;
  transposed.stride = {1, 4};
  refuse({"from:", "contiguous rows"}, transposed, Dtype::float32, {4, 3});
  TensorView broadcast = from;
  broadcast.stride[0] = 0;
  refuse({"from:", "row stride", "3", "0"}, broadcast, Dtype::float32, {4, 3});
  TensorView nothing = from;
  nothing.data = nullptr;
  refuse({"from:", "null"}, nothing, Dtype::float32, {4, 3});
  expect_error(code, {"to:", "none"}, [&] { copy(context(), from, {}); });
  expect_error(code, {"to:", "overlaps from"}, [&] { copy(context(), from, from); });
  const TensorView upper = rows(from.view(), 0, 3), lower = rows(from.view(), 1, 3);
  expect_error(code, {"to:", "overlaps from"}, [&] { copy(context(), upper, lower); });
  if (context().is_cuda()) {
    float values[12] = {};
    expect_error(code, {"from:", "CUDA device 0", "the CPU"}, [&] { copy(context(), view(values, {4, 3}), from); });
    expect_error(code, {"to:", "CUDA device 0", "the CPU"}, [&] { copy(context(), from, view(values, {4, 3})); });
  }
}

}  // namespace
}  // namespace warpgnn::test
