// SPDX-License-Identifier: MIT
// Rows so far apart that element offsets pass 2^31 and 2^33: on address space that is reserved but, but for the rows
// themselves, never touched.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <vector>

#include "tests/support/graphs.hpp"
#include "tests/support/test_tensor.hpp"
#include "warpgnn/warpgnn.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr std::int64_t kApart = (std::int64_t{1} << 31) + 8;  // elements between two rows
constexpr std::int64_t kNodes = 5, kHeads = 2, kChannels = 4, kWidth = kHeads * kChannels, kEdges = 9;

/// A float matrix whose rows lie kApart elements from each other.
class FarRows {
 public:
  explicit FarRows(std::int64_t rows, const Reals& values = {}) : rows_(rows), bytes_(bytes_for(rows)) {
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (std::size_t k = 0; reserved() && k < values.size(); ++k) {
      data()[row_of(k) * kApart + static_cast<std::int64_t>(k) % kWidth] = static_cast<float>(values[k]);
    }
  }
  ~FarRows() {
    if (reserved()) munmap(memory_, bytes_);
  }
  FarRows(const FarRows&) = delete;
  FarRows& operator=(const FarRows&) = delete;

  bool reserved() const { return memory_ != MAP_FAILED; }
  TensorView matrix() const {
    TensorView far = view(data(), {rows_, kWidth});
    far.stride[0] = kApart;
    return far;
  }
  TensorView heads() const {
    TensorView far = view(data(), {rows_, kHeads, kChannels});
    far.stride[0] = kApart;
    return far;
  }
  Reals values() const {
    Reals all;
    for (std::int64_t k = 0; k < rows_ * kWidth; ++k) all.push_back(data()[k / kWidth * kApart + k % kWidth]);
    return all;
  }

 private:
  static std::size_t bytes_for(std::int64_t rows) {
    return static_cast<std::size_t>((rows - 1) * kApart + kWidth) * sizeof(float);
  }
  static std::int64_t row_of(std::size_t k) { return static_cast<std::int64_t>(k) / kWidth; }
  float* data() const { return static_cast<float*>(memory_); }

  std::int64_t rows_;
  std::size_t bytes_;
  void* memory_;
};

class AddressTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!FarRows(kEdges).reserved()) GTEST_SKIP() << "no address space for rows this far apart";
    Rng rng;
    graph_ = random_graph(rng, kNodes, kNodes, kEdges).upload(context_);
    x_ = rng.reals(kNodes * kWidth);
    dy_ = rng.reals(kNodes * kWidth);
    edge_ = rng.reals(kEdges * kWidth);
    score_ = rng.reals(kNodes * kHeads);
  }

  Tensor near_by(std::initializer_list<std::int64_t> shape, const Reals& values) const {
    const std::vector<float> narrow(values.begin(), values.end());
    return Tensor::from<float>(context_, narrow, shape);
  }
  Tensor empty(std::initializer_list<std::int64_t> shape) const { return Tensor(context_, Dtype::float32, shape); }
  static Reals values_of(const Tensor& tensor) {
    const std::vector<float> values = tensor.to_host<float>();
    return {values.begin(), values.end()};
  }

  Context context_ = Context::cpu(1);
  Graph graph_;
  Reals x_, dy_, edge_, score_;
};

TEST_F(AddressTest, Aggregate) {
  const FarRows x(kNodes, x_), y(kNodes), dx(kNodes);
  const Tensor near_x = near_by({kNodes, kWidth}, x_), near_y = empty({kNodes, kWidth});
  const auto forward = [&](const ConstTensorView& from, const TensorView& to) {
    run(context_, aggregate_forward, Aggregate{.graph = graph_, .reduce = Reduce::mean, .x = from},
        AggregateResult{.y = to});
  };
  forward(x.matrix(), y.matrix());
  forward(near_x, near_y);
  EXPECT_EQ(y.values(), values_of(near_y));
  const auto backward = [&](const ConstTensorView& from, const TensorView& to) {
    run(context_, aggregate_backward, Aggregate{.graph = graph_, .reduce = Reduce::mean}, AggregateResult{},
        AggregateGradients{.dy = from, .dx = to});
  };
  backward(x.matrix(), dx.matrix());
  backward(near_x, near_y);
  EXPECT_EQ(dx.values(), values_of(near_y));
}

TEST_F(AddressTest, MessageAggregate) {
  const FarRows x(kNodes, x_), edge(kEdges, edge_), y(kNodes);
  const Tensor near_x = near_by({kNodes, kWidth}, x_), near_edge = near_by({kEdges, kWidth}, edge_);
  const Tensor near_y = empty({kNodes, kWidth});
  const auto forward = [&](const ConstTensorView& from, const ConstTensorView& edges, const TensorView& to) {
    run(context_, message_aggregate_forward,
        MessageAggregate{.graph = graph_, .message = EdgeMessage::relu_add, .x = from, .edge = edges},
        MessageAggregateResult{.y = to});
  };
  forward(x.matrix(), edge.matrix(), y.matrix());
  forward(near_x, near_edge, near_y);
  EXPECT_EQ(y.values(), values_of(near_y));
}

TEST_F(AddressTest, GatAttention) {
  const Tensor score = near_by({kNodes, kHeads}, score_);
  const auto pass = [&](const ConstTensorView& value, const TensorView& y, const TensorView& positive_y,
                        const ConstTensorView& dy, const TensorView& dvalue) {
    const Tensor maximum = empty({kNodes, kHeads}), sum = empty({kNodes, kHeads}), weight = empty({kNodes, kHeads});
    const Tensor dsource = empty({kNodes, kHeads}), ddestination = empty({kNodes, kHeads});
    run(context_, gat_attention_forward,
        GatAttention{.graph = graph_, .value = value, .source_score = score, .destination_score = score},
        GatAttentionResult{
            .y = y, .maximum = maximum, .sum = sum, .positive_y = positive_y, .positive_weight = weight});
    run(context_, gat_attention_backward,
        GatAttention{.graph = graph_, .value = value, .source_score = score, .destination_score = score},
        GatAttentionResult{.y = y, .maximum = maximum, .sum = sum, .positive_y = positive_y, .positive_weight = weight},
        GatAttentionGradients{
            .dy = dy, .dvalue = dvalue, .dsource_score = dsource, .ddestination_score = ddestination});
    return values_of(dsource);
  };
  const FarRows x(kNodes, x_), dy(kNodes, dy_), y(kNodes), positive_y(kNodes), dx(kNodes);
  const Tensor near_x = near_by({kNodes, kHeads, kChannels}, x_), near_dy = near_by({kNodes, kHeads, kChannels}, dy_);
  const Tensor near_y = empty({kNodes, kHeads, kChannels}), near_dx = empty({kNodes, kHeads, kChannels});
  const Tensor near_positive = empty({kNodes, kHeads, kChannels});
  EXPECT_EQ(pass(x.heads(), y.heads(), positive_y.heads(), dy.heads(), dx.heads()),
            pass(near_x, near_y, near_positive, near_dy, near_dx));
  EXPECT_EQ(y.values(), values_of(near_y));
  EXPECT_EQ(positive_y.values(), values_of(near_positive));
  EXPECT_EQ(dx.values(), values_of(near_dx));
}

TEST_F(AddressTest, Attention) {
  const Tensor vector = near_by({kHeads, kChannels}, {0.5, -1, 0.25, 1, -0.5, 2, 1, 0.125});
  const auto pass = [&](const ConstTensorView& x, const ConstTensorView& edge, const TensorView& y,
                        const ConstTensorView& dy, const TensorView& dkey, const TensorView& dedge) {
    const Tensor maximum = empty({kNodes, kHeads}), sum = empty({kNodes, kHeads});
    const Tensor dquery = empty({kNodes, kHeads, kChannels});
    run(context_, attention_forward,
        Attention{.graph = graph_, .query = x, .key = x, .value = x, .edge_key = edge, .vector = vector},
        AttentionResult{.y = y, .maximum = maximum, .sum = sum});
    run(context_, attention_backward,
        Attention{.graph = graph_, .query = x, .key = x, .value = x, .edge_key = edge, .vector = vector},
        AttentionResult{.y = y, .maximum = maximum, .sum = sum},
        AttentionGradients{.dy = dy, .dquery = dquery, .dkey = dkey, .dedge_key = dedge});
    return values_of(dquery);
  };
  const FarRows x(kNodes, x_), edge(kEdges, edge_), dy(kNodes, dy_), y(kNodes), dkey(kNodes), dedge(kEdges);
  const Tensor near_x = near_by({kNodes, kHeads, kChannels}, x_), near_dy = near_by({kNodes, kHeads, kChannels}, dy_);
  const Tensor near_edge = near_by({kEdges, kHeads, kChannels}, edge_), near_y = empty({kNodes, kHeads, kChannels});
  const Tensor near_dkey = empty({kNodes, kHeads, kChannels}), near_dedge = empty({kEdges, kHeads, kChannels});
  EXPECT_EQ(pass(x.heads(), edge.heads(), y.heads(), dy.heads(), dkey.heads(), dedge.heads()),
            pass(near_x, near_edge, near_y, near_dy, near_dkey, near_dedge));
  EXPECT_EQ(y.values(), values_of(near_y));
  EXPECT_EQ(dkey.values(), values_of(near_dkey));
  EXPECT_EQ(dedge.values(), values_of(near_dedge));
}

TEST_F(AddressTest, PoolAndGather) {
  const FarRows x(kNodes, x_), gathered(3);
  const Tensor near_x = near_by({kNodes, kWidth}, x_), y = empty({1, kWidth}), near_y = empty({1, kWidth});
  run(context_, pool_forward, Pool{.graph = graph_, .x = x.matrix()}, PoolResult{.y = y});
  run(context_, pool_forward, Pool{.graph = graph_, .x = near_x}, PoolResult{.y = near_y});
  EXPECT_EQ(values_of(y), values_of(near_y));
  const auto index = Tensor::from<std::int32_t>(context_, std::vector<std::int32_t>{4, 0, 3}, {3});
  const Tensor near_gathered = empty({3, kWidth});
  gather_rows(context_, {.x = x.matrix(), .index = index, .y = gathered.matrix()});
  gather_rows(context_, {.x = near_x, .index = index, .y = near_gathered});
  EXPECT_EQ(gathered.values(), values_of(near_gathered));
}

}  // namespace
}  // namespace warpgnn::test
