// SPDX-License-Identifier: MIT
// Training steps of graph classifiers: forward, loss, backward, Adam. Shapes are those of models in use; features and
// labels are arbitrary, since times do not depend on them.

#include <vector>

#include "case_parts.hpp"
#include "warpgnn/nn/adam.hpp"
#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/message_layers.hpp"
#include "warpgnn/nn/pool_layers.hpp"

namespace warpgnn::bench {

namespace {

constexpr std::uint64_t kSeed = 1;

/// Two GAT layers as `warpgnn-train graphs` has them, on atoms of 7 kinds (MUTAG).
class GatEncoder {
 public:
  static constexpr std::int64_t kOutputs = 64;

  GatEncoder(nn::Session& session, const Graph& graph)
      : graph_(graph.with_self_loops(session.context())),
        x_(random_tensor(session.context(), {graph.num_nodes(), kInputs})),
        first_(session, "first", kInputs, {.heads = kHeads, .channels = kHidden / kHeads}),
        second_(session, "second", kHidden, {.heads = kHeads, .channels = kOutputs / kHeads}),
        first_elu_(session, Activation::elu),
        second_elu_(session, Activation::elu) {}

  ConstTensorView forward() {
    return second_elu_.forward(second_.forward(graph_, first_elu_.forward(first_.forward(graph_, x_))));
  }
  void backward(const ConstTensorView& dy) {
    first_.backward(first_elu_.backward(second_.backward(second_elu_.backward(dy))), false);
  }
  void collect(nn::ParameterList& list) {
    first_.collect(list);
    second_.collect(list);
  }

 private:
  static constexpr std::int64_t kInputs = 7, kHidden = 32, kHeads = 4;

  Graph graph_;
  Tensor x_;
  nn::GATConv first_, second_;
  nn::Activate first_elu_, second_elu_;
};

/// Four GINE layers behind an embedding, on atoms of 28 kinds and bonds of 4 (ZINC).
class GineEncoder {
 public:
  static constexpr std::int64_t kOutputs = 64;

  GineEncoder(nn::Session& session, const Graph& graph)
      : graph_(graph),
        x_(random_tensor(session.context(), {graph.num_nodes(), kInputs})),
        bonds_(random_tensor(session.context(), {graph.num_edges(), kBonds})),
        embedding_(session, "embedding", kInputs, kOutputs) {
    layers_.reserve(kLayers);
    for (int k = 0; k < kLayers; ++k) {
      layers_.emplace_back(session, "layer" + std::to_string(k), kOutputs, kOutputs, kBonds);
    }
  }

  ConstTensorView forward() {
    ConstTensorView state = embedding_.forward(x_);
    for (nn::GINEConv& layer : layers_) state = layer.forward(graph_, state, bonds_);
    return state;
  }
  void backward(const ConstTensorView& dy) {
    ConstTensorView dstate = dy;
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) dstate = layer->backward(dstate);
    embedding_.backward(dstate, false);
  }
  void collect(nn::ParameterList& list) {
    embedding_.collect(list);
    for (nn::GINEConv& layer : layers_) layer.collect(list);
  }

 private:
  static constexpr std::int64_t kInputs = 28, kBonds = 4;
  static constexpr int kLayers = 4;

  Graph graph_;
  Tensor x_, bonds_;
  nn::Linear embedding_;
  std::vector<nn::GINEConv> layers_;
};

Tensor labels_of(const Context& context, std::int64_t graphs, std::int32_t classes) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(graphs));
  for (std::size_t g = 0; g < labels.size(); ++g) labels[g] = static_cast<std::int32_t>(g) % classes;
  return Tensor::from<std::int32_t>(context, labels, {graphs});
}

/// An encoder, the mean over each graph's nodes with a learnt gate, a linear classifier.
template <class Encoder>
class TrainStep {
 public:
  TrainStep(const Context& context, const Graph& graph)
      : graph_(graph),
        session_(context, Dtype::float32, kSeed),
        labels_(labels_of(context, graph.num_graphs(), kClasses)),
        encoder_(session_, graph),
        pool_(session_, "pool", Encoder::kOutputs, kGateHidden, PoolReduce::mean, PoolGate::raw),
        classifier_(session_, "classifier", Encoder::kOutputs, kClasses),
        loss_(session_),
        parameters_(collect()),
        adam_(session_, parameters_, {}) {}
  TrainStep(const TrainStep&) = delete;  // the parameter list points into the layers
  TrainStep& operator=(const TrainStep&) = delete;

  void run() {
    loss_.forward(classifier_.forward(pool_.forward(graph_, encoder_.forward())), labels_);
    encoder_.backward(pool_.backward(classifier_.backward(loss_.backward())));
    adam_.step();
  }

 private:
  static constexpr std::int32_t kClasses = 2;
  static constexpr std::int64_t kGateHidden = 32;

  nn::ParameterList collect() {
    nn::ParameterList list;
    encoder_.collect(list);
    pool_.collect(list);
    classifier_.collect(list);
    return list;
  }

  Graph graph_;
  nn::Session session_;
  Tensor labels_;
  Encoder encoder_;
  nn::AttentionPool pool_;
  nn::Linear classifier_;
  nn::CrossEntropy loss_;
  nn::ParameterList parameters_;
  nn::Adam adam_;
};

template <class Encoder>
Case case_of(const Context& context, const Graph& graph) {
  const auto step = std::make_shared<TrainStep<Encoder>>(context, graph);
  step->run();  // allocates what later steps keep
  return {.run = [p = step.get()] { p->run(); }, .memory = step};
}

}  // namespace

Case train_step_case(const Context& context, const Graph& graph, StepModel model) {
  return model == StepModel::gat ? case_of<GatEncoder>(context, graph) : case_of<GineEncoder>(context, graph);
}

}  // namespace warpgnn::bench
