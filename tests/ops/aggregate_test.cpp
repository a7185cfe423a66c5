// SPDX-License-Identifier: MIT
// Sums, means, maxima and minima of neighbours' rows. Scales of nodes: aggregate_scale_test.cpp.

#include <limits>

#include "tests/ops/aggregate_fixture.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

class AggregateTest : public AggregateFixture {};

WARPGNN_INSTANTIATE_OP_TESTS(AggregateTest);

class AggregateDifferencesTest : public AggregateTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(AggregateDifferencesTest);

TEST_P(AggregateTest, MatchesOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const auto reduce : kReduces) {
      for (const bool weighted : {false, true}) {
        for (const bool epsilon : {false, true}) {
          if ((weighted && is_extremum(reduce)) || (epsilon && !graph.square())) continue;
          if (weighted && graph.edges.count() == 0)
            continue;  // an undefined view and an empty one are told apart below
          const Place place = kPlaces[turn++ % 3];
          SCOPED_TRACE(graph.name + " " + name_of(place) + " reduce " + std::to_string(static_cast<int>(reduce)) +
                       (weighted ? " weighted" : "") + (epsilon ? " epsilon" : ""));
          for (const bool integers : {false, true}) {
            const auto in = problem(rng, graph, reduce, {5, weighted, epsilon, integers});
            check(in, upstream(rng, in, integers), place, integers && reduce != oracle::Reduce::mean);
          }
        }
      }
    }
  }
}

TEST_P(AggregateTest, EveryWidthAndLayout) {
  Rng rng;
  oracle::Ids degrees(8, 3);
  degrees[4] = kChunkEdges + 30;
  for (const TestGraph& graph : {random_graph(rng, 20, 20, 60), graph_with_degrees(rng, 8, degrees)}) {
    for (const std::size_t features : {1u, 2u, 3u, 4u, 7u, 8u, 16u, 31u, 32u, 33u, 64u, 127u, 128u, 256u, 300u}) {
      const bool sampled = graph.edges.count() > kChunkEdges;  // long rows: some of the widths, layouts in turn
      if (sampled && features % 3 != 1) continue;
      for (const Place place : kPlaces) {
        if (sampled && place != kPlaces[features / 3 % 3]) continue;
        SCOPED_TRACE(graph.name + " width " + std::to_string(features) + " " + name_of(place));
        for (const auto reduce : kReduces) {
          const bool weighted = !is_extremum(reduce);
          const auto in = problem(rng, graph, reduce, {features, weighted, false, true});
          check(in, upstream(rng, in, true), place, reduce != oracle::Reduce::mean);
        }
      }
    }
  }
}

TEST_P(AggregateTest, MeanIsExactForPowersOfTwo) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 16, {1, 2, 4, 8, 16, 2 * kChunkEdges, 0, 64});
  const auto in = problem(rng, graph, oracle::Reduce::mean, {6, true, false, true});
  check(in, upstream(rng, in, true), Place::contiguous, true);
}

TEST_P(AggregateTest, HubOfManyEdges) {
  Rng rng;
  const TestGraph into = graph_with_degrees(rng, 1000, {3, hub_edges(context()), 5});
  for (const TestGraph& graph : {into, transposed(into)}) {
    const double factor = hub_factor(dtype());
    for (const auto reduce : {oracle::Reduce::sum, oracle::Reduce::mean}) {
      auto in = problem(rng, graph, reduce, {3, true, false, false});
      in.x = rng.reals(in.x.size(), 0.5, 1.5);  // of one sign: the partial sums are as large as they can be
      in.weight = rng.reals(in.weight.size(), 0.5, 1.5);
      const Reals dy = rng.reals(graph.edges.destinations() * 3, 0.5, 1.5);
      expect_close(forward(in).y, oracle::aggregate(in).y, factor, "y");
      expect_close(backward(in, dy).dx, oracle::aggregate_backward(in, dy).dx, factor, "dx");
    }
  }
}

TEST_P(AggregateDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  for (const auto reduce : kReduces) {
    SCOPED_TRACE(static_cast<int>(reduce));
    auto in = problem(rng, random_graph(rng, 6, 6, 14), reduce, {3, !is_extremum(reduce), true, false});
    in.x = rng.distinct(in.x.size());  // no ties within reach of the step
    const Reals dy = upstream(rng, in);
    const Backward gradients = backward(in, dy);
    const auto loss = [&](Reals oracle::Aggregate::*argument) {
      return [&, argument](const Reals& value) {
        oracle::Aggregate shifted = in;
        shifted.*argument = value;
        return dot(dy, forward(shifted).y.reals());
      };
    };
    expect_gradient(loss(&oracle::Aggregate::x), in.x, gradients.dx.reals(), "dx");
    if (!in.weight.empty()) {
      expect_gradient(loss(&oracle::Aggregate::weight), in.weight, gradients.dweight.reals(), "dweight");
    }
    const auto epsilon_loss = [&](const Reals& value) {
      oracle::Aggregate shifted = in;
      shifted.epsilon = value[0];
      return dot(dy, forward(shifted).y.reals());
    };
    expect_gradient(epsilon_loss, {*in.epsilon}, gradients.depsilon.reals(), "depsilon");
  }
}

TEST_P(AggregateTest, EachGradientAloneIsTheSame) {
  Rng rng;
  const auto in = problem(rng, random_graph(rng, 20, 20, 80), oracle::Reduce::mean, {7, true, true, false});
  const Reals dy = upstream(rng, in);
  const Backward all = backward(in, dy);
  const Graph graph = upload(in.edges);
  const auto x = TestTensor::input(context(), dtype(), {20, 7}, in.x);
  const auto weight = TestTensor::input(context(), dtype(), {80}, in.weight);
  const auto epsilon = TestTensor::input(context(), dtype(), {1}, {*in.epsilon});
  const auto upstream_gradient = TestTensor::input(context(), dtype(), {20, 7}, dy);
  AggregateBackward op{{graph, Reduce::mean, {}, weight, epsilon}, {}, {upstream_gradient}};

  const auto dx = TestTensor::output(context(), dtype(), {20, 7});
  op.dx = dx;  // x is not needed
  run(context(), aggregate_backward, op);
  expect_same_bits(dx, all.dx, "dx");

  const auto dweight = TestTensor::output(context(), dtype(), {80});
  op.x = x;
  op.dx = {};
  op.dweight = dweight;
  run(context(), aggregate_backward, op);
  expect_same_bits(dweight, all.dweight, "dweight");

  const auto depsilon = TestTensor::output(context(), dtype(), {1});
  op.dweight = {};
  op.depsilon = depsilon;
  run(context(), aggregate_backward, op);
  expect_same_bits(depsilon, all.depsilon, "depsilon");
}

TEST_P(AggregateTest, WeightsOfAGraphWithoutEdges) {
  const auto x = TestTensor::input(context(), dtype(), {4, 3}, Reals(12, 1.0));
  const auto weight = TestTensor::input(context(), dtype(), {0}, {});
  const auto y = TestTensor::output(context(), dtype(), {4, 3});
  const auto dx = TestTensor::output(context(), dtype(), {4, 3});
  const auto dweight = TestTensor::output(context(), dtype(), {0});
  const Graph graph = upload({4, 4, {}, {}});
  run(context(), aggregate_forward, Aggregate{graph, Reduce::sum, x, weight}, AggregateResult{y});
  run(context(), aggregate_backward, Aggregate{graph, Reduce::sum, x, weight}, AggregateResult{},
      AggregateGradients{x, dx, dweight});
  expect_exact(y, Reals(12, 0.0), "y");
  expect_exact(dx, Reals(12, 0.0), "dx");
}

TEST_P(AggregateTest, RerunsAreBitIdentical) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    SCOPED_TRACE(graph.name);
    if (graph.edges.count() == 0) continue;
    const auto in = problem(rng, graph, oracle::Reduce::sum, {33, true, graph.square(), false});
    const Reals dy = upstream(rng, in);
    const Forward first = forward(in), second = forward(in);
    expect_same_bits(second.y, first.y, "y");
    const Backward gradients = backward(in, dy), again = backward(in, dy);
    expect_same_bits(again.dx, gradients.dx, "dx");
    expect_same_bits(again.dweight, gradients.dweight, "dweight");
    if (in.epsilon) expect_same_bits(again.depsilon, gradients.depsilon, "depsilon");
  }
}

TEST_P(AggregateTest, OrderOfEdgesAndNamesOfNodesDoNotMatter) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 25, 25, 120);
  const auto in = problem(rng, graph, oracle::Reduce::sum, {4, true, false, true});
  const Reals dy = upstream(rng, in, true);
  const Reals y = forward(in).y.reals();
  const Backward gradients = backward(in, dy);
  const Ids edge = rng.permutation(120), node = rng.permutation(25);

  oracle::Aggregate shuffled = in;
  for (std::size_t e = 0; e < 120; ++e) {
    const auto old = static_cast<std::size_t>(edge[e]);
    shuffled.edges.source[e] = node[in.edges.from(old)];
    shuffled.edges.destination[e] = node[in.edges.to(old)];
    shuffled.weight[e] = in.weight[old];
  }
  const auto moved = [&](const Reals& rows) {
    Reals result(rows.size());
    for (std::size_t k = 0; k < rows.size(); ++k) result[static_cast<std::size_t>(node[k / 4]) * 4 + k % 4] = rows[k];
    return result;
  };
  shuffled.x = moved(in.x);
  const Backward moved_gradients = backward(shuffled, moved(dy));
  expect_exact(forward(shuffled).y, moved(y), "y");
  expect_exact(moved_gradients.dx, moved(gradients.dx.reals()), "dx");
  const Reals dweight = gradients.dweight.reals();
  Reals moved_dweight(120);
  for (std::size_t e = 0; e < 120; ++e) moved_dweight[e] = dweight[static_cast<std::size_t>(edge[e])];
  expect_exact(moved_gradients.dweight, moved_dweight, "dweight");
}

TEST_P(AggregateTest, BackwardIsTheAdjoint) {
  Rng rng;
  for (const auto reduce : {oracle::Reduce::sum, oracle::Reduce::mean}) {
    const TestGraph graph = random_graph(rng, 30, 50, 200);
    const auto in = problem(rng, graph, reduce, {9, true, false, false});
    const Reals dy = upstream(rng, in);
    const double left = dot(forward(in).y.reals(), dy), right = dot(in.x, backward(in, dy).dx.reals());
    EXPECT_NEAR(left, right, 100 * epsilon_of(dtype()) * std::sqrt(dot(in.x, in.x) * dot(dy, dy)));
    EXPECT_GT(std::abs(left), 1e-3);
  }
}

TEST_P(AggregateTest, BatchIsItsGraphsOneByOne) {
  Rng rng;
  const TestGraph batch = random_batch(rng, {5, 0, 17, 1, 9, 0}, 4);
  const auto in = problem(rng, batch, oracle::Reduce::sum, {6, false, false, true});
  const Reals whole = forward(batch.upload(context()), in, Place::contiguous).y.reals();
  Reals assembled;
  for (std::size_t g = 0; g + 1 < batch.graph_offsets.size(); ++g) {
    const BatchPart part = part_of(batch, g);
    const auto begin = in.x.begin() + batch.graph_offsets[g] * 6, end = in.x.begin() + batch.graph_offsets[g + 1] * 6;
    const oracle::Aggregate own{part.graph.edges, in.reduce, 6, Reals(begin, end), {}, {}};
    const Reals y = forward(part.graph.upload(context()), own, Place::contiguous).y.reals();
    assembled.insert(assembled.end(), y.begin(), y.end());
  }
  EXPECT_EQ(whole, assembled);
}

TEST_P(AggregateTest, NanReachesExactlyItsOutNeighbours) {
  Rng rng;
  const TestGraph graph = power_law_graph(rng, 40, 900);
  for (const auto reduce : kReduces) {
    SCOPED_TRACE(static_cast<int>(reduce));
    auto in = problem(rng, graph, reduce, {6, false, false, false});
    const Forward clean = forward(in);
    in.x[2 * 6 + 3] = std::numeric_limits<double>::quiet_NaN();  // node 2, feature 3
    Reals want = clean.y.reals();
    for (std::size_t e = 0; e < graph.edges.count(); ++e) {
      if (graph.edges.source[e] == 2) want[graph.edges.to(e) * 6 + 3] = in.x[2 * 6 + 3];
    }
    const Forward got = forward(in);
    expect_exact(got.y, want, "y");
    if (is_extremum(reduce)) expect_ids(got.arg, oracle::aggregate(in).arg, "arg");
  }
}

TEST_P(AggregateTest, InfinitiesAreKept) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const auto reduce : {oracle::Reduce::max, oracle::Reduce::min}) {
    const oracle::Aggregate in{{4, 3, {0, 1, 1, 2, 3, 0}, {0, 0, 1, 1, 1, 2}}, reduce, 1,
                               {-kInfinity, -kInfinity, 1, kInfinity},         {},     {}};
    const auto want = oracle::aggregate(in);
    const Forward got = forward(in);
    expect_exact(got.y, want.y.value, "y");
    expect_ids(got.arg, want.arg, "arg");
  }
}

TEST_P(AggregateTest, ExtremesWithoutArg) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const auto reduce : {oracle::Reduce::max, oracle::Reduce::min}) {
      SCOPED_TRACE(graph.name);
      auto in = problem(rng, graph, reduce, {7, false, false, true});
      if (!in.x.empty()) in.x[in.x.size() / 2] = std::numeric_limits<double>::quiet_NaN();
      const auto x = TestTensor::input(context(), dtype(), {graph.edges.num_sources, 7}, in.x, Place::misaligned);
      const auto y = TestTensor::output(context(), dtype(), {graph.edges.num_destinations, 7}, Place::misaligned);
      run(context(), aggregate_forward, Aggregate{upload(in.edges), library(reduce), x}, AggregateResult{y});
      expect_exact(y, oracle::aggregate(in).y.value, "y");
    }
  }
}

/// Rows stored in 16 bits; everything else in float32.
class AggregateHalfTest : public AggregateTest {};

WARPGNN_INSTANTIATE_HALF_TESTS(AggregateHalfTest);

TEST_P(AggregateHalfTest, MatchesOracle) {
  Rng rng(dtype());
  oracle::Ids degrees(20, 3);
  degrees[4] = kChunkEdges + 90;
  for (const TestGraph& graph : {random_graph(rng, 30, 30, 110), graph_with_degrees(rng, 20, degrees)}) {
    for (const std::size_t features : {1u, 5u, 8u, 36u}) {
      for (const Place place : kPlaces) {
        for (const auto reduce : kReduces) {
          SCOPED_TRACE(graph.name + " width " + std::to_string(features) + " " + name_of(place) + " reduce " +
                       std::to_string(static_cast<int>(reduce)));
          const auto in = problem(rng, graph, reduce, {features, !is_extremum(reduce), graph.square(), false});
          check(in, upstream(rng, in), place, false);
        }
      }
    }
  }
}

TEST_P(AggregateHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const TestGraph graph = graph_with_degrees(rng, 40, {3, 2 * kChunkEdges, 0, 17});
  const auto in = problem(rng, graph, oracle::Reduce::sum, {12, true, false, false});
  const Reals dy = upstream(rng, in);
  expect_same_bits(forward(in).y, forward(in).y, "y");
  expect_same_bits(backward(in, dy).dx, backward(in, dy).dx, "dx");
}

}  // namespace
}  // namespace warpgnn::test
