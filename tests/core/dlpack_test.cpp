// SPDX-License-Identifier: MIT
// Tensors from and to other frameworks. A framework is played by structs whose deleters count.

#include "warpgnn/dlpack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeds.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn::test {
namespace {

using ::testing::ElementsAre;

constexpr Dtype kDtypes[] = {Dtype::float32, Dtype::float64, Dtype::int32,
                             Dtype::int64,   Dtype::float16, Dtype::bfloat16};

DLDataType type_of(DLDataTypeCode code, int bits, int lanes = 1) {
  return {static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(bits), static_cast<std::uint16_t>(lanes)};
}

/// A framework's tensor of six floats.
struct Foreign {
  float values[6] = {1, 2, 3, 4, 5, 6};
  std::vector<std::int64_t> shape{2, 3}, strides{3, 1};

  DLTensor tensor() {
    DLTensor result{};
    result.data = values;
    result.device.device_type = kDLCPU;
    result.ndim = static_cast<int>(shape.size());
    result.dtype = type_of(kDLFloat, 32);
    result.shape = shape.data();
    result.strides = strides.data();
    return result;
  }
};

/// The same handed over; counts how often it is deleted. Lives until then.
template <class Managed>
struct Handed : Foreign {
  explicit Handed(int& deleted) : deletions(&deleted) {
    managed.dl_tensor = tensor();
    managed.manager_ctx = this;
    managed.deleter = [](Managed* self) {
      auto* const handed = static_cast<Handed*>(self->manager_ctx);
      ++*handed->deletions;
      delete handed;
    };
  }
  static Managed* make(int& deletions, const std::function<void(DLTensor&)>& change = {}) {
    auto* const handed = new Handed(deletions);
    if (change) change(handed->managed.dl_tensor);
    return &handed->managed;
  }

  Managed managed{};
  int* deletions;
};

TEST(DlpackView, LayoutAndMemory) {
  Foreign foreign;
  const TensorView view = from_dlpack(foreign.tensor());
  EXPECT_EQ(view.data, foreign.values);
  EXPECT_EQ(view.dtype, Dtype::float32);
  EXPECT_EQ(view.device, Device{});
  EXPECT_EQ(view.ndim, 2);
  EXPECT_THAT(view.shape, ElementsAre(2, 3, 0));
  EXPECT_THAT(view.stride, ElementsAre(3, 1, 0));

  DLTensor compact = foreign.tensor();
  compact.strides = nullptr;
  EXPECT_THAT(from_dlpack(compact).stride, ElementsAre(3, 1, 0));

  foreign.shape = {2, 2};
  foreign.strides = {3, 1};
  DLTensor part = foreign.tensor();
  part.byte_offset = 4;
  EXPECT_EQ(from_dlpack(part).data, foreign.values + 1);
  EXPECT_EQ(from_dlpack(part).row_stride(), 3);

  foreign.strides = {1, 2};  // transposed: ops refuse it, a view does not
  EXPECT_THAT(from_dlpack(foreign.tensor()).stride, ElementsAre(1, 2, 0));
}

TEST(DlpackView, DtypesAndDevices) {
  Foreign foreign;
  foreign.shape = {1};
  foreign.strides = {1};
  alignas(8) double memory[2] = {};
  const auto dtype = [&](DLDataType type) {
    DLTensor tensor = foreign.tensor();
    tensor.data = memory;
    tensor.dtype = type;
    return from_dlpack(tensor).dtype;
  };
  EXPECT_EQ(dtype(type_of(kDLFloat, 32)), Dtype::float32);
  EXPECT_EQ(dtype(type_of(kDLFloat, 64)), Dtype::float64);
  EXPECT_EQ(dtype(type_of(kDLFloat, 16)), Dtype::float16);
  EXPECT_EQ(dtype(type_of(kDLBfloat, 16)), Dtype::bfloat16);
  EXPECT_EQ(dtype(type_of(kDLInt, 32)), Dtype::int32);
  EXPECT_EQ(dtype(type_of(kDLInt, 64)), Dtype::int64);
  const auto code = ErrorCode::invalid_argument;
  for (const DLDataType& type : {type_of(kDLInt, 8), type_of(kDLUInt, 32), type_of(kDLFloat, 8), type_of(kDLBfloat, 32),
                                 type_of(kDLComplex, 64), type_of(kDLFloat, 32, 4), type_of(kDLFloat, 32, 0)}) {
    expect_error(code, {"tensor:", "float32", "code " + std::to_string(type.code), std::to_string(type.lanes)},
                 [&] { dtype(type); });
  }

  const auto device = [&](DLDeviceType type, int index) {
    DLTensor tensor = foreign.tensor();
    tensor.device.device_type = type;
    tensor.device.device_id = index;
    return from_dlpack(tensor).device;
  };
  EXPECT_EQ(device(kDLCPU, 0), Device{});
  EXPECT_EQ(device(kDLCUDAHost, 3), Device{});
  EXPECT_EQ(device(kDLCUDA, 3), (Device{DeviceType::cuda, 3}));
  expect_error(code, {"tensor:", "CPU", "10"}, [&] { device(kDLROCM, 0); });
}

TEST(DlpackView, ShapesAtTheLimits) {
  Foreign foreign;
  DLTensor scalar = foreign.tensor();
  scalar.ndim = 0;
  scalar.shape = scalar.strides = nullptr;
  EXPECT_EQ(from_dlpack(scalar).ndim, 1);
  EXPECT_EQ(from_dlpack(scalar).shape[0], 1);

  foreign.shape = {1, 2, 3};
  foreign.strides = {6, 3, 1};
  EXPECT_EQ(from_dlpack(foreign.tensor()).ndim, 3);
  foreign.shape = {0, 3};
  DLTensor empty = foreign.tensor();
  empty.data = nullptr;
  empty.byte_offset = 64;
  EXPECT_EQ(from_dlpack(empty).count(), 0);
  EXPECT_EQ(from_dlpack(empty).data, nullptr);

  const auto code = ErrorCode::invalid_argument;
  foreign.shape = {1, 1, 2, 3};
  expect_error(code, {"tensor:", "3 dimensions", "4"}, [&] { from_dlpack(foreign.tensor()); });
  foreign.shape = {-1, 3};
  expect_error(code, {"shape:", "-1"}, [&] { from_dlpack(foreign.tensor()); });
  foreign.shape = {std::numeric_limits<std::int64_t>::max() / 4, 3};
  expect_error(ErrorCode::overflow, {"shape:"}, [&] { from_dlpack(foreign.tensor()); });
  foreign.shape = {2, 3};
  DLTensor wrong = foreign.tensor();
  wrong.data = nullptr;
  expect_error(code, {"tensor:", "null"}, [&] { from_dlpack(wrong); });
  wrong = foreign.tensor();
  wrong.byte_offset = 2;
  expect_error(code, {"tensor:", "aligned", "float32"}, [&] { from_dlpack(wrong); });
  wrong = foreign.tensor();
  wrong.shape = nullptr;
  expect_error(code, {"tensor:", "shape"}, [&] { from_dlpack(wrong); });
}

template <class Managed>
class DlpackImport : public ::testing::Test {
 protected:
  static Managed* make(int& deletions, const std::function<void(DLTensor&)>& change = {}) {
    Managed* const managed = Handed<Managed>::make(deletions, change);
#ifdef WARPGNN_DLPACK_VERSIONED
    if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) managed->version = {DLPACK_MAJOR_VERSION, 0};
#endif
    return managed;
  }
};

#ifdef WARPGNN_DLPACK_VERSIONED
using ManagedTypes = ::testing::Types<DLManagedTensor, DLManagedTensorVersioned>;
#else
using ManagedTypes = ::testing::Types<DLManagedTensor>;
#endif
TYPED_TEST_SUITE(DlpackImport, ManagedTypes);

TYPED_TEST(DlpackImport, DeletesOnce) {
  int deletions = 0;
  {
    const ImportedTensor tensor(this->make(deletions));
    EXPECT_TRUE(tensor.defined());
    EXPECT_EQ(tensor.view().as<float>()[5], 6.0F);
    tensor.writable().as<float>()[5] = 7;
    EXPECT_EQ(ConstTensorView(tensor).as<float>()[5], 7.0F);
    EXPECT_EQ(deletions, 0);
  }
  EXPECT_EQ(deletions, 1);
}

TYPED_TEST(DlpackImport, Moves) {
  int first = 0, second = 0;
  {
    ImportedTensor tensor(this->make(first));
    ImportedTensor moved(std::move(tensor));
    EXPECT_FALSE(tensor.defined());  // NOLINT(bugprone-use-after-move): it says so
    EXPECT_EQ(moved.view().as<float>()[0], 1.0F);
    EXPECT_EQ(first, 0);
    tensor = ImportedTensor(this->make(second));
    moved = std::move(tensor);
    EXPECT_EQ(first, 1);
    EXPECT_EQ(moved.view().as<float>()[0], 1.0F);
    EXPECT_EQ(second, 0);
  }
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_FALSE(ImportedTensor().defined());
}

TYPED_TEST(DlpackImport, WhatIsRefusedIsDeletedOnce) {
  const auto refused = [&](const std::vector<std::string>& words, const std::function<void(DLTensor&)>& change) {
    int deletions = 0;
    TypeParam* const managed = this->make(deletions, change);
    expect_error(ErrorCode::invalid_argument, words, [&] { ImportedTensor tensor(managed); });
    EXPECT_EQ(deletions, 1);
  };
  refused({"tensor:", "lanes"}, [](DLTensor& tensor) { tensor.dtype.lanes = 2; });
  refused({"tensor:", "device"}, [](DLTensor& tensor) { tensor.device.device_type = kDLMetal; });
  refused({"tensor:", "dimensions"}, [](DLTensor& tensor) { tensor.ndim = 5; });
  refused({"tensor:", "null"}, [](DLTensor& tensor) { tensor.data = nullptr; });
  expect_error(ErrorCode::invalid_argument, {"tensor:", "null"},
               [] { ImportedTensor tensor(static_cast<TypeParam*>(nullptr)); });
}

TYPED_TEST(DlpackImport, WithoutADeleter) {
  int deletions = 0;
  Handed<TypeParam> kept(deletions);
#ifdef WARPGNN_DLPACK_VERSIONED
  if constexpr (std::is_same_v<TypeParam, DLManagedTensorVersioned>) kept.managed.version = {DLPACK_MAJOR_VERSION, 0};
#endif
  kept.managed.deleter = nullptr;
  { const ImportedTensor tensor(&kept.managed); }
  EXPECT_EQ(deletions, 0);
}

#ifdef WARPGNN_DLPACK_VERSIONED
TEST(DlpackVersioned, FlagsAndVersions) {
  int deletions = 0;
  DLManagedTensorVersioned* managed = Handed<DLManagedTensorVersioned>::make(deletions);
  managed->version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION + 7};
  managed->flags = DLPACK_FLAG_BITMASK_READ_ONLY;
  {
    const ImportedTensor tensor(managed);
    EXPECT_EQ(tensor.view().as<float>()[1], 2.0F);
    expect_error(ErrorCode::invalid_argument, {"tensor:", "read-only"}, [&] { tensor.writable(); });
  }
  EXPECT_EQ(deletions, 1);
  managed = Handed<DLManagedTensorVersioned>::make(deletions);
  managed->version = {DLPACK_MAJOR_VERSION + 1, 2};
  expect_error(ErrorCode::invalid_argument, {"tensor:", std::to_string(DLPACK_MAJOR_VERSION + 1) + ".2"},
               [&] { ImportedTensor tensor(managed); });
  EXPECT_EQ(deletions, 2);
}
#endif

class DlpackExport : public BackendTest {
 protected:
  /// A tensor of random bits, which are returned.
  std::vector<unsigned char> fill(Tensor& tensor) const {
    Rng rng;
    std::vector<unsigned char> bits(tensor.bytes());
    for (unsigned char& byte : bits) byte = static_cast<unsigned char>(rng.next());
    tensor.copy_from_host(bits.data(), bits.size());
    return bits;
  }

  std::vector<unsigned char> bits_of(const ConstTensorView& view) const {
    const Tensor copied = empty_like(context(), view);
    copy(context(), view, copied);
    std::vector<unsigned char> bits(copied.bytes());
    copied.copy_to_host(bits.data(), bits.size());
    return bits;
  }
};
WARPGNN_INSTANTIATE_BACKEND_TESTS(DlpackExport);

TEST_P(DlpackExport, RoundTripKeepsEveryBit) {
  const std::vector<std::vector<std::int64_t>> shapes{{1}, {7}, {5, 3}, {2, 3, 4}, {0, 4}, {4, 0, 2}};
  for (const Dtype dtype : kDtypes) {
    for (const std::vector<std::int64_t>& shape : shapes) {
      SCOPED_TRACE(::testing::PrintToString(shape) + warpgnn::name_of(dtype));
      Tensor tensor(context(), dtype, shape);
      const std::vector<unsigned char> bits = fill(tensor);
      const void* const memory = tensor.view().data;
      DLManagedTensor* const managed = to_dlpack(std::move(tensor));
      EXPECT_EQ(managed->dl_tensor.device.device_type, context().is_cuda() ? kDLCUDA : kDLCPU);
      EXPECT_EQ(managed->dl_tensor.byte_offset, 0u);
      ASSERT_NE(managed->dl_tensor.strides, nullptr);
      EXPECT_EQ(managed->dl_tensor.strides[shape.size() - 1], 1);
      const ImportedTensor back(managed);
      EXPECT_EQ(back.view().data, memory);
      EXPECT_EQ(back.view().dtype, dtype);
      EXPECT_EQ(back.view().device, context().device());
      EXPECT_EQ(back.view().ndim, static_cast<int>(shape.size()));
      EXPECT_EQ(bits_of(back), bits);
    }
  }
}

TEST_P(DlpackExport, KeepsTheTensorUntilItsDeleter) {
  DLManagedTensor* managed = nullptr;
  std::vector<unsigned char> bits;
  {
    const Context own = GetParam().open();
    Tensor tensor(own, Dtype::int32, {3, 5});
    bits = fill(tensor);
    managed = to_dlpack(std::move(tensor));
  }
  EXPECT_EQ(bits_of(from_dlpack(managed->dl_tensor)), bits);
  managed->deleter(managed);
}

TEST_P(DlpackExport, KeepsTheOwnerOfAView) {
  auto tensor = std::make_shared<Tensor>(context(), Dtype::float64, std::initializer_list<std::int64_t>{4, 6});
  const std::vector<unsigned char> bits = fill(*tensor);
  const std::weak_ptr<Tensor> watched = tensor;
  const TensorView part = columns(tensor->view(), 2, 3);
  const std::vector<unsigned char> part_bits = bits_of(part);
  {
    const ImportedTensor back(to_dlpack(part, std::move(tensor)));
    EXPECT_EQ(back.view().data, part.data);
    EXPECT_EQ(back.view().row_stride(), 6);
    EXPECT_EQ(bits_of(back), part_bits);
    EXPECT_FALSE(watched.expired());
  }
  EXPECT_TRUE(watched.expired());
}

TEST_P(DlpackExport, GraphsLeaveAsTensorsAndComeBack) {
  const std::vector<std::int32_t> source{0, 1, 2, 0}, destination{2, 0, 1, 1};
  std::vector<ImportedTensor> held;
  const auto through = [&](ConstTensorView& part, const std::shared_ptr<const void>& owner) {
    if (!part.defined()) return;
    held.emplace_back(to_dlpack(part, owner));
    EXPECT_EQ(held.back().view().data, part.data);
    part = held.back();
  };
  GraphParts parts;
  {
    const Graph graph = Graph::from_coo(context(), {view(source.data(), {4}), view(destination.data(), {4}), 3, 3});
    parts = graph.parts();
  }
  const std::shared_ptr<const void> owner = std::move(parts.owner);
  for (AdjacencyParts* direction : {&parts.in_edges, &parts.out_edges}) {
    for (ConstTensorView* part : {&direction->offsets, &direction->neighbors, &direction->edge_ids,
                                  &direction->long_rows, &direction->first_chunks, &direction->chunk_owners}) {
      through(*part, owner);
    }
  }
  through(parts.graph_offsets, owner);
  through(parts.host_graph_offsets, owner);
  through(parts.host_slot_offsets, owner);
  const Graph again = Graph::from_parts(context(), parts);
  EXPECT_EQ(again.num_edges(), 4);
  EXPECT_EQ(again.num_graphs(), 1);
  EXPECT_EQ(again.in_edges().neighbor, parts.in_edges.neighbors.data);
}

TEST_P(DlpackExport, UndefinedTensorsAreRefused) {
  const auto code = ErrorCode::invalid_argument;
  const auto owner = std::make_shared<int>(1);
  expect_error(code, {"tensor:", "none"}, [&] { to_dlpack(Tensor()); });
  expect_error(code, {"tensor:", "none"}, [&] { to_dlpack(TensorView(), owner); });
  EXPECT_EQ(owner.use_count(), 1);
}

#ifdef WARPGNN_DLPACK_VERSIONED
TEST_P(DlpackExport, VersionedRoundTrip) {
  Tensor tensor(context(), Dtype::bfloat16, {3, 5});
  const std::vector<unsigned char> bits = fill(tensor);
  DLManagedTensorVersioned* const managed = to_dlpack_versioned(std::move(tensor));
  EXPECT_EQ(managed->version.major, static_cast<std::uint32_t>(DLPACK_MAJOR_VERSION));
  EXPECT_EQ(managed->flags, 0u);
  const ImportedTensor back(managed);
  EXPECT_EQ(bits_of(back), bits);
  EXPECT_EQ(bits_of(back.writable()), bits);
  const ImportedTensor read_only(to_dlpack_versioned(back.view(), nullptr));
  EXPECT_EQ(bits_of(read_only), bits);
  expect_error(ErrorCode::invalid_argument, {"tensor:", "read-only"}, [&] { read_only.writable(); });
  EXPECT_EQ(ImportedTensor(to_dlpack_versioned(back.writable(), nullptr)).writable().data, back.view().data);
}
#endif

TEST_P(DlpackExport, OpsRunOnWhatWasImported) {
  const std::vector<float> values{-1, 2, -3, 4};
  const ImportedTensor x(to_dlpack(Tensor::from<float>(context(), values, {2, 2})));
  const ImportedTensor y(to_dlpack(Tensor(context(), Dtype::float32, {2, 2})));
  activation_forward(context(), {.kind = Activation::relu, .slope = 0, .x = x}, {.y = y.writable()});
  Tensor result = empty_like(context(), y);
  copy(context(), y, result);
  EXPECT_THAT(result.to_host<float>(), ElementsAre(0, 2, 0, 4));
}

}  // namespace
}  // namespace warpgnn::test
