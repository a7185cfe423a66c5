// A whole training step as one CUDA graph. Compiled for the toolkit's runtime and for the executor's.

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/nn_subject.hpp"
#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/pool_layers.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr std::int64_t kGraphs = 12, kWidth = 5, kHidden = 8, kClasses = 3;

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
        loss_(session_) {
    Rng rng(5);
    const TestGraph data = random_batch(rng, oracle::Ids(kGraphs, 6), 2);
    graph_ = data.upload(context);
    x_ = tensor_of(context, dtype, {graph_.num_nodes(), kWidth}, rng.reals(data.edges.destinations() * kWidth));
    oracle::Ids classes;
    for (std::int64_t g = 0; g < kGraphs; ++g) classes.push_back(g % kClasses);
    labels_ = labels_of(context, classes);
    gat_.collect(list_);
    gatv2_.collect(list_);
    norm_.collect(list_);
    pool_.collect(list_);
    head_.collect(list_);
    adam_.emplace(session_, list_, nn::AdamOptions{.learning_rate = 0.02});
  }

  void run() {
    const auto hidden = relu_.forward(norm_.forward(gatv2_.forward(graph_, thinned(gat_.forward(graph_, x_)))));
    loss_.forward(head_.forward(pool_.forward(graph_, hidden)), labels_);
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
  Graph graph_;
  Tensor x_, labels_;
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

}  // namespace
}  // namespace warpgnn::test
