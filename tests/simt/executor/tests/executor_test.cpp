// SPDX-License-Identifier: MIT
// What kernels and launchers may rely on: results of collectives, atomics and conversions, and the runtime's calls.

#include <cublas_v2.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "planted/samples.hpp"
#include "simt/simt.hpp"

namespace planted {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <class T>
class Array {
 public:
  explicit Array(std::size_t count) : count_(count) {
    cudaMalloc(&data_, count * sizeof(T));
    cudaMemset(data_, 0, count * sizeof(T));
  }
  explicit Array(const std::vector<T>& values) : Array(values.size()) {
    cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  ~Array() { cudaFree(data_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* get() const { return data_; }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost);
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

class ExecutorTest : public ::testing::TestWithParam<simt::Order> {
 protected:
  void SetUp() override {
    simt::take_findings();
    simt::options().order = GetParam();
    simt::options().check_memory = simt::options().check_races = true;
  }
  void TearDown() override {
    EXPECT_TRUE(simt::take_findings().empty());
    simt::options() = {};
  }
};

INSTANTIATE_TEST_SUITE_P(Order, ExecutorTest,
                         ::testing::Values(simt::Order::forward, simt::Order::reverse, simt::Order::random),
                         [](const auto& test) {
                           return test.param == simt::Order::forward   ? "forward"
                                  : test.param == simt::Order::reverse ? "reverse"
                                                                       : "random";
                         });

TEST_P(ExecutorTest, ShufflesWithinParts) {
  const Array<float> y(128);
  run_shuffles(y.get());
  const std::vector<float> got = y.read();
  for (int lane = 0; lane < 32; ++lane) {
    const int first = lane / 8 * 8, place = lane % 8;
    const auto at = [&](int kind) { return static_cast<int>(got[static_cast<std::size_t>(32 * kind + lane)]); };
    EXPECT_EQ(at(0), first + 3);
    EXPECT_EQ(at(1), place < 2 ? lane : lane - 2);
    EXPECT_EQ(at(2), place < 6 ? lane + 2 : lane);
    EXPECT_EQ(at(3), lane ^ 5);
  }
}

TEST_P(ExecutorTest, Votes) {
  const Array<unsigned> y(8);
  run_votes(y.get());
  EXPECT_THAT(y.read(), ElementsAre(0x49249249u, 1u, 0u, 496u, static_cast<unsigned>(-26), 62u, 0x88888888u, ~0u));
}

TEST_P(ExecutorTest, VotesOfBlocks) {
  const Array<float> y(3);
  run_block_votes(y.get());
  EXPECT_THAT(y.read(), ElementsAre(34.0f, 1.0f, 0.0f));
}

TEST_P(ExecutorTest, DynamicSharedMemory) {
  const Array<float> y(64);
  run_dynamic_shared(y.get());
  std::vector<float> want(64);
  std::iota(want.rbegin(), want.rend(), 0.0f);
  EXPECT_EQ(y.read(), want);
}

TEST_P(ExecutorTest, Atomics) {
  const Array<int> y(6);
  run_atomics(y.get());
  EXPECT_THAT(y.read(), ElementsAre(2016, -63, 63, -1, 9, 255));
}

TEST_P(ExecutorTest, HalfPrecisionRoundsToNearestEven) {
  const float infinity = std::numeric_limits<float>::infinity();
  // 2049 lies between two numbers of fp16, 257 and 259 between two of bf16; 1e-7 is subnormal in fp16.
  const std::vector<float> x = {1.0f, -2.5f, 2049.0f, 2051.0f, 257.0f, 259.0f, 70000.0f, infinity};
  const Array<float> in(x), y(2 * x.size());
  run_half_precision(in.get(), y.get(), static_cast<int>(x.size()));
  EXPECT_THAT(y.read(), ElementsAre(1.0f, -2.5f, 2048.0f, 2052.0f, 257.0f, 259.0f, infinity, infinity,  //
                                    1.0f, -2.5f, 2048.0f, 2048.0f, 256.0f, 260.0f, 70144.0f, infinity));
  const Array<float> nan(std::vector<float>{std::nanf("")}), got(2);
  run_half_precision(nan.get(), got.get(), 1);
  EXPECT_THAT(got.read(), Each(::testing::IsNan()));
}

TEST_P(ExecutorTest, IndicesOfThreadsAndBlocks) {
  const Array<float> y(24);
  run_indices(y.get());
  std::vector<float> want(24);
  std::iota(want.begin(), want.end(), 200.0f);
  EXPECT_EQ(y.read(), want);
}

TEST(OrderTest, ShowsInWhatDependsOnIt) {
  std::vector<std::vector<int>> arrivals;
  for (const simt::Order order : {simt::Order::forward, simt::Order::reverse, simt::Order::random}) {
    simt::options() = {.order = order, .seed = 7};
    const Array<int> counter(1), y(64);
    run_arrivals(counter.get(), y.get());
    arrivals.push_back(y.read());
  }
  simt::options() = {};
  EXPECT_EQ(arrivals[0].front(), 0);
  EXPECT_EQ(arrivals[1].back(), 0);
  EXPECT_NE(arrivals[2], arrivals[0]);
  EXPECT_NE(arrivals[2], arrivals[1]);
}

TEST(OrderTest, SeedRepeatsARandomOrder) {
  const auto arrivals = [](std::uint64_t seed) {
    simt::options() = {.order = simt::Order::random, .seed = seed};
    const Array<int> counter(1), y(64);
    run_arrivals(counter.get(), y.get());
    simt::options() = {};
    return y.read();
  };
  EXPECT_NE(arrivals(2), arrivals(1));
}

// --- The runtime ----------------------------------------------------------------------------------------------------

TEST(RuntimeTest, CopiesStayWithinAllocations) {
  const Array<float> y(4);
  float host[8] = {};
  EXPECT_EQ(cudaMemcpy(y.get(), host, sizeof host, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(host, 0, sizeof host), cudaErrorInvalidValue);
  EXPECT_EQ(simt::take_findings().size(), 2u);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(RuntimeTest, MemoryIsFreedOnce) {
  float* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaErrorInvalidValue);
  EXPECT_EQ(simt::take_findings().size(), 1u);
  cudaGetLastError();
}

TEST(RuntimeTest, FailedLaunchSaysWhatWasFound) {
  barrier_faults().front().run(true);
  EXPECT_THAT(cudaGetErrorString(cudaErrorLaunchFailure), HasSubstr("divergent_barrier"));
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  simt::take_findings();
}

TEST(RuntimeTest, PoolsKeepFreedMemoryUpToTheirThreshold) {
  const cudaMemPoolProps properties{.allocType = cudaMemAllocationTypePinned,
                                    .location = {cudaMemLocationTypeDevice, 0}};
  const auto attribute = [](cudaMemPool_t pool, cudaMemPoolAttr which) {
    std::uint64_t value = 0;
    EXPECT_EQ(cudaMemPoolGetAttribute(pool, which, &value), cudaSuccess);
    return value;
  };
  cudaMemPool_t pool{};
  ASSERT_EQ(cudaMemPoolCreate(&pool, &properties), cudaSuccess);
  void *first{}, *second{};
  ASSERT_EQ(cudaMallocFromPoolAsync(&first, 100, pool, nullptr), cudaSuccess);
  ASSERT_EQ(cudaMallocFromPoolAsync(&second, 50, pool, nullptr), cudaSuccess);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrUsedMemCurrent), 150u);
  EXPECT_EQ(cudaFreeAsync(first, nullptr), cudaSuccess);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrReservedMemCurrent), 150u);
  std::uint64_t threshold = 120;
  EXPECT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrReservedMemCurrent), 120u);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrUsedMemCurrent), 50u);
  EXPECT_EQ(cudaMemPoolDestroy(pool), cudaSuccess);
  EXPECT_EQ(simt::pools_in_use().size(), 1u) << "gone before its memory";
  EXPECT_EQ(cudaMallocFromPoolAsync(&first, 100, pool, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeAsync(second, nullptr), cudaSuccess);
  EXPECT_TRUE(simt::pools_in_use().empty());
  EXPECT_EQ(cudaDeviceGetDefaultMemPool(&pool, 0), cudaSuccess);
  EXPECT_EQ(cudaMemPoolDestroy(pool), cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST(RuntimeTest, DevicesWithoutPools) {
  simt::computer().memory_pools = false;
  int supported = 1;
  EXPECT_EQ(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0), cudaSuccess);
  EXPECT_EQ(supported, 0);
  void* memory{};
  EXPECT_EQ(cudaMallocAsync(&memory, 16, nullptr), cudaErrorNotSupported);
  simt::computer() = {};
  cudaGetLastError();
}

TEST(RuntimeTest, MathModesSayHowProductsMayBeComputed) {
  const Array<float> x(1), y(1);
  const Array<std::uint16_t> half(1);
  cublasHandle_t handle{};
  cublasCreate(&handle);
  const float one = 1;
  const auto kinds = [&](int mode) {
    simt::take_products();
    EXPECT_EQ(cublasSetMathMode(handle, static_cast<cublasMath_t>(mode)), CUBLAS_STATUS_SUCCESS);
    cublasSgemm_64(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, x.get(), 1, x.get(), 1, &one, y.get(), 1);
    cublasGemmEx_64(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, half.get(), CUDA_R_16F, 1, half.get(), CUDA_R_16F,
                    1, &one, half.get(), CUDA_R_16F, 1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
    return simt::take_products();
  };
  const auto both = [](bool tf32, bool half_on_tensor_cores, bool half_sums) {
    return ElementsAre(simt::ProductKind{"float16", "float16", false, half_on_tensor_cores, half_sums},
                       simt::ProductKind{"float32", "float32", tf32, tf32, false});
  };
  constexpr int kWholeSums = CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
  EXPECT_THAT(kinds(CUBLAS_DEFAULT_MATH), both(false, true, true));
  EXPECT_THAT(kinds(CUBLAS_DEFAULT_MATH | kWholeSums), both(false, true, false));
  EXPECT_THAT(kinds(CUBLAS_PEDANTIC_MATH), both(false, false, false));
  EXPECT_THAT(kinds(CUBLAS_TF32_TENSOR_OP_MATH | kWholeSums), both(true, true, false));
  EXPECT_EQ(cublasSetMathMode(handle, static_cast<cublasMath_t>(4)), CUBLAS_STATUS_NOT_SUPPORTED);
  cublasDestroy(handle);
}

// --- Captures -------------------------------------------------------------------------------------------------------

class CaptureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&blocking_, cudaStreamDefault);
  }
  void TearDown() override {
    cudaStreamDestroy(stream_);
    cudaStreamDestroy(blocking_);
    cudaGetLastError();
    simt::options() = {};
  }

  cudaError_t begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal) {
    return cudaStreamBeginCapture(stream_, mode);
  }
  cudaError_t end() { return cudaStreamEndCapture(stream_, &graph_); }
  cudaStreamCaptureStatus status() const {
    cudaStreamCaptureStatus status{};
    EXPECT_EQ(cudaStreamIsCapturing(stream_, &status), cudaSuccess);
    return status;
  }

  cudaStream_t stream_{}, blocking_{};
  cudaGraph_t graph_{};
};

TEST_F(CaptureTest, RecordsAndReplays) {
  const Array<int> y(4);
  EXPECT_EQ(status(), cudaStreamCaptureStatusNone);
  ASSERT_EQ(begin(), cudaSuccess);
  EXPECT_EQ(status(), cudaStreamCaptureStatusActive);
  EXPECT_EQ(cudaMemsetAsync(y.get(), 1, 4 * sizeof(int), stream_), cudaSuccess);
  ASSERT_EQ(end(), cudaSuccess);
  EXPECT_THAT(y.read(), Each(0));
  cudaGraphExec_t executable{};
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph_), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(executable, stream_), cudaSuccess);
  EXPECT_THAT(y.read(), Each(0x01010101));
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph_);
}

TEST_F(CaptureTest, LogsWorkWhenItRuns) {
  const Array<int> y(4);
  int* pinned = nullptr;
  int pageable[4] = {};
  simt::options().log_work = true;
  simt::take_work_log();
  ASSERT_EQ(cudaMallocHost(&pinned, sizeof pageable), cudaSuccess);
  std::fill_n(pinned, 4, 7);
  ASSERT_EQ(begin(), cudaSuccess);
  EXPECT_EQ(cudaMemsetAsync(y.get(), 1, sizeof pageable, stream_), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(y.get(), pinned, sizeof pageable, cudaMemcpyHostToDevice, stream_), cudaSuccess);
  ASSERT_EQ(end(), cudaSuccess);
  simt::WorkLog log = simt::take_work_log();
  EXPECT_THAT(log.work, IsEmpty());
  EXPECT_EQ(log.allocations, 1u);

  cudaGraphExec_t executable{};
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph_), cudaSuccess);
  for (int run = 0; run < 2; ++run) EXPECT_EQ(cudaGraphLaunch(executable, stream_), cudaSuccess);
  log = simt::take_work_log();
  EXPECT_THAT(log.work, ElementsAre("fill", "copy", "fill", "copy"));
  EXPECT_EQ(log.waits, 0u);
  EXPECT_EQ(cudaMemcpyAsync(y.get(), pageable, sizeof pageable, cudaMemcpyHostToDevice, stream_), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaErrorInvalidValue) << "it is no such memory any more";
  log = simt::take_work_log();
  EXPECT_EQ(log.waits, 2u);
  EXPECT_EQ(log.allocations, 2u);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph_);
}

TEST_F(CaptureTest, IsSpoiltByWaitingAndByMemoryOfTheWholeDevice) {
  const auto spoils = [&](auto call, cudaError_t error = cudaErrorStreamCaptureUnsupported) {
    begin();
    EXPECT_EQ(call(), error);
    EXPECT_EQ(status(), cudaStreamCaptureStatusInvalidated);
    EXPECT_EQ(cudaMemsetAsync(nullptr, 0, 1, stream_), cudaErrorStreamCaptureInvalidated);
    return end() == cudaErrorStreamCaptureInvalidated && graph_ == nullptr;
  };
  void *memory = nullptr, *outside = nullptr;
  ASSERT_EQ(cudaMallocAsync(&outside, 16, stream_), cudaSuccess);
  EXPECT_TRUE(spoils([&] { return cudaStreamSynchronize(stream_); }));
  EXPECT_TRUE(spoils([] { return cudaDeviceSynchronize(); }));
  EXPECT_TRUE(spoils([&] { return cudaMalloc(&memory, 16); }));
  EXPECT_TRUE(spoils([&] { return cudaFree(outside); }));
  EXPECT_TRUE(spoils([&] { return cudaFreeAsync(outside, stream_); }, cudaErrorInvalidValue));
  EXPECT_EQ(cudaFreeAsync(outside, stream_), cudaSuccess);
}

TEST_F(CaptureTest, LeavesOtherStreamsAlone) {
  void *memory = nullptr, *unsafe = nullptr;
  ASSERT_EQ(begin(cudaStreamCaptureModeRelaxed), cudaSuccess);
  EXPECT_EQ(cudaMallocAsync(&memory, 16, blocking_), cudaSuccess);
  EXPECT_EQ(cudaMemsetAsync(memory, 0, 16, nullptr), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(blocking_), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(memory, nullptr), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&unsafe, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(unsafe), cudaSuccess);
  EXPECT_EQ(end(), cudaSuccess);
  cudaGraphDestroy(graph_);
}

TEST_F(CaptureTest, LegacyStreamWaitsForBlockingOnes) {
  const Array<int> y(4);
  cudaStreamCaptureStatus status{};
  for (const cudaStream_t legacy : {cudaStream_t{}, cudaStreamLegacy}) {
    EXPECT_EQ(cudaStreamBeginCapture(legacy, cudaStreamCaptureModeThreadLocal), cudaErrorStreamCaptureUnsupported);
    ASSERT_EQ(cudaStreamBeginCapture(blocking_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    EXPECT_EQ(cudaStreamIsCapturing(legacy, &status), cudaErrorStreamCaptureImplicit);
    EXPECT_EQ(cudaStreamIsCapturing(blocking_, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusActive) << "asking spoils nothing";
    EXPECT_EQ(cudaMemsetAsync(y.get(), 0, 16, legacy), cudaErrorStreamCaptureImplicit);
    EXPECT_EQ(cudaStreamEndCapture(blocking_, &graph_), cudaErrorStreamCaptureInvalidated);
  }
}

TEST_F(CaptureTest, AllocationsAreNodesOfTheGraph) {
  simt::options().check_memory = true;
  simt::take_findings();
  void* memory = nullptr;
  ASSERT_EQ(begin(), cudaSuccess);
  EXPECT_EQ(cudaMallocAsync(&memory, 64 * sizeof(float), stream_), cudaSuccess);
  ASSERT_NE(memory, nullptr);
  ASSERT_EQ(end(), cudaSuccess);
  cudaGraph_t freeing{};
  ASSERT_EQ(begin(), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(memory, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream_, &freeing), cudaSuccess);
  cudaGraphExec_t allocate{}, free{};
  ASSERT_EQ(cudaGraphInstantiate(&allocate, graph_), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&free, freeing), cudaSuccess);
#if !defined(__SANITIZE_ADDRESS__)
  const auto is_accessible = [&] {
    run_dynamic_shared(static_cast<float*>(memory));
    cudaGetLastError();
    return simt::take_findings().empty();
  };
  EXPECT_FALSE(is_accessible());
  EXPECT_EQ(cudaGraphLaunch(allocate, stream_), cudaSuccess);
  EXPECT_TRUE(is_accessible());
  EXPECT_EQ(cudaGraphLaunch(free, stream_), cudaSuccess);
  EXPECT_FALSE(is_accessible());
#endif
  EXPECT_EQ(cudaFreeAsync(memory, stream_), cudaErrorNotSupported);
  for (const cudaGraphExec_t executable : {allocate, free}) cudaGraphExecDestroy(executable);
  for (const cudaGraph_t graph : {graph_, freeing}) cudaGraphDestroy(graph);
  EXPECT_EQ(cudaMemset(memory, 0, 1), cudaErrorInvalidValue) << "gone with the graph";
  simt::take_findings();
}

}  // namespace
}  // namespace planted
