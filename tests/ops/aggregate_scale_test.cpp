// SPDX-License-Identifier: MIT
// Sums and means whose terms are scaled by both ends of an edge, as GCN's are.

#include <limits>

#include "tests/ops/aggregate_fixture.hpp"
#include "tests/oracle/gcn_norm.hpp"
#include "tests/support/refusals.hpp"
#include "warpgnn/ops/gcn_norm.hpp"

namespace warpgnn::test {
namespace {

using oracle::Reals;

constexpr oracle::Reduce kSums[] = {oracle::Reduce::sum, oracle::Reduce::mean};

/// Which ends of an edge have a scale.
struct Ends {
  const char* name;
  bool source, destination;
};
constexpr Ends kBoth{"both", true, true};
constexpr Ends kEnds[] = {kBoth, {"source", true, false}, {"destination", false, true}};

oracle::Aggregate scaled_problem(Rng& rng, const TestGraph& graph, oracle::Reduce reduce,
                                 const AggregateSettings& settings, const Ends& ends) {
  oracle::Aggregate in = problem(rng, graph, reduce, settings);
  const auto scales = [&](std::size_t count) {
    return settings.integers ? rng.integers(count, -3, 3) : rng.reals(count, -1, 1.5);
  };
  if (ends.source) in.source_scale = scales(graph.edges.sources());
  if (ends.destination) in.destination_scale = scales(graph.edges.destinations());
  return in;
}

class AggregateScaleTest : public AggregateFixture {};
WARPGNN_INSTANTIATE_OP_TESTS(AggregateScaleTest);

class AggregateScaleDifferencesTest : public AggregateScaleTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(AggregateScaleDifferencesTest);

/// Rows stored in 16 bits; everything else, scales too, in float32.
class AggregateScaleHalfTest : public AggregateScaleTest {};
WARPGNN_INSTANTIATE_HALF_TESTS(AggregateScaleHalfTest);

TEST_P(AggregateScaleTest, MatchesOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const auto reduce : kSums) {
      for (const Ends& ends : kEnds) {
        for (const bool weighted : {false, true}) {
          if (weighted && graph.edges.count() == 0) continue;
          const Place place = kPlaces[turn % 3];
          const bool epsilon = graph.square() && turn++ % 2 == 0;
          SCOPED_TRACE(graph.name + " " + name_of(place) + " reduce " + std::to_string(static_cast<int>(reduce)) +
                       " scales of " + ends.name + (weighted ? " weighted" : "") + (epsilon ? " epsilon" : ""));
          for (const bool integers : {false, true}) {
            const auto in = scaled_problem(rng, graph, reduce, {5, weighted, epsilon, integers}, ends);
            check(in, upstream(rng, in, integers), place, integers && reduce == oracle::Reduce::sum);
          }
        }
      }
    }
  }
}

TEST_P(AggregateScaleTest, EveryWidthAndLayout) {
  Rng rng;
  oracle::Ids degrees(8, 3);
  degrees[4] = kChunkEdges + 30;
  for (const TestGraph& graph : {random_graph(rng, 20, 20, 60), graph_with_degrees(rng, 8, degrees)}) {
    for (const std::size_t features : {1u, 2u, 3u, 4u, 7u, 8u, 16u, 31u, 32u, 33u, 64u, 127u, 128u, 256u, 300u}) {
      const bool sampled = graph.edges.count() > kChunkEdges;  // long rows: some of the widths, layouts in turn
      if (sampled && features % 3 != 1) continue;
      for (const Place place : kPlaces) {
        if (sampled && place != kPlaces[features / 3 % 3]) continue;
        for (const bool weighted : {false, true}) {
          SCOPED_TRACE(graph.name + " width " + std::to_string(features) + " " + name_of(place) +
                       (weighted ? " weighted" : ""));
          const auto in = scaled_problem(rng, graph, oracle::Reduce::sum, {features, weighted, false, true}, kBoth);
          check(in, upstream(rng, in, true), place, true);
        }
      }
    }
  }
}

TEST_P(AggregateScaleTest, MeanIsExactForPowersOfTwo) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 16, {1, 2, 4, 8, 16, 2 * kChunkEdges, 0, 64});
  for (const bool weighted : {false, true}) {
    const auto in = scaled_problem(rng, graph, oracle::Reduce::mean, {6, weighted, false, true}, kBoth);
    check(in, upstream(rng, in, true), Place::contiguous, true);
  }
}

TEST_P(AggregateScaleTest, HubOfManyEdges) {
  Rng rng;
  const TestGraph into = graph_with_degrees(rng, 1000, {3, hub_edges(context()), 5});
  for (const TestGraph& graph : {into, transposed(into)}) {
    auto in = scaled_problem(rng, graph, oracle::Reduce::sum, {3, true, false, false}, kBoth);
    in.x = rng.reals(in.x.size(), 0.5, 1.5);  // of one sign: the partial sums are as large as they can be
    in.weight = rng.reals(in.weight.size(), 0.5, 1.5);
    in.source_scale = rng.reals(in.source_scale.size(), 0.5, 1.5);
    in.destination_scale = rng.reals(in.destination_scale.size(), 0.5, 1.5);
    const Reals dy = rng.reals(graph.edges.destinations() * 3, 0.5, 1.5);
    const Backward gradients = backward(in, dy);
    const auto want = oracle::aggregate_backward(in, dy);
    expect_close(forward(in).y, oracle::aggregate(in).y, hub_factor(dtype()), "y");
    expect_close(gradients.dx, want.dx, hub_factor(dtype()), "dx");
    expect_close(gradients.dweight, want.dweight, kSumFactor, "dweight");
  }
}

TEST_P(AggregateScaleDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  for (const auto reduce : kSums) {
    for (const Ends& ends : kEnds) {
      SCOPED_TRACE(ends.name);
      const auto in = scaled_problem(rng, random_graph(rng, 6, 6, 14), reduce, {3, true, true, false}, ends);
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
      expect_gradient(loss(&oracle::Aggregate::weight), in.weight, gradients.dweight.reals(), "dweight");
    }
  }
}

TEST_P(AggregateScaleTest, BackwardIsTheAdjoint) {
  Rng rng;
  for (const auto reduce : kSums) {
    const auto in = scaled_problem(rng, random_graph(rng, 30, 50, 200), reduce, {9, false, false, false}, kBoth);
    const Reals dy = upstream(rng, in);
    const double left = dot(forward(in).y.reals(), dy), right = dot(in.x, backward(in, dy).dx.reals());
    EXPECT_NEAR(left, right, 100 * epsilon_of(dtype()) * std::sqrt(dot(in.x, in.x) * dot(dy, dy)));
    EXPECT_GT(std::abs(left), 1e-3);
  }
}

/// GCN's norm is a product of scales: with them the sums are those of its weights, but for rounding.
TEST_P(AggregateScaleTest, InverseRootsOfDegreesAreTheWeightsOfGcn) {
  Rng rng;
  for (const TestGraph& data : graph_cases(rng)) {
    if (!data.square() || data.edges.count() == 0) continue;
    SCOPED_TRACE(data.name);
    const Graph graph = upload(data.edges);
    const std::int64_t nodes = data.edges.num_sources, edges = graph.num_edges();
    const auto norm = TestTensor::output(context(), dtype(), {edges});
    const auto with_norm = TestTensor::output(context(), dtype(), {nodes});
    const auto alone = TestTensor::output(context(), dtype(), {nodes});
    run(context(), gcn_norm_forward, GcnNorm{graph}, GcnNormResult{norm, with_norm});
    run(context(), gcn_norm_forward, GcnNorm{graph}, GcnNormResult{.inv_sqrt_degree = alone});
    expect_same_bits(alone, with_norm, "inv_sqrt_degree");

    oracle::Aggregate weighted = problem(rng, data, oracle::Reduce::sum, {12, false, false, false}), scaled = weighted;
    weighted.weight = norm.reals();
    scaled.source_scale = scaled.destination_scale = alone.reals();
    const Reals dy = upstream(rng, scaled);
    expect_close(forward(scaled).y, oracle::aggregate(weighted).y, kSumFactor, "y");
    expect_close(forward(weighted).y, oracle::aggregate(scaled).y, kSumFactor, "y of weights");
    expect_close(backward(scaled, dy).dx, oracle::aggregate_backward(weighted, dy).dx, kSumFactor, "dx");
  }
}

TEST_P(AggregateScaleTest, ScalesOfOneChangeNoBit) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (graph.edges.count() == 0) continue;
    for (const auto reduce : kSums) {
      for (const bool weighted : {false, true}) {
        SCOPED_TRACE(graph.name + (weighted ? " weighted" : ""));
        const auto plain = problem(rng, graph, reduce, {33, weighted, graph.square(), false});
        oracle::Aggregate ones = plain;
        ones.source_scale.assign(graph.edges.sources(), 1);
        ones.destination_scale.assign(graph.edges.destinations(), 1);
        const Reals dy = upstream(rng, plain);
        expect_same_bits(forward(ones).y, forward(plain).y, "y");
        const Backward got = backward(ones, dy), want = backward(plain, dy);
        expect_same_bits(got.dx, want.dx, "dx");
        if (weighted) expect_same_bits(got.dweight, want.dweight, "dweight");
        if (plain.epsilon) expect_same_bits(got.depsilon, want.depsilon, "depsilon");
      }
    }
  }
}

TEST_P(AggregateScaleTest, EachGradientAloneIsTheSame) {
  Rng rng;
  const auto in =
      scaled_problem(rng, random_graph(rng, 20, 20, 80), oracle::Reduce::mean, {7, true, false, false}, kBoth);
  const Reals dy_values = upstream(rng, in);
  const Backward all = backward(in, dy_values);
  const auto x = TestTensor::input(context(), dtype(), {20, 7}, in.x);
  const auto weight = TestTensor::input(context(), dtype(), {80}, in.weight);
  const auto source_scale = TestTensor::input(context(), dtype(), {20}, in.source_scale);
  const auto destination_scale = TestTensor::input(context(), dtype(), {20}, in.destination_scale);
  const auto dy = TestTensor::input(context(), dtype(), {20, 7}, dy_values);
  const auto dx = TestTensor::output(context(), dtype(), {20, 7});
  const auto dweight = TestTensor::output(context(), dtype(), {80});
  Aggregate op{.graph = upload(in.edges),
               .reduce = Reduce::mean,
               .weight = weight,
               .source_scale = source_scale,
               .destination_scale = destination_scale};
  run(context(), aggregate_backward, op, AggregateResult{}, AggregateGradients{.dy = dy, .dx = dx});
  expect_same_bits(dx, all.dx, "dx");
  op.x = x;
  run(context(), aggregate_backward, op, AggregateResult{}, AggregateGradients{.dy = dy, .dweight = dweight});
  expect_same_bits(dweight, all.dweight, "dweight");
}

TEST_P(AggregateScaleTest, RerunsAreBitIdentical) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    SCOPED_TRACE(graph.name);
    if (graph.edges.count() == 0) continue;
    const auto in = scaled_problem(rng, graph, oracle::Reduce::sum, {33, true, false, false}, kBoth);
    const Reals dy = upstream(rng, in);
    expect_same_bits(forward(in).y, forward(in).y, "y");
    const Backward gradients = backward(in, dy), again = backward(in, dy);
    expect_same_bits(again.dx, gradients.dx, "dx");
    expect_same_bits(again.dweight, gradients.dweight, "dweight");
  }
}

/// A node's NaN reaches those that it has an edge to, and nothing else; so does that of its scale.
TEST_P(AggregateScaleTest, NanReachesExactlyItsOutNeighbours) {
  Rng rng;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const TestGraph graph = power_law_graph(rng, 40, 900);
  auto in = scaled_problem(rng, graph, oracle::Reduce::sum, {6, false, false, false}, kBoth);
  Reals want = forward(in).y.reals();
  in.source_scale[2] = kNan;
  in.destination_scale[7] = kNan;
  for (std::size_t e = 0; e < graph.edges.count(); ++e) {
    if (graph.edges.source[e] != 2 && graph.edges.destination[e] != 7) continue;
    for (std::size_t f = 0; f < 6; ++f) want[graph.edges.to(e) * 6 + f] = kNan;
  }
  expect_exact(forward(in).y, want, "y");
}

TEST_P(AggregateScaleHalfTest, MatchesOracle) {
  Rng rng(dtype());
  oracle::Ids degrees(20, 3);
  degrees[4] = kChunkEdges + 90;
  for (const TestGraph& graph : {random_graph(rng, 30, 30, 110), graph_with_degrees(rng, 20, degrees)}) {
    for (const std::size_t features : {1u, 5u, 8u, 36u}) {
      for (const Place place : kPlaces) {
        for (const auto reduce : kSums) {
          for (const bool weighted : {false, true}) {
            SCOPED_TRACE(graph.name + " width " + std::to_string(features) + " " + name_of(place) +
                         (weighted ? " weighted" : "") + " reduce " + std::to_string(static_cast<int>(reduce)));
            const auto in = scaled_problem(rng, graph, reduce, {features, weighted, graph.square(), false}, kBoth);
            check(in, upstream(rng, in), place, false);
          }
        }
      }
    }
  }
}

// --- What must be refused --------------------------------------------------------------------------------------------

class AggregateScaleErrorTest : public AggregateScaleTest {
 protected:
  static constexpr std::int64_t kSources = 4, kDestinations = 5, kEdges = 9, kWidth = 3;

  TestTensor input(const Shape& shape) const {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    return TestTensor::input(context(), dtype(), shape, Reals(count, 0.5));
  }
  TestTensor output(const Shape& shape) const { return TestTensor::output(context(), dtype(), shape); }

  template <class Op>
  static void refuse_scales(const Refusals<Op>& refuse) {
    refuse.argument("source_scale", &Op::source_scale, Presence::optional);
    refuse.argument("destination_scale", &Op::destination_scale, Presence::optional);
    refuse.mistake({"source_scale:", "[4]", "[5]"}, [](Op& op) { op.source_scale = op.destination_scale; });
    for (const Reduce reduce : {Reduce::max, Reduce::min}) {
      refuse.mistake({"source_scale:", "expected none", "max or min"}, [&](Op& op) { op.reduce = reduce; });
      refuse.mistake({"destination_scale:", "expected none", "max or min"}, [&](Op& op) {
        op.reduce = reduce;
        op.source_scale = {};
      });
    }
  }

  Graph graph() const {
    Rng rng;
    return random_graph(rng, kSources, kDestinations, kEdges).upload(context());
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(AggregateScaleErrorTest);

TEST_P(AggregateScaleErrorTest, Forward) {
  const auto x = input({kSources, kWidth}), source_scale = input({kSources}),
             destination_scale = input({kDestinations});
  const auto y = output({kDestinations, kWidth});
  const Refusals<AggregateForward> refuse(
      context(), aggregate_forward,
      {{.graph = graph(), .x = x, .source_scale = source_scale, .destination_scale = destination_scale}, {y}}, {&y});
  refuse_scales(refuse);
  refuse.overlap("y", &AggregateForward::y, &AggregateForward::source_scale);
  refuse.overlap("y", &AggregateForward::y, &AggregateForward::destination_scale);
  refuse.accepted();
}

TEST_P(AggregateScaleErrorTest, Backward) {
  const auto x = input({kSources, kWidth}), source_scale = input({kSources}),
             destination_scale = input({kDestinations}), dy = input({kDestinations, kWidth});
  const auto dx = output({kSources, kWidth}), dweight = output({kEdges});
  const Refusals<AggregateBackward> refuse(
      context(), aggregate_backward,
      {{.graph = graph(), .x = x, .source_scale = source_scale, .destination_scale = destination_scale},
       {},
       {.dy = dy, .dx = dx, .dweight = dweight}},
      {&dx, &dweight});
  refuse_scales(refuse);
  refuse.overlap("dx", &AggregateBackward::dx, &AggregateBackward::destination_scale);
  refuse.overlap("dweight", &AggregateBackward::dweight, &AggregateBackward::source_scale);
  refuse.accepted();
}

}  // namespace
}  // namespace warpgnn::test
