// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/graphs.hpp"
#include "tests/support/test_tensor.hpp"
#include "warpgnn/nn/node_features.hpp"
#include "warpgnn/nn/session.hpp"

namespace warpgnn::test {

/// A tensor of a real dtype, and one of int32 labels.
Tensor tensor_of(const Context& context, Dtype dtype, const Shape& shape, const oracle::Reals& values);
Tensor labels_of(const Context& context, const oracle::Ids& labels);
void assign(Tensor& tensor, const oracle::Reals& values);
oracle::Reals reals_of(const Tensor& tensor);
/// The elements of a view whose memory belongs to a layer.
oracle::Reals reals_of(const Context& context, const ConstTensorView& view);

/// |got - want| <= factor * epsilon * max |want|, element by element.
void expect_values(const oracle::Reals& got, const oracle::Reals& want, Dtype dtype, double factor,
                   const std::string& what);

/// Three graphs of different size and an empty one, with duplicate edges, and in each graph a node without any edge.
TestGraph batch_with_isolated_nodes(Rng& rng, std::int64_t nodes);

/// From so many sources to about 5/3 as many destinations, a fifth of which has no edge; with duplicate edges.
TestGraph bipartite_with_multi_edges(Rng& rng, std::int64_t sources);

/// Gives every trainable parameter random values that no formula treats specially.
void randomize(const nn::ParameterList& list, Rng& rng);

/// One layer or model together with its inputs, for checks that need not know which layer it is.
class Subject {
 public:
  /// What the layer reads and what has a gradient.
  struct Needs {
    std::int64_t width = 1;              // of x
    std::int64_t edge_width = 0;         // of edge features
    bool weight_has_gradient = false;    // that of edges
    bool two_sets = false;               // of nodes
    std::int64_t destination_width = 0;  // of x.destination; 0: as x
  };

  Subject(const Context& context, Dtype dtype, const Needs& needs) : session_(context, dtype, 1), needs_(needs) {}
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;

  /// New graphs with this many nodes in all, and new inputs. Of two node sets, that of the sources is as large, that of
  /// the destinations larger.
  void load(std::uint64_t seed, std::int64_t nodes);

  virtual SharedTensor forward() = 0;
  /// What forward must return, from the oracle; asked for after it, as dropout takes its seed from the session.
  virtual oracle::Reals formula() const = 0;
  virtual SharedTensor backward(const ConstTensorView& dy, bool need_dx) = 0;
  virtual bool can_skip_dx() const = 0;
  /// Inputs beside x that have a gradient, by name.
  std::map<std::string, Tensor*> inputs();
  /// That of such an input, of the last backward.
  virtual SharedTensor gradient_of(const std::string& input) const = 0;

  nn::Session& session() { return session_; }
  const nn::Session& session() const { return session_; }
  const Context& context() const { return session_.context(); }
  const nn::ParameterList& parameters() const { return parameters_; }
  oracle::Reals value(const std::string& name) const { return reals_of(nn::find(parameters_, name).value); }

  const TestGraph& graph_data() const { return graph_data_; }
  const oracle::Edges& edges() const { return graph_data_.edges; }
  std::size_t nodes() const { return edges().destinations(); }
  const Graph& graph() const { return graph_; }
  Tensor& x() { return x_; }
  const Tensor& x() const { return x_; }
  bool two_sets() const { return needs_.two_sets; }
  nn::NodeFeatures features() const { return {.source = x_, .destination = destination_x_}; }
  /// What a formula takes for x_i.
  oracle::Reals destination_values() const { return reals_of(needs_.two_sets ? destination_x_ : x_); }
  Tensor& edge_features() { return edge_features_; }
  const Tensor& edge_features() const { return edge_features_; }
  const Tensor& edge_weight() const { return edge_weight_; }

 protected:
  nn::ParameterList parameters_;

 private:
  nn::Session session_;
  Needs needs_;
  TestGraph graph_data_;
  Graph graph_;
  Tensor x_, destination_x_, edge_features_, edge_weight_;
};

/// How a layer is made, called and described.
template <class Layer>
struct LayerSpec {
  std::int64_t width = 1;       // of x
  std::int64_t edge_width = 0;  // of edge features
  std::function<Layer(nn::Session&)> make;
  std::function<SharedTensor(Layer&, const Subject&)> forward;
  std::function<oracle::Reals(const Subject&)> formula;
  bool draws_masks = false;            // in each training forward
  bool weight_has_gradient = false;    // that of edges
  bool two_sets = false;               // of nodes
  std::int64_t destination_width = 0;  // of x.destination; 0: as x
};

template <class Layer>
class LayerSubject : public Subject {
 public:
  LayerSubject(const Context& context, Dtype dtype, const LayerSpec<Layer>& spec)
      : Subject(context, dtype,
                {spec.width, spec.edge_width, spec.weight_has_gradient, spec.two_sets, spec.destination_width}),
        spec_(spec),
        layer_(spec.make(session())) {
    if constexpr (requires { layer_.collect(parameters_); }) layer_.collect(parameters_);
    Rng rng(2);
    randomize(parameters_, rng);
  }

  Layer& layer() { return layer_; }
  const Layer& layer() const { return layer_; }

  SharedTensor forward() override { return spec_.forward(layer_, *this); }
  oracle::Reals formula() const override { return spec_.formula(*this); }
  SharedTensor backward(const ConstTensorView& dy, bool need_dx) override {
    if constexpr (kCanSkipDx) {
      return layer_.backward(dy, need_dx);
    } else {
      return layer_.backward(dy);
    }
  }
  bool can_skip_dx() const override { return kCanSkipDx; }
  SharedTensor gradient_of(const std::string& input) const override {
    if constexpr (requires { layer_.edge_feature_gradient(); }) {
      if (input == "edge_features") return layer_.edge_feature_gradient();
    }
    if constexpr (requires { layer_.edge_weight_gradient(); }) {
      if (input == "edge_weight") return layer_.edge_weight_gradient();
    }
    if constexpr (requires { layer_.destination_gradient(); }) {
      if (input == "x.destination") return layer_.destination_gradient();
    }
    return {};
  }

 private:
  static constexpr bool kCanSkipDx = requires(Layer layer, ConstTensorView dy, bool need_dx) {
    layer.backward(dy, need_dx);
  };

  LayerSpec<Layer> spec_;
  Layer layer_;
};

/// Calls `function` with the subject's x, or with the features of its two node sets.
template <class Function>
auto with_features(const Subject& subject, Function&& function) {
  return subject.two_sets() ? function(subject.features()) : function(subject.x());
}

struct SubjectCase {
  std::string name;
  std::function<std::unique_ptr<Subject>(const Context&, Dtype)> make;
  std::set<std::string> flat{};  // parameters on which the result does not depend, by symmetry
  bool draws_masks = false;
};

template <class Layer>
SubjectCase layer_case(std::string name, LayerSpec<Layer> spec, std::set<std::string> flat = {}) {
  const bool draws_masks = spec.draws_masks;
  return {std::move(name),
          [spec = std::move(spec)](const Context& context, Dtype dtype) -> std::unique_ptr<Subject> {
            return std::make_unique<LayerSubject<Layer>>(context, dtype, spec);
          },
          std::move(flat), draws_masks};
}

}  // namespace warpgnn::test
