// SPDX-License-Identifier: MIT
// What is captured into CUDA graphs: whole training steps, and what a capture does not allow. Compiled for the
// toolkit's runtime and for the executor's.

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/nn_subject.hpp"
#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/pool_layers.hpp"
#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr std::int64_t kGraphs = 12, kWidth = 5, kHidden = 8, kClasses = 3;

/// Graphs with inputs and labels.
struct Batch {
  Batch(const Context& context, Dtype dtype, std::int64_t graphs) {
    Rng rng(5);
    const TestGraph data = random_batch(rng, oracle::Ids(static_cast<std::size_t>(graphs), 6), 2);
    graph = data.upload(context);
    x = tensor_of(context, dtype, {graph.num_nodes(), kWidth}, rng.reals(data.edges.destinations() * kWidth));
    oracle::Ids classes;
    for (std::int64_t g = 0; g < graphs; ++g) classes.push_back(g % kClasses);
    labels = labels_of(context, classes);
  }

  Graph graph;
  Tensor x, labels;
};

/// Attention, normalisation, pooling, loss and optimiser; dropout of features and of both kinds of attention.
class Step {
 public:
  Step(const Context& context, Dtype dtype)
      : session_(context, dtype, 3),
        gat_(session_, "gat", kWidth, {.heads = 2, .channels = kHidden / 2, .attention_dropout = 0.3}),
        dropout_(session_, 0.4),
        gatv2_(session_, "gatv2", kHidden, {.heads = 2, .channels = kHidden / 2, .attention_dropout = 0.3}),
        norm_(session_, "norm", kHidden),
        relu_(session_, Activation::relu),
        pool_(session_, "pool", kHidden, 4, PoolReduce::sum, PoolGate::softmax),
        head_(session_, "head", kHidden, kClasses),
        loss_(session_),
        batch_(context, dtype, kGraphs) {
    gat_.collect(list_);
    gatv2_.collect(list_);
    norm_.collect(list_);
    pool_.collect(list_);
    head_.collect(list_);
    adam_.emplace(session_, list_, nn::AdamOptions{.learning_rate = 0.02});
  }

  void run() { run(batch_); }
  void run(const Batch& batch) {
    const Graph& graph = batch.graph;
    const auto hidden = relu_.forward(norm_.forward(gatv2_.forward(graph, thinned(gat_.forward(graph, batch.x)))));
    loss_.forward(head_.forward(pool_.forward(graph, hidden)), batch.labels);
    const auto dhidden = relu_.backward(pool_.backward(head_.backward(loss_.backward())));
    gat_.backward(dropout_.backward(gatv2_.backward(norm_.backward(dhidden))), false);
    adam_->step();
  }

  /// Which features the last step's forward dropped.
  std::vector<bool> mask() const {
    std::vector<bool> dropped;
    for (const double value : reals_of(session_.context(), thinned_)) dropped.push_back(value == 0);
    return dropped;
  }
  std::uint64_t dropout_state() const { return session_.dropout_state(); }

  Reals values() const {
    Reals all;
    for (const nn::Parameter* each : list_) {
      const Reals values = reals_of(each->value);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

 private:
  ConstTensorView thinned(const ConstTensorView& x) { return thinned_ = dropout_.forward(x); }

  nn::Session session_;
  nn::GATConv gat_;
  nn::DropoutLayer dropout_;
  nn::GATv2Conv gatv2_;
  nn::BatchNorm norm_;
  nn::Activate relu_;
  nn::AttentionPool pool_;
  nn::Linear head_;
  nn::CrossEntropy loss_;
  Batch batch_;
  ConstTensorView thinned_;
  nn::ParameterList list_;
  std::optional<nn::Adam> adam_;
};

/// A stream's work, recorded once.
class CapturedWork {
 public:
  CapturedWork(cudaStream_t stream, const std::function<void()>& work) : stream_(stream) {
    EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    work();
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph_), cudaSuccess);
    EXPECT_EQ(cudaGraphInstantiate(&executable_, graph_, 0), cudaSuccess);
  }
  ~CapturedWork() {
    cudaGraphExecDestroy(executable_);
    cudaGraphDestroy(graph_);
  }
  CapturedWork(const CapturedWork&) = delete;
  CapturedWork& operator=(const CapturedWork&) = delete;

  void replay() const { EXPECT_EQ(cudaGraphLaunch(executable_, stream_), cudaSuccess); }

 private:
  cudaStream_t stream_;
  cudaGraph_t graph_{};
  cudaGraphExec_t executable_{};
};

class CaptureTest : public OpTest {
 protected:
  cudaStream_t stream() const { return static_cast<cudaStream_t>(context().stream()); }
};

INSTANTIATE_TEST_SUITE_P(On, CaptureTest,
                         ::testing::Values(OpCase{{"cuda", DeviceType::cuda, 0}, Dtype::float32},
                                           OpCase{{"cuda", DeviceType::cuda, 0}, Dtype::float64}),
                         CaseName());

TEST_P(CaptureTest, ReplayedTrainingStepsAreEagerOnes) {
  constexpr int kWarmUp = 2, kSteps = 4;
  Step eager(context(), dtype()), captured(context(), dtype());
  for (int step = 0; step < kWarmUp; ++step) eager.run();
  for (int step = 0; step < kWarmUp; ++step) captured.run();  // after the first, nothing is allocated any more
  const CapturedWork work(stream(), [&] { captured.run(); });
  std::set<std::vector<bool>> masks;
  for (int step = 0; step < kSteps; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    eager.run();
    work.replay();
    EXPECT_EQ(captured.mask(), eager.mask());
    EXPECT_EQ(captured.values(), eager.values());
    EXPECT_EQ(captured.dropout_state(), eager.dropout_state());
    masks.insert(captured.mask());
  }
  EXPECT_EQ(masks.size(), static_cast<std::size_t>(kSteps)) << "a replay repeated a mask";
}

TEST_P(CaptureTest, OneModelServesLargerBatchesAfterItsCapture) {
  const Batch large(context(), dtype(), 5 * kGraphs);
  Step eager(context(), dtype()), captured(context(), dtype());
  eager.run();
  captured.run();
  const CapturedWork small_step(stream(), [&] { captured.run(); });
  eager.run(large);
  captured.run(large);  // every buffer of the layers grows
  const CapturedWork large_step(stream(), [&] { captured.run(large); });
  for (int step = 0; step < 3; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    eager.run();
    small_step.replay();
    eager.run(large);
    large_step.replay();
    EXPECT_EQ(captured.values(), eager.values());
    EXPECT_EQ(captured.dropout_state(), eager.dropout_state());
  }
}

TEST_P(CaptureTest, GrownTensorsLeaveCapturedWorkItsMemory) {
  const Reals values{1, 2, 3, 4}, zeros(4, 0.0);
  Tensor tensor = tensor_of(context(), dtype(), {4}, values);
  const TensorView captured = tensor;
  const CapturedWork work(stream(), [&] { tensor.fill_zero(); });
  for (const std::int64_t count : {1000, 2000}) {
    tensor.resize(context(), dtype(), {count});
    const Reals ones(static_cast<std::size_t>(count), 1.0);
    assign(tensor, ones);
    EXPECT_EQ(reals_of(context(), captured), count == 1000 ? values : zeros);
    work.replay();
    EXPECT_EQ(reals_of(context(), captured), zeros);
    EXPECT_EQ(reals_of(tensor), ones);
  }
}

TEST_P(CaptureTest, WhatAllocatesOrWaitsIsRefusedAndTheCaptureGoesOn) {
  const Reals values{1, 2, 3, 4};
  Tensor tensor = tensor_of(context(), dtype(), {4}, values), copy = tensor_of(context(), dtype(), {4}, values);
  WorkspaceBuffer scratch;
  const Workspace before = scratch.reserve(context(), 100);
  Rng rng(5);
  const TestGraph data = random_batch(rng, {3, 4}, 2);
  const auto refused = [](const std::string& word, const std::function<void()>& call) {
    expect_error(ErrorCode::capturing, {"stream", "captured", word, "before the capture"}, call);
  };
  const CapturedWork work(stream(), [&] {
    const void* const memory = tensor.view().data;
    refused("8000 bytes", [&] { tensor.resize(context(), Dtype::float64, {1000}); });
    EXPECT_EQ(tensor.view().data, memory);
    EXPECT_EQ(tensor.view().shape[0], 4);
    tensor.resize(context(), dtype(), {2});  // fits
    tensor.fill_zero();
    refused("workspace", [&] { scratch.reserve(context(), 100000); });
    EXPECT_EQ(scratch.reserve(context(), 100).data, before.data);
    refused("bytes", [&] { static_cast<void>(data.upload(context())); });
    refused("to the host", [&] { static_cast<void>(reals_of(copy)); });
    refused("from the host", [&] { assign(copy, values); });
    refused("waiting", [&] { context().synchronize(); });
    refused("opening", [&] { Context::cuda(0, stream()); });
  });
  EXPECT_EQ(reals_of(tensor), (Reals{1, 2}));
  work.replay();
  EXPECT_EQ(reals_of(tensor), (Reals{0, 0}));
}

TEST_P(CaptureTest, CopiesAreCaptured) {
  const Reals values{1, 2, 3, 4, 5, 6}, others{9, 8, 7, 6, 5, 4};
  Tensor from = tensor_of(context(), dtype(), {2, 3}, values);
  Tensor whole = tensor_of(context(), dtype(), {2, 3}, Reals(6, 0)),
         part = tensor_of(context(), dtype(), {2, 2}, Reals(4, 0));
  copy(context(), columns(from.view(), 1, 2), part);  // CUDA loads the kernel
  const CapturedWork work(stream(), [&] {
    copy(context(), from, whole);
    copy(context(), columns(from.view(), 1, 2), part);
  });
  assign(from, others);
  work.replay();
  EXPECT_EQ(reals_of(whole), others);
  EXPECT_EQ(reals_of(part), (Reals{8, 7, 5, 4}));
}

TEST_P(CaptureTest, GraphsOfPartsAndReversedOnesNeitherAllocateNorWait) {
  Rng rng(5);
  const TestGraph data = random_graph(rng, 9, 12, 40);
  const GraphParts parts = data.upload(context()).parts();
  const Reals x_values = rng.integers(9 * 4, -4, 4), dy_values = rng.integers(12 * 4, -4, 4);
  const Tensor x = tensor_of(context(), dtype(), {9, 4}, x_values),
               dy = tensor_of(context(), dtype(), {12, 4}, dy_values);
  Tensor y(context(), dtype(), {12, 4}), back(context(), dtype(), {9, 4});
  y.fill_zero();
  back.fill_zero();
  const auto aggregate = [&] {
    const Graph graph = Graph::from_parts(context(), parts);
    aggregate_forward(context(), {.graph = graph, .x = x}, {.y = y});
    aggregate_forward(context(), {.graph = graph.reversed(context()), .x = dy}, {.y = back});
  };
  aggregate();
  const Reals want = reals_of(y), want_back = reals_of(back);
  y.fill_zero();
  back.fill_zero();
  const CapturedWork work(stream(), aggregate);
  work.replay();
  EXPECT_EQ(reals_of(y), want);
  EXPECT_EQ(reals_of(back), want_back);
  EXPECT_NE(want, Reals(want.size(), 0.0));
}

TEST_P(CaptureTest, MemoryReleasedInACaptureStays) {
  const Reals ones(64, 1.0);
  Tensor tensor = tensor_of(context(), dtype(), {64}, ones);
  const TensorView view = tensor;
  const CapturedWork work(stream(), [&] {
    tensor.fill_zero();
    tensor = Tensor();
  });
  const Tensor other = tensor_of(context(), dtype(), {64}, ones);
  work.replay();
  EXPECT_EQ(reals_of(context(), view), Reals(64, 0.0));
  EXPECT_EQ(reals_of(other), ones);
}

TEST_P(CaptureTest, TwoStreamsAtOnce) {
  const Context other = Context::cuda();
  ASSERT_NE(other.stream(), context().stream());
  Step alone(context(), dtype()), first(context(), dtype()), second(other, dtype());
  for (int step = 0; step < 4; ++step) alone.run();
  for (int step = 0; step < 4; ++step) {  // no waiting in between
    first.run();
    second.run();
  }
  EXPECT_EQ(first.values(), alone.values());
  EXPECT_EQ(second.values(), alone.values());
}

// --- The legacy default stream --------------------------------------------------------------------------------------

TEST_P(CaptureTest, NullIsTheLegacyStreamAndNotAnOwnOne) {
  const Context legacy = Context::cuda(0, nullptr);
  EXPECT_EQ(legacy.stream(), nullptr);
  EXPECT_NE(Context::cuda(0).stream(), nullptr);
  EXPECT_EQ(Context::cuda(0, context().stream()).stream(), context().stream());
  Step on_legacy(legacy, dtype()), on_own(context(), dtype());
  for (int step = 0; step < 2; ++step) {
    on_legacy.run();
    on_own.run();
  }
  EXPECT_EQ(on_legacy.values(), on_own.values());
  EXPECT_NE(cudaStreamBeginCapture(static_cast<cudaStream_t>(legacy.stream()), cudaStreamCaptureModeThreadLocal),
            cudaSuccess);
  cudaGetLastError();
}

TEST_P(CaptureTest, LegacyStreamSaysThatItCannotBeUsedDuringCapturesOfBlockingStreams) {
  const Context legacy = Context::cuda(0, nullptr);
  Tensor tensor = tensor_of(legacy, dtype(), {4}, {1, 2, 3, 4});
  cudaStream_t blocking{};
  ASSERT_EQ(cudaStreamCreateWithFlags(&blocking, cudaStreamDefault), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  const auto refused = [](const std::function<void()>& call) {
    expect_error(ErrorCode::capturing, {"stream", "legacy default stream"}, call);
  };
  refused([&] { Tensor(legacy, dtype(), {8}); });
  refused([&] { static_cast<void>(reals_of(tensor)); });
  refused([&] { legacy.synchronize(); });
  tensor = Tensor();  // spoils nothing
  cudaGraph_t graph{};
  EXPECT_EQ(cudaStreamEndCapture(blocking, &graph), cudaSuccess);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(blocking);
}

}  // namespace
}  // namespace warpgnn::test
