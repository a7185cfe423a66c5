// SPDX-License-Identifier: MIT
// Gradients added up over several backwards.

#include "warpgnn/nn/gradient_sum.hpp"

#include <gtest/gtest.h>

#include "tests/support/backends.hpp"
#include "tests/support/nn_subject.hpp"
#include "warpgnn/nn/layers.hpp"

namespace warpgnn::test {
namespace {

using nn::GradientSum;
using nn::Parameter;
using nn::ParameterList;
using nn::Session;
using oracle::Reals;

constexpr std::int64_t kIn = 5, kOut = 3;

class NnGradientSumTest : public OpTest {};
WARPGNN_INSTANTIATE_OP_TESTS(NnGradientSumTest);

/// A step over two parts of a batch has the gradients of one over the whole.
TEST_P(NnGradientSumTest, PartsMakeTheWhole) {
  constexpr std::int64_t kRows = 24, kFirst = 10;
  Session session(context(), dtype(), 1);
  nn::Linear layer(session, "linear", kIn, kOut);
  ParameterList list;
  layer.collect(list);
  Rng rng(3);
  const Tensor x = tensor_of(context(), dtype(), {kRows, kIn}, rng.reals(kRows * kIn));
  const Tensor dy = tensor_of(context(), dtype(), {kRows, kOut}, rng.reals(kRows * kOut));
  const auto backward = [&](std::int64_t first, std::int64_t count) {
    layer.forward(rows(ConstTensorView(x), first, count));
    layer.backward(rows(ConstTensorView(dy), first, count), false);
  };
  GradientSum sum(session, list);
  for (int round = 0; round < 2; ++round) {  // the second starts at 0 again
    backward(0, kRows);
    std::vector<Reals> whole;
    for (const Parameter* each : list) whole.push_back(reals_of(each->gradient));
    backward(0, kFirst);
    sum.add();
    backward(kFirst, kRows - kFirst);
    sum.add();
    sum.take();
    for (std::size_t k = 0; k < list.size(); ++k) {
      expect_values(reals_of(list[k]->gradient), whole[k], dtype(), 50, list[k]->name);
    }
  }
}

TEST_P(NnGradientSumTest, ScalesAndLeavesBuffersAlone) {
  Session session(context(), dtype(), 1);
  Parameter learnt = nn::ones(session, "learnt", {2}), kept = nn::ones(session, "kept", {2});
  kept.trainable = false;
  const Reals before = reals_of(kept.value);
  GradientSum sum(session, {&learnt, &kept});
  assign(learnt.gradient, {1, 2});
  sum.add(0.5);
  assign(learnt.gradient, {10, -4});
  sum.add(0.25);
  sum.take();
  EXPECT_EQ(reals_of(learnt.gradient), (Reals{3, 0}));
  sum.take();
  EXPECT_EQ(reals_of(learnt.gradient), (Reals{0, 0}));
  EXPECT_EQ(reals_of(kept.value), before);
}

}  // namespace
}  // namespace warpgnn::test
