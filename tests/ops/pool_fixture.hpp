// SPDX-License-Identifier: MIT
#pragma once

// Pools on a backend and in the oracle: what the tests of pooling share.

#include <gtest/gtest.h>

#include "tests/oracle/pool.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"
#include "warpgnn/ops/pool.hpp"

namespace warpgnn::test {

using oracle::Ids;
using oracle::Reals;

inline PoolReduce library(oracle::PoolReduce reduce) {
  switch (reduce) {
    case oracle::PoolReduce::sum: return PoolReduce::sum;
    case oracle::PoolReduce::mean: return PoolReduce::mean;
    case oracle::PoolReduce::max: break;
  }
  return PoolReduce::max;
}

inline PoolGate library(oracle::PoolGate gate) {
  switch (gate) {
    case oracle::PoolGate::none: return PoolGate::none;
    case oracle::PoolGate::softmax: return PoolGate::softmax;
    case oracle::PoolGate::sigmoid: return PoolGate::sigmoid;
    case oracle::PoolGate::raw: break;
  }
  return PoolGate::raw;
}

struct PoolKind {
  oracle::PoolReduce reduce;
  oracle::PoolGate gate;
};
inline constexpr PoolKind kPoolKinds[] = {
    {oracle::PoolReduce::sum, oracle::PoolGate::none},     {oracle::PoolReduce::mean, oracle::PoolGate::none},
    {oracle::PoolReduce::max, oracle::PoolGate::none},     {oracle::PoolReduce::sum, oracle::PoolGate::softmax},
    {oracle::PoolReduce::mean, oracle::PoolGate::softmax}, {oracle::PoolReduce::sum, oracle::PoolGate::sigmoid},
    {oracle::PoolReduce::mean, oracle::PoolGate::sigmoid}, {oracle::PoolReduce::sum, oracle::PoolGate::raw},
    {oracle::PoolReduce::mean, oracle::PoolGate::raw}};

inline std::string name_of(const PoolKind& kind) {
  return "reduce " + std::to_string(static_cast<int>(kind.reduce)) + " gate " +
         std::to_string(static_cast<int>(kind.gate));
}

class PoolFixture : public OpTest {
 protected:
  struct Forward {
    TestTensor y, maximum, sum, arg;
  };
  struct Backward {
    TestTensor dx, dscore;
  };

  static std::int64_t nodes(const oracle::Pool& in) { return in.offset.back(); }
  static std::int64_t graphs(const oracle::Pool& in) { return static_cast<std::int64_t>(in.graphs()); }
  static std::int64_t width(const oracle::Pool& in) { return static_cast<std::int64_t>(in.features); }
  static bool gated(const oracle::Pool& in) { return in.gate != oracle::PoolGate::none; }
  static bool softmax(const oracle::Pool& in) { return in.gate == oracle::PoolGate::softmax; }
  static bool maximum(const oracle::Pool& in) { return in.reduce == oracle::PoolReduce::max; }

  Graph upload(const oracle::Pool& in) const {
    return TestGraph{"", {nodes(in), nodes(in), {}, {}}, in.offset}.upload(context());
  }
  TestTensor input(const Shape& shape, const Reals& values, Place place) const {
    return TestTensor::input(context(), dtype(), shape, values, place);
  }
  TestTensor output(const Shape& shape, Place place) const {
    return TestTensor::output(context(), dtype(), shape, place);
  }
  /// Scores, their gradients and statistics are not rows of features.
  TestTensor score_input(const Shape& shape, const Reals& values, Place place) const {
    return TestTensor::input(context(), accumulator(), shape, values, place);
  }
  TestTensor score_output(const Shape& shape, Place place) const {
    return TestTensor::output(context(), accumulator(), shape, place);
  }
  TestTensor score(const oracle::Pool& in, Place place) const {
    return gated(in) ? score_input(scores(in, nodes(in)), in.score, place) : TestTensor();
  }
  Shape rows(const oracle::Pool& in, std::int64_t count) const {
    const auto heads = static_cast<std::int64_t>(in.heads);
    return has_heads(in) ? Shape{count, heads, width(in) / heads} : Shape{count, width(in)};
  }
  Shape scores(const oracle::Pool& in, std::int64_t count) const {
    return has_heads(in) ? Shape{count, static_cast<std::int64_t>(in.heads)} : Shape{count};
  }
  bool has_heads(const oracle::Pool& in) const { return always_with_heads_ || in.heads > 1; }

  /// Of a forward with a softmax gate; others have none.
  TestTensor statistic(const oracle::Pool& in, const Reals& values, Place place) const {
    return softmax(in) ? score_input(scores(in, graphs(in)), values, place) : TestTensor();
  }

  Forward forward(const oracle::Pool& in, Place place = Place::contiguous) const {
    const auto x = input(rows(in, nodes(in)), in.x, place);
    const auto node_scores = score(in, place);
    Forward out{output(rows(in, graphs(in)), place),
                softmax(in) ? score_output(scores(in, graphs(in)), place) : TestTensor(),
                softmax(in) ? score_output(scores(in, graphs(in)), place) : TestTensor(),
                maximum(in) ? TestTensor::output(context(), Dtype::int32, rows(in, graphs(in)), place) : TestTensor()};
    run(context(), pool_forward, Pool{upload(in), library(in.reduce), library(in.gate), in.temperature, x, node_scores},
        PoolResult{out.y, out.maximum, out.sum, out.arg});
    return out;
  }

  Backward backward(const oracle::Pool& in, const Reals& dy, Place place = Place::contiguous) const {
    const oracle::Pooled saved = oracle::pool(in);
    const auto x = input(rows(in, nodes(in)), in.x, place);
    const auto node_scores = score(in, place);
    const auto y = input(rows(in, graphs(in)), saved.y.value, place);
    const auto row_maximum = statistic(in, saved.softmax.maximum, place);
    const auto row_sum = statistic(in, saved.softmax.sum.value, place);
    const auto arg = maximum(in)
                         ? TestTensor::input_ids(context(), Dtype::int32, rows(in, graphs(in)), saved.arg, place)
                         : TestTensor();
    const auto upstream = input(rows(in, graphs(in)), dy, place);
    Backward out{output(rows(in, nodes(in)), place),
                 gated(in) ? score_output(scores(in, nodes(in)), place) : TestTensor()};
    run(context(), pool_backward,
        Pool{upload(in), library(in.reduce), library(in.gate), in.temperature, x, node_scores},
        PoolResult{y, row_maximum, row_sum, arg}, PoolGradients{upstream, out.dx, out.dscore});
    return out;
  }

  TestTensor weights(const oracle::Pool& in, Place place = Place::contiguous) const {
    const auto node_scores = score(in, place);
    const oracle::Pooled saved = oracle::pool(in);
    const auto row_maximum = statistic(in, saved.softmax.maximum, place);
    const auto row_sum = statistic(in, saved.softmax.sum.value, place);
    auto weight = score_output(scores(in, nodes(in)), place);
    run(context(), pool_weights,
        Pool{.graph = upload(in), .gate = library(in.gate), .temperature = in.temperature, .score = node_scores},
        PoolResult{.maximum = row_maximum, .sum = row_sum}, PoolWeights{weight});
    return weight;
  }

  void check(const oracle::Pool& in, const Reals& dy, Place place, bool exact, double factor = kSumFactor) const {
    const auto compare = [&](const TestTensor& got, const oracle::Sums& want, const char* what, double more = 0) {
      exact ? expect_exact(got, want.value, what) : expect_close(got, want, factor + more, what);
    };
    const auto want = oracle::pool(in);
    const Forward got = forward(in, place);
    compare(got.y, want.y, "y");
    if (maximum(in)) expect_ids(got.arg, want.arg, "arg");
    if (softmax(in)) expect_exact(got.maximum, want.softmax.maximum, "maximum");
    if (softmax(in)) expect_close(got.sum, want.softmax.sum, factor, "sum");
    if (gated(in)) expect_relative(weights(in, place), want.weight, factor, "weight");
    const auto gradients = oracle::pool_backward(in, dy);
    const Backward found = backward(in, dy, place);
    compare(found.dx, gradients.dx, "dx");
    // A softmax gate's reads y, which 16-bit storage has rounded once.
    const double saved = softmax(in) ? storage_rounding(dtype()) / epsilon_of(dtype()) : 0;
    if (gated(in)) compare(found.dscore, gradients.dscore, "dscore", saved);
  }

  bool always_with_heads_ = false;  // views have a dimension for heads even where there is one
};

inline Ids offsets_of(const Ids& sizes) {
  Ids offset{0};
  for (const std::int64_t size : sizes) offset.push_back(offset.back() + size);
  return offset;
}

inline oracle::Pool pool_problem(Rng& rng, const Ids& sizes, const PoolKind& kind, std::size_t features,
                                 bool integers = false) {
  oracle::Pool in{offsets_of(sizes), kind.reduce, kind.gate, features, {}, {}};
  const auto count = static_cast<std::size_t>(in.offset.back());
  in.x = integers ? rng.integers(count * features, -4, 4) : rng.reals(count * features);
  if (kind.gate != oracle::PoolGate::none) in.score = integers ? rng.integers(count, -3, 3) : rng.reals(count, -3, 3);
  return in;
}

inline Reals pool_upstream(Rng& rng, const oracle::Pool& in, bool integers = false) {
  const std::size_t count = in.graphs() * in.features;
  return integers ? rng.integers(count, -4, 4) : rng.reals(count);
}

}  // namespace warpgnn::test
