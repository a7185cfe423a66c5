// SPDX-License-Identifier: MIT
// Whole models: layers of warpgnn/nn in a chain, from node features to the loss.

#include "tests/nn/layer_cases.hpp"
#include "tests/oracle/random.hpp"
#include "tests/support/nn_formulas.hpp"
#include "warpgnn/nn/attention_layers.hpp"
#include "warpgnn/nn/graph_layers.hpp"
#include "warpgnn/nn/pool_layers.hpp"

namespace warpgnn::test {
namespace {

using nn::Activate;
using nn::AttentionPool;
using nn::GATConv;
using nn::GCNConv;
using nn::GINConv;
using nn::Linear;
using nn::Session;
using oracle::Ids;
using oracle::Reals;

constexpr std::int64_t kWidth = 3, kHidden = 4, kClasses = 3;
const Ids kLabels{0, 2, 1, 0};  // of the four graphs of a Subject
constexpr auto kRelu = oracle::Activation::relu;

/// Classifies pooled graphs and returns the loss.
class Head {
 public:
  Head(Session& session, std::int64_t in)
      : context_(session.context()),
        linear_(session, "head", in, kClasses),
        loss_(session),
        labels_(labels_of(context_, kLabels)) {}

  SharedTensor forward(const ConstTensorView& pooled) { return loss_.forward(linear_.forward(pooled), labels_); }
  SharedTensor backward(const ConstTensorView& dloss) {
    const ConstTensorView dlogits = loss_.backward();
    scaled_.resize(context_, dlogits.dtype, {dlogits.shape[0], dlogits.shape[1]});
    scaled_.fill_zero();
    add_scaled(context_, {.scale = reals_of(context_, dloss)[0], .source = dlogits, .target = scaled_});
    return linear_.backward(scaled_);
  }
  void collect(nn::ParameterList& list) { linear_.collect(list); }

  static Reals formula(const nn::ParameterList& list, const Reals& pooled, std::int64_t in) {
    const Reals logits = formula::linear(list, "head", pooled, static_cast<std::size_t>(in));
    return {oracle::cross_entropy(logits, kLabels, kClasses).loss};
  }

 private:
  Context context_;
  Linear linear_;
  nn::CrossEntropy loss_;
  Tensor labels_, scaled_;
};

class GcnModel {
 public:
  explicit GcnModel(Session& session)
      : first_(session, "first", kWidth, kHidden),
        second_(session, "second", kHidden, 2),
        first_relu_(session, Activation::relu),
        second_relu_(session, Activation::relu),
        pool_(session, "pool", 2, 3, PoolReduce::mean, PoolGate::sigmoid),
        head_(session, 2) {}

  SharedTensor forward(const Subject& in) {
    const auto hidden = first_relu_.forward(first_.forward(in.graph(), in.x(), in.edge_weight()));
    const auto deep = second_relu_.forward(second_.forward(in.graph(), hidden, in.edge_weight()));
    return head_.forward(pool_.forward(in.graph(), deep));
  }
  SharedTensor backward(const ConstTensorView& dloss, bool need_dx) {
    const auto dhidden = second_.backward(second_relu_.backward(pool_.backward(head_.backward(dloss))));
    return first_.backward(first_relu_.backward(dhidden), need_dx);
  }
  void collect(nn::ParameterList& list) {
    first_.collect(list);
    second_.collect(list);
    pool_.collect(list);
    head_.collect(list);
  }
  static Reals formula(const Subject& in) {
    const nn::ParameterList& list = in.parameters();
    const Reals weight = reals_of(in.edge_weight());
    const auto layer = [&](const std::string& name, const Reals& x, std::size_t width) {
      return formula::activation(kRelu, formula::gcn(list, name, in.edges(), weight, x, width));
    };
    const Reals deep = layer("second", layer("first", reals_of(in.x()), kWidth), kHidden);
    const auto pooled = formula::attention_pool(list, "pool", in.graph_data(), oracle::PoolReduce::mean,
                                                oracle::PoolGate::sigmoid, deep, 2);
    return Head::formula(list, pooled.y.value, 2);
  }

 private:
  GCNConv first_, second_;
  Activate first_relu_, second_relu_;
  AttentionPool pool_;
  Head head_;
};

/// With edge features in the first layer and dropout of values and of attention.
class GatModel {
 public:
  explicit GatModel(Session& session)
      : first_(session, "first", kWidth, {.heads = 2, .channels = 2, .attention_dropout = 0.3, .edge_features = 2}),
        second_(session, "second", kHidden, {.heads = 1, .channels = 3}),
        elu_(session, Activation::elu, 1),
        dropout_(session, 0.25),
        pool_(session, "pool", 3, 4, PoolReduce::sum, PoolGate::softmax),
        head_(session, 3) {}

  SharedTensor forward(const Subject& in) {
    const auto hidden = elu_.forward(first_.forward(in.graph(), in.x(), in.edge_features()));
    attention_seed_ = in.session().dropout_state();
    const auto thinned = dropout_.forward(hidden);
    return head_.forward(pool_.forward(in.graph(), second_.forward(in.graph(), thinned)));
  }
  SharedTensor backward(const ConstTensorView& dloss, bool need_dx) {
    const auto dthinned = second_.backward(pool_.backward(head_.backward(dloss)));
    return first_.backward(elu_.backward(dropout_.backward(dthinned)), need_dx);
  }
  SharedTensor edge_feature_gradient() const { return first_.edge_feature_gradient(); }
  void collect(nn::ParameterList& list) {
    first_.collect(list);
    second_.collect(list);
    pool_.collect(list);
    head_.collect(list);
  }
  Reals formula(const Subject& in) const {
    const nn::ParameterList& list = in.parameters();
    const formula::Gat first{.inputs = kWidth,
                             .own_inputs = kWidth,
                             .heads = 2,
                             .channels = 2,
                             .edge_features = 2,
                             .dropout = 0.3,
                             .seed = attention_seed_};
    const formula::Gat second{.inputs = kHidden, .own_inputs = kHidden, .heads = 1, .channels = 3};
    const Reals edge_features = reals_of(in.edge_features());
    const Reals hidden = formula::activation(
        oracle::Activation::elu,
        formula::gat(list, "first", first, in.edges(), reals_of(in.x()), reals_of(in.x()), edge_features).y, 1);
    const Reals thinned = oracle::dropout(hidden, kHidden, 0.25, in.session().dropout_state());
    const Reals deep = formula::gat(list, "second", second, in.edges(), thinned, thinned, {}).y;
    const auto pooled = formula::attention_pool(list, "pool", in.graph_data(), oracle::PoolReduce::sum,
                                                oracle::PoolGate::softmax, deep, 3);
    return Head::formula(list, pooled.y.value, 3);
  }

 private:
  GATConv first_, second_;
  Activate elu_;
  nn::DropoutLayer dropout_;
  AttentionPool pool_;
  Head head_;
  std::uint64_t attention_seed_ = 0;
};

class GinModel {
 public:
  explicit GinModel(Session& session)
      : first_(session, "first", kWidth, kHidden),
        second_(session, "second", kHidden, kHidden),
        pool_(session, "pool", kHidden, 1, PoolReduce::mean, PoolGate::none),
        head_(session, kHidden) {}

  SharedTensor forward(const Subject& in) {
    const auto deep = second_.forward(in.graph(), first_.forward(in.graph(), in.x()));
    return head_.forward(pool_.forward(in.graph(), deep));
  }
  SharedTensor backward(const ConstTensorView& dloss, bool need_dx) {
    return first_.backward(second_.backward(pool_.backward(head_.backward(dloss))), need_dx);
  }
  void collect(nn::ParameterList& list) {
    first_.collect(list);
    second_.collect(list);
    head_.collect(list);
  }
  static Reals formula(const Subject& in) {
    const nn::ParameterList& list = in.parameters();
    const auto gin = [&](const std::string& name, const Reals& x, std::size_t width) {
      return formula::gin_network(list, name, formula::gin_sums(list, name, in.edges(), x, x, width), width);
    };
    const Reals hidden = gin("first", reals_of(in.x()), kWidth), deep = gin("second", hidden, kHidden);
    const auto pooled = formula::attention_pool(list, "pool", in.graph_data(), oracle::PoolReduce::mean,
                                                oracle::PoolGate::none, deep, kHidden);
    return Head::formula(list, pooled.y.value, kHidden);
  }

 private:
  GINConv first_, second_;
  AttentionPool pool_;
  Head head_;
};

template <class Model>
SubjectCase model_case(const std::string& name, std::int64_t edge_width, bool draws_masks, std::set<std::string> flat) {
  return layer_case<Model>(
      name,
      {.width = kWidth,
       .edge_width = edge_width,
       .make = [](Session& session) { return Model(session); },
       .forward = [](Model& model, const Subject& in) { return model.forward(in); },
       .formula = [](const Subject& in) { return static_cast<const LayerSubject<Model>&>(in).layer().formula(in); },
       .draws_masks = draws_masks},
      std::move(flat));
}

}  // namespace

std::vector<SubjectCase> model_cases() {
  return {
      model_case<GcnModel>("GCN", 0, false, {}),
      model_case<GatModel>("GAT with edge features", 2, true, {"pool.gate.2.bias"}),
      model_case<GinModel>("GIN", 0, false,
                           {"first.mlp.0.bias", "first.mlp.3.bias", "second.mlp.0.bias", "second.mlp.3.bias"}),
  };
}

}  // namespace warpgnn::test
