// What kernels and launchers may rely on: results of collectives, atomics and conversions, and the runtime's calls.

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

class CaptureTest : public ::testing::Test {
 protected:
  void SetUp() override { cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking); }
  void TearDown() override {
    cudaStreamDestroy(stream_);
    cudaGetLastError();
  }

  cudaStream_t stream_{};
  cudaGraph_t graph_{};
};

TEST_F(CaptureTest, RecordsAndReplays) {
  const Array<int> y(4);
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  EXPECT_EQ(cudaMemsetAsync(y.get(), 1, 4 * sizeof(int), stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaSuccess);
  EXPECT_THAT(y.read(), Each(0));
  cudaGraphExec_t executable{};
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph_), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(executable, stream_), cudaSuccess);
  EXPECT_THAT(y.read(), Each(0x01010101));
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph_);
}

TEST_F(CaptureTest, RefusesWaitingAndAllocating) {
  const auto spoils = [&](auto call) {
    cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal);
    EXPECT_EQ(call(), cudaErrorStreamCaptureUnsupported);
    return cudaStreamEndCapture(stream_, &graph_) == cudaErrorStreamCaptureInvalidated && graph_ == nullptr;
  };
  void* memory = nullptr;
  EXPECT_TRUE(spoils([&] { return cudaStreamSynchronize(stream_); }));
  EXPECT_TRUE(spoils([&] { return cudaMallocAsync(&memory, 16, stream_); }));
  EXPECT_TRUE(spoils([] { return cudaDeviceSynchronize(); }));
}

}  // namespace
}  // namespace planted
