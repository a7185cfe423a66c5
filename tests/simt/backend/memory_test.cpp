// SPDX-License-Identifier: MIT
// Where the memory of CUDA contexts comes from and when it goes, as only the executor's runtime tells.

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <numeric>
#include <optional>

#include "host/core/dispatch.hpp"
#include "simt/simt.hpp"
#include "tests/support/errors.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn::test {
namespace {

constexpr std::int64_t kCount = 1000;
constexpr std::uint64_t kBytes = kCount * sizeof(float);

class SimtMemoryTest : public ::testing::Test {
 protected:
  SimtMemoryTest() { EXPECT_TRUE(simt::pools_in_use().empty()) << "a test before this one left a context open"; }
  ~SimtMemoryTest() override {
    EXPECT_TRUE(simt::pools_in_use().empty());
    simt::computer() = {};
  }

  static Tensor floats(const Context& context, std::int64_t count = kCount) {
    return Tensor(context, Dtype::float32, {count});
  }
  /// Of the one pool that there is.
  static simt::PoolUse pool() {
    const std::vector<simt::PoolUse> pools = simt::pools_in_use();
    EXPECT_EQ(pools.size(), 1u);
    return pools.empty() ? simt::PoolUse{} : pools.front();
  }
  static std::uint64_t of_default_pool(cudaMemPoolAttr attribute) {
    cudaMemPool_t pool{};
    std::uint64_t value = 0;
    EXPECT_EQ(cudaDeviceGetDefaultMemPool(&pool, 0), cudaSuccess);
    EXPECT_EQ(cudaMemPoolGetAttribute(pool, attribute, &value), cudaSuccess);
    return value;
  }

  /// Captures that the tensor is filled, and forgets the graph.
  static void capture_fill(const Context& context, Tensor& tensor) {
    const auto stream = static_cast<cudaStream_t>(context.stream());
    cudaGraph_t graph{};
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    tensor.fill_zero();
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    cudaGraphDestroy(graph);
  }
};

TEST_F(SimtMemoryTest, EachContextHasAPoolAndTheDefaultOneIsLeftAlone) {
  const std::uint64_t used_before = of_default_pool(cudaMemPoolAttrUsedMemCurrent);
  const Context first = Context::cuda(), second = Context::cuda();
  const Tensor tensor = floats(first);
  const std::vector<simt::PoolUse> pools = simt::pools_in_use();
  ASSERT_EQ(pools.size(), 2u);
  EXPECT_EQ(pools[0].used, pools[1].used + kBytes);
  EXPECT_EQ(of_default_pool(cudaMemPoolAttrUsedMemCurrent), used_before);
  EXPECT_EQ(of_default_pool(cudaMemPoolAttrReleaseThreshold), 0u);
}

TEST_F(SimtMemoryTest, FreedMemoryStaysUntilTheLastOfTheContextIsGone) {
  std::optional<Context> context = Context::cuda();
  const std::uint64_t own = pool().used;  // cuBLAS' workspace
  Tensor kept = floats(*context);
  floats(*context);
  context->synchronize();
  EXPECT_EQ(pool().used, own + kBytes);
  EXPECT_EQ(pool().reserved, own + 2 * kBytes);
  context.reset();
  EXPECT_EQ(pool().used, own + kBytes) << "a tensor keeps its context";
  kept = Tensor();
  EXPECT_TRUE(simt::pools_in_use().empty());
}

TEST_F(SimtMemoryTest, OnlyMemoryThatACaptureMayUseOutlivesGrowth) {
  const Context context = Context::cuda();
  const std::uint64_t own = pool().used;
  {
    Tensor tensor = floats(context);
    tensor.resize(context, Dtype::float32, {2 * kCount});
    EXPECT_EQ(pool().used, own + 2 * kBytes) << "no capture yet";
    capture_fill(context, tensor);
    tensor.resize(context, Dtype::float32, {3 * kCount});
    EXPECT_EQ(pool().used, own + 5 * kBytes);
    tensor.resize(context, Dtype::float32, {4 * kCount});
    EXPECT_EQ(pool().used, own + 6 * kBytes) << "allocated after the capture";
    Tensor other = std::move(tensor);
    EXPECT_EQ(pool().used, own + 6 * kBytes);
  }
  EXPECT_EQ(pool().used, own);
}

TEST_F(SimtMemoryTest, AWorkspaceMovesToTheContextThatAsks) {
  const Context context = Context::cuda();
  const std::uint64_t own = pool().used;
  WorkspaceBuffer scratch;
  scratch.reserve(context, kBytes);
  EXPECT_EQ(pool().used, own + kBytes);
  scratch.reserve(Context::cpu(1), kBytes / 2);
  EXPECT_EQ(pool().used, own);
}

TEST_F(SimtMemoryTest, WhatACaptureReleasesGoesWithTheContext) {
  const auto captured_release = [] {
    const Context context = Context::cuda();
    const std::uint64_t own = simt::computer().memory_pools ? pool().used : 0;
    const auto stream = static_cast<cudaStream_t>(context.stream());
    Tensor tensor = floats(context);
    cudaGraph_t graph{};
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    tensor = Tensor();
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    cudaGraphDestroy(graph);
    if (simt::computer().memory_pools) {
      EXPECT_EQ(pool().used, own + kBytes);
    }
  };
  captured_release();
  EXPECT_TRUE(simt::pools_in_use().empty());
  simt::computer().memory_pools = false;
  captured_release();
}

TEST_F(SimtMemoryTest, DevicesWithoutPools) {
  simt::computer().memory_pools = false;
  const Context context = Context::cuda();
  EXPECT_TRUE(simt::pools_in_use().empty());
  std::vector<float> values(kCount);
  std::iota(values.begin(), values.end(), 0.0f);
  auto tensor = Tensor::from<float>(context, values, {kCount});
  EXPECT_EQ(tensor.to_host<float>(), values);
  tensor.resize(context, Dtype::float32, {2 * kCount});
  tensor.fill_zero();
  EXPECT_EQ(tensor.to_host<float>(), std::vector<float>(2 * kCount));
}

TEST_F(SimtMemoryTest, BackendsAllocateNothingInACapture) {
  const Context context = Context::cuda();
  const auto stream = static_cast<cudaStream_t>(context.stream());
  cudaGraph_t graph{};
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  expect_error(ErrorCode::capturing, {"stream", "captured", "allocation", "4000 bytes", "before the capture"},
               [&] { backend::allocate(context.state().cuda, kBytes); });
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  cudaGraphDestroy(graph);
}

}  // namespace
}  // namespace warpgnn::test
