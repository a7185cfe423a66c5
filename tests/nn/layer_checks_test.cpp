// SPDX-License-Identifier: MIT
// The checks that every layer and every model has to pass, once over all of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "tests/nn/layer_cases.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr std::int64_t kNodes = 13;
constexpr std::uint64_t kData = 11, kUpstream = 12;  // seeds
/// Layers are chains of ops, each of which is tested to a few units: this is room for the chain.
constexpr double kChainFactor = 500;

// --- What is checked -------------------------------------------------------------------------------------------------

struct Group {
  const char* name;
  std::vector<SubjectCase> (*cases)();
  bool skips_dx = true;            // some of them
  bool many_rows = true;           // in a result
  const char* refusing = nullptr;  // what refuses a backward; nullptr: the layer itself
};

constexpr Group kGroups[] = {
    {"dense", dense_layer_cases},
    {"graph", graph_layer_cases},
    {"attention", attention_layer_cases},
    {"message", message_layer_cases},
    {"relation", relation_layer_cases},
    {"pool", pool_layer_cases, false},
    {"model", model_cases, true, false, "CrossEntropy"},
};

/// A group of layers on a backend, with a dtype where the test needs one.
template <class Setting>
struct GroupOn {
  Setting setting;
  const Group* group;
};

template <class Setting>
const BackendCase& backend_of(const GroupOn<Setting>& param) {
  return backend_of(param.setting);
}
template <class Setting>
std::string name_of(const GroupOn<Setting>& param) {
  return name_of(param.setting) + "_" + param.group->name;
}
template <class Setting>
void PrintTo(const GroupOn<Setting>& param, std::ostream* out) {
  *out << name_of(param);
}

template <class Setting>
std::vector<GroupOn<Setting>> groups_on(const std::vector<Setting>& settings) {
  std::vector<GroupOn<Setting>> all;
  for (const Setting& setting : settings) {
    for (const Group& group : kGroups) all.push_back({setting, &group});
  }
  return all;
}

template <class Setting>
class LayersOn : public BackendFixture<GroupOn<Setting>> {
 protected:
  const Group& group() const { return *this->GetParam().group; }
  std::vector<SubjectCase> cases() const { return group().cases(); }
};

class NnChecksTest : public LayersOn<OpCase> {
 protected:
  Dtype dtype() const { return GetParam().setting.dtype; }
};
class NnGradientChecksTest : public LayersOn<BackendCase> {};

INSTANTIATE_TEST_SUITE_P(On, NnChecksTest, ::testing::ValuesIn(groups_on(op_cases())), CaseName());
INSTANTIATE_TEST_SUITE_P(On, NnGradientChecksTest, ::testing::ValuesIn(groups_on(backends())), CaseName());

// --- A pass through a layer ------------------------------------------------------------------------------------------

/// The result of a forward and of the backward after it; gradients by name of parameter or input.
struct Pass {
  Reals y;
  std::map<std::string, Reals> gradients;
};

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

/// Reads the gradients after a backward with dy.
Pass backward_pass(Subject& subject, Reals y, const ConstTensorView& dy, bool need_dx) {
  Pass pass{std::move(y), {}};
  const ConstTensorView dx = subject.backward(dy, need_dx);
  EXPECT_EQ(dx.defined(), need_dx);
  if (need_dx) pass.gradients["x"] = reals_of(subject.context(), dx);
  for (const auto& [name, input] : subject.inputs()) {
    const ConstTensorView gradient = subject.gradient_of(name);
    const bool skipped = name == "x.destination" && !need_dx;
    EXPECT_EQ(gradient.defined(), !skipped) << name;
    if (!skipped) pass.gradients[name] = reals_of(subject.context(), gradient);
  }
  for (nn::Parameter* each : subject.parameters()) {
    if (each->trainable) pass.gradients[each->name] = reals_of(each->gradient);
  }
  return pass;
}

/// With the upstream gradient drawn from `seed`. Gradients are NaN before, so that one which is added to shows.
Pass run_pass(Subject& subject, std::uint64_t seed, bool need_dx = true) {
  for (nn::Parameter* each : subject.parameters()) {
    const auto count = static_cast<std::size_t>(each->gradient.view().count());
    if (each->trainable) assign(each->gradient, Reals(count, std::numeric_limits<double>::quiet_NaN()));
  }
  const ConstTensorView y = subject.forward();
  const Tensor dy = upstream(subject, y, seed);
  return backward_pass(subject, reals_of(subject.context(), y), dy, need_dx);
}

void expect_same_pass(const Pass& got, const Pass& want) {
  EXPECT_EQ(got.y, want.y) << "y";
  ASSERT_EQ(got.gradients.size(), want.gradients.size());
  for (const auto& [name, gradient] : want.gradients) EXPECT_EQ(got.gradients.at(name), gradient) << name;
}

// --- The checks ------------------------------------------------------------------------------------------------------

TEST_P(NnChecksTest, ForwardFollowsTheFormula) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context(), dtype());
    const Reals y = reals_of(context(), subject->forward());
    expect_values(y, subject->formula(), dtype(), kChainFactor, "y");
  }
}

/// In float64, for every parameter and input, dropout masks held still.
TEST_P(NnGradientChecksTest, AgreesWithDifferences) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context(), Dtype::float64);
    const std::uint64_t masks = subject->session().dropout_state();
    const Pass pass = run_pass(*subject, kUpstream);
    const Reals dy = reals_of(upstream(*subject, subject->forward(), kUpstream));

    const auto check = [&](Tensor& argument, const std::string& name) {
      const Reals at = reals_of(argument);
      const Reals& gradient = pass.gradients.at(name);
      const auto loss = [&](const Reals& shifted) {
        assign(argument, shifted);
        subject->session().set_dropout_state(masks);
        return dot(dy, reals_of(context(), subject->forward()));
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
    for (const auto& [name, input] : subject->inputs()) check(*input, name);
    for (nn::Parameter* parameter : subject->parameters()) {
      if (parameter->trainable) check(parameter->value, parameter->name);
    }
  }
}

TEST_P(NnGradientChecksTest, Float32FollowsFloat64) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const Pass narrow = run_pass(*loaded(each, context(), Dtype::float32), kUpstream);
    const Pass wide = run_pass(*loaded(each, context(), Dtype::float64), kUpstream);
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

/// Used on other sizes before, and with a forward that no backward followed.
TEST_P(NnChecksTest, AUsedLayerWorksLikeANewOne) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const auto used = each.make(context(), dtype());
    for (const std::int64_t nodes : {9, 40, 5, 23}) {
      SCOPED_TRACE(nodes);
      const auto seed = static_cast<std::uint64_t>(nodes);
      used->load(seed + 1, nodes + 2);
      used->forward();  // of no account
      used->session().end_step();
      used->load(seed, nodes);
      const auto fresh = each.make(context(), dtype());
      fresh->load(seed, nodes);
      fresh->session().set_dropout_state(used->session().dropout_state());
      const Pass got = run_pass(*used, seed);
      expect_same_pass(got, run_pass(*fresh, seed));
    }
  }
}

/// What a layer returned belongs to whoever keeps it; what nobody keeps, the layer uses again.
TEST_P(NnChecksTest, KeptResultsStay) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context(), dtype());
    std::map<std::string, SharedTensor> kept;
    std::map<std::string, Reals> values;
    kept["y"] = subject->forward();
    const Tensor dy = upstream(*subject, kept["y"], kUpstream);
    kept["dx"] = subject->backward(dy, true);
    for (const auto& [name, input] : subject->inputs()) kept[name] = subject->gradient_of(name);
    for (const auto& [name, view] : kept) values[name] = reals_of(context(), view);

    subject->load(kData + 1, kNodes);
    run_pass(*subject, kUpstream + 1);
    for (const auto& [name, view] : kept) EXPECT_EQ(reals_of(context(), view), values[name]) << name;

    kept.clear();
    const auto memory = [&] {
      run_pass(*subject, kUpstream);
      const SharedTensor y = subject->forward(), dx = subject->backward(dy, true);
      return std::pair(y.data, dx.data);
    };
    const auto first = memory();
    EXPECT_EQ(memory(), first);
  }
}

/// An upstream gradient whose rows stand apart.
TEST_P(NnChecksTest, AcceptsStridedGradients) {
  bool any = false;
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context(), dtype());
    const std::uint64_t masks = subject->session().dropout_state();
    const Pass want = run_pass(*subject, kUpstream);
    subject->session().set_dropout_state(masks);
    const ConstTensorView y = subject->forward();
    if (y.ndim < 2) continue;
    any = true;
    const Reals dy = reals_of(upstream(*subject, y, kUpstream));
    const auto apart = TestTensor::input(context(), dtype(), {y.shape[0], y.shape[1]}, dy, Place::strided);
    const Pass got = backward_pass(*subject, reals_of(context(), y), apart, true);
    for (const auto& [name, gradient] : want.gradients) {
      if (each.flat.contains(name)) continue;
      expect_values(got.gradients.at(name), gradient, dtype(), kChainFactor, name);
    }
  }
  EXPECT_EQ(any, group().many_rows);
}

/// And no dx comes back.
TEST_P(NnChecksTest, SkippedDxLeavesTheOtherGradients) {
  bool any = false;
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context(), dtype());
    if (!subject->can_skip_dx()) continue;
    any = true;
    const std::uint64_t masks = subject->session().dropout_state();
    Pass full = run_pass(*subject, kUpstream);
    full.gradients.erase("x");
    full.gradients.erase("x.destination");
    subject->session().set_dropout_state(masks);
    expect_same_pass(run_pass(*subject, kUpstream, false), full);
    const auto fresh = loaded(each, context(), dtype());
    expect_same_pass(run_pass(*fresh, kUpstream, false), full);
  }
  EXPECT_EQ(any, group().skips_dx);
}

TEST_P(NnChecksTest, DrawsAMaskOnlyInTraining) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const auto subject = loaded(each, context(), dtype());
    const auto y = [&] { return reals_of(context(), subject->forward()); };
    const Reals first = y(), second = y();
    EXPECT_EQ(first != second, each.draws_masks);
    subject->session().set_training(false);
    const std::uint64_t before = subject->session().dropout_state();
    EXPECT_EQ(y(), y());
    EXPECT_EQ(subject->session().dropout_state(), before);
  }
}

/// Backward needs exactly one training forward since the backward before.
TEST_P(NnChecksTest, RefusesABackwardWithoutItsForward) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const std::string layer = group().refusing ? group().refusing : each.name.substr(0, each.name.find(' '));
    const auto used = loaded(each, context(), dtype()), fresh = loaded(each, context(), dtype());
    const Tensor dy = upstream(*used, used->forward(), kUpstream);
    const auto refuses = [&](Subject& subject, const std::string& reason) {
      expect_error(ErrorCode::invalid_argument, {layer + ": ", "backward", reason},
                   [&] { subject.backward(dy, subject.can_skip_dx()); });
    };
    refuses(*fresh, "training");
    used->session().set_training(false);
    used->forward();
    refuses(*used, "training");
    used->session().set_training(true);
    refuses(*used, "training");
    used->forward();
    refuses(*used, "one forward");  // for the first one had no backward
    refuses(*used, "one forward");
    used->session().end_step();
    used->forward();
    used->backward(dy, true);
  }
}

TEST_P(NnChecksTest, RefusesABackwardAfterTwoForwards) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    const std::string layer = group().refusing ? group().refusing : each.name.substr(0, each.name.find(' '));
    const auto subject = loaded(each, context(), dtype());
    const Tensor dy = upstream(*subject, subject->forward(), kUpstream);
    const Pass first = backward_pass(*subject, {}, dy, true);
    expect_same_pass(backward_pass(*subject, {}, dy, true), first);
    subject->forward();
    subject->session().set_training(false);  // it has been saved
    subject->backward(dy, true);
    subject->session().set_training(true);
    subject->forward();
    subject->forward();
    expect_error(ErrorCode::invalid_argument, {layer + ": ", "backward", "one forward"},
                 [&] { subject->backward(dy, true); });
    subject->session().end_step();
    subject->forward();
    subject->backward(dy, true);
  }
}

/// Neither what the layer saved before nor what layers within it saved counts then.
TEST_P(NnChecksTest, AForwardThatFailedIsNoForward) {
  for (const SubjectCase& each : cases()) {
    SCOPED_TRACE(each.name);
    if (group().refusing) continue;  // the layers of a model are its own affair
    const std::string layer = each.name.substr(0, each.name.find(' '));
    const auto subject = loaded(each, context(), dtype());
    const Tensor dy = upstream(*subject, subject->forward(), kUpstream);
    subject->backward(dy, true);
    Tensor x = std::move(subject->x());
    subject->x() = Tensor();
    EXPECT_THROW(subject->forward(), Error);
    subject->x() = std::move(x);
    expect_error(ErrorCode::invalid_argument, {layer + ": ", "training"}, [&] { subject->backward(dy, true); });
    subject->forward();
    subject->backward(dy, true);
  }
}

}  // namespace
}  // namespace warpgnn::test
