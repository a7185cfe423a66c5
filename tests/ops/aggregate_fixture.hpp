// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include "tests/oracle/aggregate.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/graphs.hpp"
#include "warpgnn/ops/aggregate.hpp"

namespace warpgnn::test {

inline Reduce library(oracle::Reduce reduce) {
  switch (reduce) {
    case oracle::Reduce::sum: return Reduce::sum;
    case oracle::Reduce::mean: return Reduce::mean;
    case oracle::Reduce::max: return Reduce::max;
    case oracle::Reduce::min: break;
  }
  return Reduce::min;
}

inline bool is_extremum(oracle::Reduce reduce) {
  return reduce == oracle::Reduce::max || reduce == oracle::Reduce::min;
}

inline constexpr oracle::Reduce kReduces[] = {oracle::Reduce::sum, oracle::Reduce::mean, oracle::Reduce::max,
                                              oracle::Reduce::min};

/// An aggregation on one backend, from the oracle's description of it.
class AggregateFixture : public OpTest {
 protected:
  struct Forward {
    TestTensor y, arg;
  };
  struct Backward {
    TestTensor dx, dweight, depsilon;
  };

  Forward forward(const oracle::Aggregate& in, Place place = Place::contiguous) const {
    return forward(upload(in.edges), in, place);
  }

  Forward forward(const Graph& graph, const oracle::Aggregate& in, Place place) const {
    const Inputs given = inputs(in, place);
    const Shape shape{in.edges.num_destinations, width(in)};
    Forward out{TestTensor::output(context(), dtype(), shape, place),
                is_extremum(in.reduce) ? TestTensor::output(context(), Dtype::int32, shape, place) : TestTensor()};
    run(context(), aggregate_forward, given.problem(graph, in), AggregateResult{out.y, out.arg});
    return out;
  }

  Backward backward(const oracle::Aggregate& in, const oracle::Reals& dy, Place place = Place::contiguous) const {
    return backward(upload(in.edges), in, dy, place);
  }

  Backward backward(const Graph& graph, const oracle::Aggregate& in, const oracle::Reals& dy, Place place) const {
    const Inputs given = inputs(in, place);
    const Shape shape{in.edges.num_destinations, width(in)};
    const TestTensor upstream = TestTensor::input(context(), dtype(), shape, dy, place);
    const TestTensor arg = is_extremum(in.reduce)
                               ? TestTensor::input_ids(context(), Dtype::int32, shape, oracle::aggregate(in).arg, place)
                               : TestTensor();
    Backward out{TestTensor::output(context(), dtype(), {in.edges.num_sources, width(in)}, place),
                 in.weight.empty() ? TestTensor() : TestTensor::output(context(), accumulator(), edge_shape(in), place),
                 in.epsilon ? TestTensor::output(context(), accumulator(), {1}, place) : TestTensor()};
    run(context(), aggregate_backward, given.problem(graph, in), AggregateResult{.arg = arg},
        AggregateGradients{upstream, out.dx, out.dweight, out.depsilon});
    return out;
  }

  /// Both directions against the oracle: bit for bit when `exact`.
  void check(const oracle::Aggregate& in, const oracle::Reals& dy, Place place, bool exact) const {
    const auto compare = [&](const TestTensor& got, const oracle::Sums& want, const char* what) {
      exact ? expect_exact(got, want.value, what) : expect_close(got, want, kSumFactor, what);
    };
    const Graph graph = upload(in.edges);
    const auto want = oracle::aggregate(in);
    const Forward got = forward(graph, in, place);
    compare(got.y, want.y, "y");
    if (is_extremum(in.reduce)) expect_ids(got.arg, want.arg, "arg");

    const auto want_gradients = oracle::aggregate_backward(in, dy);
    const Backward gradients = backward(graph, in, dy, place);
    compare(gradients.dx, want_gradients.dx, "dx");
    if (!in.weight.empty()) compare(gradients.dweight, want_gradients.dweight, "dweight");
    if (in.epsilon) compare(gradients.depsilon, want_gradients.depsilon, "depsilon");
  }

  Graph upload(const oracle::Edges& edges) const { return TestGraph{"", edges}.upload(context()); }

 private:
  struct Inputs {
    TestTensor x, weight, epsilon, source_scale, destination_scale;

    Aggregate problem(const Graph& graph, const oracle::Aggregate& in) const {
      return {graph, library(in.reduce), x, weight, epsilon, source_scale, destination_scale};
    }
  };

  static std::int64_t width(const oracle::Aggregate& in) { return static_cast<std::int64_t>(in.features); }
  static Shape edge_shape(const oracle::Aggregate& in) { return {static_cast<std::int64_t>(in.edges.count())}; }

  /// Undefined where there are none.
  TestTensor scalars(const oracle::Reals& values, Place place) const {
    if (values.empty()) return {};
    return TestTensor::input(context(), accumulator(), {static_cast<std::int64_t>(values.size())}, values, place);
  }

  Inputs inputs(const oracle::Aggregate& in, Place place) const {
    return {TestTensor::input(context(), dtype(), {in.edges.num_sources, width(in)}, in.x, place),
            scalars(in.weight, place), scalars(in.epsilon ? oracle::Reals{*in.epsilon} : oracle::Reals{}, place),
            scalars(in.source_scale, place), scalars(in.destination_scale, place)};
  }
};

struct AggregateSettings {
  std::size_t features = 5;
  bool weighted = false;
  bool epsilon = false;
  bool integers = false;
};

inline oracle::Aggregate problem(Rng& rng, const TestGraph& graph, oracle::Reduce reduce,
                                 const AggregateSettings& settings) {
  const auto values = [&](std::size_t count) {
    return settings.integers ? rng.integers(count, -4, 4) : rng.reals(count);
  };
  oracle::Aggregate in{graph.edges, reduce, settings.features, values(graph.edges.sources() * settings.features),
                       {},          {}};
  if (settings.weighted) in.weight = values(graph.edges.count());
  if (settings.epsilon) in.epsilon = settings.integers ? 2.0 : 0.375;
  return in;
}

/// Random upstream gradient for a problem.
inline oracle::Reals upstream(Rng& rng, const oracle::Aggregate& in, bool integers = false) {
  const std::size_t count = in.edges.destinations() * in.features;
  return integers ? rng.integers(count, -4, 4) : rng.reals(count);
}

}  // namespace warpgnn::test
