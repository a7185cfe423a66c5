// SPDX-License-Identifier: MIT
// Training with warpgnn/nn: it learns, it can be repeated to the bit, and it goes on from a checkpoint.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/support/backends.hpp"
#include "tests/support/nn_files.hpp"
#include "tests/support/nn_subject.hpp"
#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/pool_layers.hpp"
#include "warpgnn/ops/gcn_norm.hpp"

namespace warpgnn::test {
namespace {

using nn::Activate;
using nn::Adam;
using nn::Session;
using oracle::Ids;
using oracle::Reals;

constexpr std::int64_t kGraphs = 20, kWidth = 3, kEdgeWidth = 2, kHidden = 6;

/// Small graphs whose class shows in the mean of one feature, behind noise on every node.
struct ToySet {
  Graph graph;
  Tensor x, edge_weight, edge_features, labels;
  Ids classes;

  ToySet(const Context& context, Dtype dtype) {
    Rng rng(8);
    Ids sizes;
    for (std::int64_t g = 0; g < kGraphs; ++g) sizes.push_back(3 + rng.below(5));
    const TestGraph data = random_batch(rng, sizes, 2);
    graph = data.upload(context);
    for (std::int64_t g = 0; g < kGraphs; ++g) classes.push_back(g % 2);
    const std::size_t nodes = data.edges.destinations();
    Reals values = rng.reals(nodes * kWidth);
    for (std::size_t g = 0; g < classes.size(); ++g) {
      for (std::int64_t n = data.graph_offsets[g]; n < data.graph_offsets[g + 1]; ++n) {
        values[static_cast<std::size_t>(n * kWidth) + 1] += classes[g] == 1 ? 1.5 : -1.5;
      }
    }
    x = tensor_of(context, dtype, {static_cast<std::int64_t>(nodes), kWidth}, values);
    const auto edges = static_cast<std::int64_t>(data.edges.count());
    edge_features = tensor_of(context, dtype, {edges, kEdgeWidth}, rng.reals(data.edges.count() * kEdgeWidth));
    labels = labels_of(context, classes);
    edge_weight = Tensor(context, dtype, {edges});
    Tensor inv_sqrt_degree(context, dtype, {static_cast<std::int64_t>(nodes)});
    gcn_norm_forward(context, {.graph = graph}, {.norm = edge_weight, .inv_sqrt_degree = inv_sqrt_degree});
  }
};

/// Everything that draws random numbers or keeps something between steps.
class MixedModel {
 public:
  explicit MixedModel(Session& session)
      : gcn_(session, "gcn", kWidth, kHidden),
        norm_(session, "norm", kHidden),
        relu_(session, Activation::relu),
        dropout_(session, 0.1),
        gat_(session, "gat", kHidden,
             {.heads = 2, .channels = 3, .attention_dropout = 0.1, .edge_features = kEdgeWidth}),
        pool_(session, "pool", 6, 4, PoolReduce::sum, PoolGate::softmax),
        head_(session, "head", 6, 2) {}

  ConstTensorView forward(const ToySet& set) {
    const auto hidden = relu_.forward(norm_.forward(gcn_.forward(set.graph, set.x, set.edge_weight)));
    const auto deep = gat_.forward(set.graph, dropout_.forward(hidden), set.edge_features);
    return head_.forward(pool_.forward(set.graph, deep));
  }
  void backward(const ConstTensorView& dlogits) {
    const auto dhidden = dropout_.backward(gat_.backward(pool_.backward(head_.backward(dlogits))));
    gcn_.backward(norm_.backward(relu_.backward(dhidden)), false);
  }
  void collect(nn::ParameterList& list) {
    gcn_.collect(list);
    norm_.collect(list);
    gat_.collect(list);
    pool_.collect(list);
    head_.collect(list);
  }

 private:
  nn::GCNConv gcn_;
  nn::BatchNorm norm_;
  Activate relu_;
  nn::DropoutLayer dropout_;
  nn::GATConv gat_;
  nn::AttentionPool pool_;
  nn::Linear head_;
};

class GinModel {
 public:
  explicit GinModel(Session& session)
      : gin_(session, "gin", kWidth, kHidden),
        pool_(session, "pool", kHidden, 1, PoolReduce::max, PoolGate::none),
        head_(session, "head", kHidden, 2) {}

  ConstTensorView forward(const ToySet& set) {
    return head_.forward(pool_.forward(set.graph, gin_.forward(set.graph, set.x)));
  }
  void backward(const ConstTensorView& dlogits) { gin_.backward(pool_.backward(head_.backward(dlogits)), false); }
  void collect(nn::ParameterList& list) {
    gin_.collect(list);
    head_.collect(list);
  }

 private:
  nn::GINConv gin_;
  nn::AttentionPool pool_;
  nn::Linear head_;
};

/// One training from its first step, or from a checkpoint.
template <class Model>
class Training {
 public:
  Training(const Context& context, Dtype dtype, std::uint64_t seed)
      : session_(context, dtype, seed),
        model_(session_),
        loss_(session_),
        set_(context, dtype),
        adam_((model_.collect(list_), Adam(session_, list_, {.learning_rate = 0.02}))) {}

  /// The loss of every step.
  Reals run(int steps) {
    Reals losses;
    for (int step = 0; step < steps; ++step) {
      losses.push_back(reals_of(session_.context(), loss_.forward(model_.forward(set_), set_.labels))[0]);
      model_.backward(loss_.backward());
      adam_.step();
    }
    return losses;
  }
  double accuracy() {
    session_.set_training(false);
    const Reals logits = reals_of(session_.context(), model_.forward(set_));
    session_.set_training(true);
    double right = 0;
    for (std::size_t g = 0; g < set_.classes.size(); ++g) {
      right += (logits[2 * g + 1] > logits[2 * g]) == (set_.classes[g] == 1);
    }
    return right / static_cast<double>(kGraphs);
  }
  /// Values of all parameters and buffers.
  Reals values() const {
    Reals all;
    for (const nn::Parameter* each : list_) {
      const Reals values = reals_of(each->value);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }
  void save(const std::filesystem::path& path) {
    nn::save_safetensors(path, everything(), {{"dropout", std::to_string(session_.dropout_state())}});
  }
  void load(const std::filesystem::path& path) {
    const nn::Metadata metadata = nn::load_safetensors(path, everything());
    session_.set_dropout_state(std::stoull(metadata.at("dropout")));
  }

 private:
  std::vector<nn::NamedTensor> everything() {
    std::vector<nn::NamedTensor> all = nn::named_values(list_);
    for (const nn::NamedTensor& each : adam_.state()) all.push_back(each);
    return all;
  }

  Session session_;
  Model model_;
  nn::CrossEntropy loss_;
  ToySet set_;
  nn::ParameterList list_;
  Adam adam_;
};

class NnTrainingTest : public OpTest {
 protected:
  template <class Model>
  void expect_learns() const {
    Training<Model> training(context(), dtype(), 3);
    EXPECT_GT(training.run(100).front(), 0.3);
    const Reals losses = training.run(20);
    EXPECT_LT(std::accumulate(losses.begin(), losses.end(), 0.0) / 20, 0.1);
    EXPECT_EQ(training.accuracy(), 1);
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(NnTrainingTest);

TEST_P(NnTrainingTest, MixedModelLearnsASeparableSet) {
  expect_learns<MixedModel>();
}

TEST_P(NnTrainingTest, GinLearnsASeparableSet) {
  expect_learns<GinModel>();
}

TEST_P(NnTrainingTest, OneSeedGivesOneResult) {
  const auto result = [&](std::uint64_t seed) {
    Training<MixedModel> training(context(), dtype(), seed);
    Reals all = training.run(12);
    const Reals values = training.values();
    all.insert(all.end(), values.begin(), values.end());
    return all;
  };
  const Reals first = result(3);  // the session of each is gone before the next begins
  EXPECT_EQ(result(3), first);
  Training<MixedModel> beside(context(), dtype(), 3), other(context(), dtype(), 4);
  Reals losses, other_losses;
  for (int step = 0; step < 12; ++step) {  // two models in turn on one context
    losses.push_back(beside.run(1)[0]);
    other_losses.push_back(other.run(1)[0]);
  }
  EXPECT_TRUE(std::equal(losses.begin(), losses.end(), first.begin()));
  EXPECT_NE(losses, other_losses);
}

TEST_P(NnTrainingTest, GoesOnFromACheckpointBitIdentically) {
  const TestFolder folder;
  Training<MixedModel> whole(context(), dtype(), 3);
  whole.run(7);
  whole.save(folder / "checkpoint.safetensors");
  const Reals losses = whole.run(9);

  Training<MixedModel> resumed(context(), dtype(), 99);
  resumed.run(2);
  resumed.load(folder / "checkpoint.safetensors");
  EXPECT_EQ(resumed.run(9), losses);
  EXPECT_EQ(resumed.values(), whole.values());
}

TEST_P(NnTrainingTest, EvaluationChangesNothing) {
  Training<MixedModel> plain(context(), dtype(), 3), watched(context(), dtype(), 3);
  plain.run(3);
  watched.run(3);
  watched.accuracy();
  EXPECT_EQ(watched.run(3), plain.run(3));
  EXPECT_EQ(watched.values(), plain.values());
}

}  // namespace
}  // namespace warpgnn::test
