#include "tests/support/nn_subject.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "tests/support/compare.hpp"
#include "warpgnn/ops/elementwise.hpp"

namespace warpgnn::test {

using oracle::Ids;
using oracle::Reals;

namespace {

constexpr std::int64_t kNodes = 13;
constexpr std::uint64_t kData = 11, kUpstream = 12;  // seeds
/// Layers are chains of ops, each of which is tested to a few units: this is room for the chain.
constexpr double kChainFactor = 500;

template <class T>
void assign_as(Tensor& tensor, const Reals& values) {
  const std::vector<T> converted(values.begin(), values.end());
  tensor.copy_from_host(converted.data(), converted.size() * sizeof(T));
}

template <class T>
Reals reals_as(const Tensor& tensor) {
  const std::vector<T> values = tensor.to_host<T>();
  return {values.begin(), values.end()};
}

double largest(const Reals& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

Tensor upstream(const Subject& subject, const ConstTensorView& y, std::uint64_t seed) {
  Rng rng(seed);
  const Shape shape(y.shape.begin(), y.shape.begin() + y.ndim);
  return tensor_of(subject.context(), y.dtype, shape, rng.reals(static_cast<std::size_t>(y.count())));
}

std::unique_ptr<Subject> loaded(const SubjectCase& subject_case, const Context& context, Dtype dtype) {
  auto subject = subject_case.make(context, dtype);
  subject->load(kData, kNodes);
  return subject;
}

void expect_same_pass(const Pass& got, const Pass& want) {
  EXPECT_EQ(got.y, want.y) << "y";
  ASSERT_EQ(got.gradients.size(), want.gradients.size());
  for (const auto& [name, gradient] : want.gradients) EXPECT_EQ(got.gradients.at(name), gradient) << name;
}

}  // namespace

Tensor tensor_of(const Context& context, Dtype dtype, const Shape& shape, const Reals& values) {
  Tensor tensor(context, dtype, std::span<const std::int64_t>(shape));
  assign(tensor, values);
  return tensor;
}

Tensor labels_of(const Context& context, const Ids& labels) {
  const std::vector<std::int32_t> narrow(labels.begin(), labels.end());
  return Tensor::from<std::int32_t>(context, narrow, {static_cast<std::int64_t>(narrow.size())});
}

void assign(Tensor& tensor, const Reals& values) {
  if (tensor.view().dtype == Dtype::float64) {
    assign_as<double>(tensor, values);
  } else {
    assign_as<float>(tensor, values);
  }
}

Reals reals_of(const Tensor& tensor) {
  return tensor.view().dtype == Dtype::float64 ? reals_as<double>(tensor) : reals_as<float>(tensor);
}

Reals reals_of(const Context& context, const ConstTensorView& view) {
  Tensor copy(context, view.dtype,
              std::span<const std::int64_t>(view.shape.data(), static_cast<std::size_t>(view.ndim)));
  copy.fill_zero();
  add_scaled(context, {.scale = 1, .source = view, .target = copy});
  return reals_of(copy);
}

void expect_values(const Reals& got, const Reals& want, Dtype dtype, double factor, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  const double allowed = factor * epsilon_of(dtype) * largest(want);
  for (std::size_t k = 0; k < want.size(); ++k) {
    ASSERT_LE(std::abs(got[k] - want[k]), allowed) << what << "[" << k << "] is " << got[k] << ", expected " << want[k];
  }
}

TestGraph batch_with_isolated_nodes(Rng& rng, std::int64_t nodes) {
  TestGraph batch{"batch", {nodes, nodes, {}, {}}, {0}};
  for (const std::int64_t size : {nodes / 2, std::int64_t{1}, std::int64_t{0}, nodes - nodes / 2 - 1}) {
    const std::int64_t begin = batch.graph_offsets.back();
    for (std::int64_t e = 0; e < 3 * (size - 1); ++e) {
      batch.edges.source.push_back(begin + rng.below(size - 1));
      batch.edges.destination.push_back(begin + rng.below(size - 1));
    }
    batch.graph_offsets.push_back(begin + size);
  }
  batch.edges.source.push_back(batch.edges.source.front());
  batch.edges.destination.push_back(batch.edges.destination.front());
  return batch;
}

nn::Parameter& parameter(const nn::ParameterList& list, const std::string& name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto* each) { return each->name == name; });
  if (found == list.end()) throw std::logic_error("no parameter is called " + name);
  return **found;
}

void randomize(const nn::ParameterList& list, Rng& rng) {
  for (nn::Parameter* each : list) {
    if (!each->trainable) continue;
    assign(each->value, away_from_zero(rng.reals(static_cast<std::size_t>(each->value.view().count())), 0.05));
  }
}

void Subject::load(std::uint64_t seed, std::int64_t nodes) {
  Rng rng(seed);
  graph_data_ = batch_with_isolated_nodes(rng, nodes);
  graph_ = graph_data_.upload(context());
  const auto edge_count = static_cast<std::int64_t>(edges().count());
  const Dtype dtype = session_.dtype();
  x_ =
      tensor_of(context(), dtype, {nodes, width_}, away_from_zero(rng.reals(static_cast<std::size_t>(nodes * width_))));
  edge_weight_ = tensor_of(context(), dtype, {edge_count}, rng.reals(edges().count()));
  if (edge_width_ == 0) return;
  edge_features_ = tensor_of(context(), dtype, {edge_count, edge_width_},
                             rng.reals(static_cast<std::size_t>(edge_count * edge_width_)));
}

namespace {

/// Reads the gradients after a backward with dy.
Pass backward_pass(Subject& subject, Reals y, const ConstTensorView& dy, bool need_dx) {
  Pass pass{std::move(y), {}};
  const ConstTensorView dx = subject.backward(dy, need_dx);
  EXPECT_EQ(dx.defined(), need_dx);
  if (need_dx) pass.gradients["x"] = reals_of(subject.context(), dx);
  if (subject.edge_features().defined()) {
    pass.gradients["edge_features"] = reals_of(subject.context(), subject.edge_feature_gradient());
  }
  for (nn::Parameter* each : subject.parameters()) {
    if (each->trainable) pass.gradients[each->name] = reals_of(each->gradient);
  }
  return pass;
}

}  // namespace

Pass run_pass(Subject& subject, std::uint64_t seed, bool need_dx) {
  for (nn::Parameter* each : subject.parameters()) {
    const auto count = static_cast<std::size_t>(each->gradient.view().count());
    if (each->trainable) assign(each->gradient, Reals(count, std::numeric_limits<double>::quiet_NaN()));
  }
  const ConstTensorView y = subject.forward();
  const Tensor dy = upstream(subject, y, seed);
  return backward_pass(subject, reals_of(subject.context(), y), dy, need_dx);
}

void check_forward(const std::vector<SubjectCase>& cases, const Context& context, Dtype dtype) {
  for (const SubjectCase& each : cases) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context, dtype);
    const Reals y = reals_of(context, subject->forward());
    expect_values(y, subject->formula(), dtype, kChainFactor, "y");
  }
}

void check_gradients(const std::vector<SubjectCase>& cases, const Context& context) {
  for (const SubjectCase& each : cases) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context, Dtype::float64);
    const std::uint64_t masks = subject->session().dropout_state();
    const Pass pass = run_pass(*subject, kUpstream);
    const Reals dy = reals_of(upstream(*subject, subject->forward(), kUpstream));

    const auto check = [&](Tensor& argument, const std::string& name) {
      const Reals at = reals_of(argument);
      const Reals& gradient = pass.gradients.at(name);
      const auto loss = [&](const Reals& shifted) {
        assign(argument, shifted);
        subject->session().set_dropout_state(masks);
        return dot(dy, reals_of(context, subject->forward()));
      };
      if (each.flat.contains(name)) {
        EXPECT_LT(largest(gradient), 1e-12) << name << ": expected no gradient";
        EXPECT_TRUE(std::all_of(gradient.begin(), gradient.end(), [](double g) { return std::isfinite(g); })) << name;
      } else {
        expect_gradient(loss, at, gradient, name);
      }
      assign(argument, at);
    };
    check(subject->x(), "x");
    if (subject->edge_features().defined()) check(subject->edge_features(), "edge_features");
    for (nn::Parameter* parameter : subject->parameters()) {
      if (parameter->trainable) check(parameter->value, parameter->name);
    }
  }
}

void check_float32_gradients(const std::vector<SubjectCase>& cases, const Context& context) {
  for (const SubjectCase& each : cases) {
    SCOPED_TRACE(each.name);
    const Pass narrow = run_pass(*loaded(each, context, Dtype::float32), kUpstream);
    const Pass wide = run_pass(*loaded(each, context, Dtype::float64), kUpstream);
    ASSERT_EQ(narrow.gradients.size(), wide.gradients.size());
    for (const auto& [name, gradient] : wide.gradients) {
      if (each.flat.contains(name)) {
        EXPECT_LT(largest(narrow.gradients.at(name)), 1e-4) << name << ": expected no gradient";
      } else {
        expect_values(narrow.gradients.at(name), gradient, Dtype::float32, kChainFactor, name);
      }
    }
  }
}

void check_reuse(const std::vector<SubjectCase>& cases, const Context& context, Dtype dtype) {
  for (const SubjectCase& each : cases) {
    SCOPED_TRACE(each.name);
    const auto used = each.make(context, dtype);
    for (const std::int64_t nodes : {9, 40, 5, 23}) {
      SCOPED_TRACE(nodes);
      const auto seed = static_cast<std::uint64_t>(nodes);
      used->load(seed + 1, nodes + 2);
      used->forward();  // of no account
      used->load(seed, nodes);
      const auto fresh = each.make(context, dtype);
      fresh->load(seed, nodes);
      fresh->session().set_dropout_state(used->session().dropout_state());
      const Pass got = run_pass(*used, seed);
      expect_same_pass(got, run_pass(*fresh, seed));
    }
  }
}

void check_strided(const std::vector<SubjectCase>& cases, const Context& context, Dtype dtype) {
  for (const SubjectCase& each : cases) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context, dtype);
    const std::uint64_t masks = subject->session().dropout_state();
    const Pass want = run_pass(*subject, kUpstream);
    subject->session().set_dropout_state(masks);
    const ConstTensorView y = subject->forward();
    const Reals dy = reals_of(upstream(*subject, y, kUpstream));
    const auto apart = TestTensor::input(context, dtype, {y.shape[0], y.shape[1]}, dy, Place::strided);
    const Pass got = backward_pass(*subject, reals_of(context, y), apart, true);
    for (const auto& [name, gradient] : want.gradients) {
      if (each.flat.contains(name)) continue;
      expect_values(got.gradients.at(name), gradient, dtype, kChainFactor, name);
    }
  }
}

void check_skipped_dx(const std::vector<SubjectCase>& cases, const Context& context, Dtype dtype) {
  bool any = false;
  for (const SubjectCase& each : cases) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context, dtype);
    if (!subject->can_skip_dx()) continue;
    any = true;
    const std::uint64_t masks = subject->session().dropout_state();
    Pass full = run_pass(*subject, kUpstream);
    full.gradients.erase("x");
    subject->session().set_dropout_state(masks);
    expect_same_pass(run_pass(*subject, kUpstream, false), full);
    const auto fresh = loaded(each, context, dtype);
    expect_same_pass(run_pass(*fresh, kUpstream, false), full);
  }
  EXPECT_TRUE(any);
}

}  // namespace warpgnn::test
