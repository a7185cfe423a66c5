// SPDX-License-Identifier: MIT
#include "warpgnn/ops/relation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/oracle/aggregate.hpp"
#include "tests/oracle/relation.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/graphs.hpp"

namespace warpgnn::test {
namespace {

using oracle::Ids;
using oracle::Reals;

constexpr oracle::RelationNorm kNorms[] = {oracle::RelationNorm::none, oracle::RelationNorm::per_relation,
                                           oracle::RelationNorm::all_edges};

RelationNorm library(oracle::RelationNorm norm) {
  switch (norm) {
    case oracle::RelationNorm::none: return RelationNorm::none;
    case oracle::RelationNorm::per_relation: return RelationNorm::per_relation;
    case oracle::RelationNorm::all_edges: break;
  }
  return RelationNorm::all_edges;
}

/// Relations in [-1, relations]: a few edges at both ends are left out.
Ids random_relations(Rng& rng, std::size_t edges, std::int64_t relations) {
  Ids relation(edges);
  for (std::int64_t& r : relation) r = rng.below(8) == 0 ? (rng.below(2) == 0 ? -1 : relations) : rng.below(relations);
  return relation;
}

struct Settings {
  std::size_t features = 5;
  std::size_t bases = 3;
  std::int64_t relations = 4;
  bool weighted = false;
  bool integers = false;
};

oracle::RelationAggregate problem(Rng& rng, const TestGraph& graph, const Settings& settings) {
  const auto values = [&](std::size_t count) {
    return settings.integers ? rng.integers(count, -3, 3) : rng.reals(count);
  };
  const std::size_t edges = graph.edges.count();
  oracle::RelationAggregate in{.edges = graph.edges,
                               .relation = random_relations(rng, edges, settings.relations),
                               .bases = settings.bases,
                               .coefficient = values(static_cast<std::size_t>(settings.relations) * settings.bases),
                               .features = settings.features,
                               .x = values(graph.edges.sources() * settings.features)};
  if (settings.weighted) in.weight = values(edges);
  return in;
}

Reals upstream(Rng& rng, const oracle::RelationAggregate& in, bool integers = false) {
  const std::size_t count = in.edges.destinations() * in.bases * in.features;
  return integers ? rng.integers(count, -3, 3) : rng.reals(count);
}

class RelationTest : public OpTest {
 protected:
  struct Backward {
    TestTensor dx, dcoefficient, dweight;
  };

  TestTensor weights(const oracle::Edges& edges, oracle::RelationNorm norm, const Ids& relation, std::int64_t relations,
                     Place place = Place::contiguous, Dtype ids = Dtype::int32) const {
    const Shape shape{static_cast<std::int64_t>(edges.count())};
    const auto given = TestTensor::input_ids(context(), ids, shape, relation, place);
    auto weight = TestTensor::output(context(), dtype(), shape, place);
    run(context(), relation_weights, RelationWeights{upload(edges), library(norm), relations, given},
        RelationWeightsResult{weight});
    return weight;
  }

  TestTensor forward(const oracle::RelationAggregate& in, Place place = Place::contiguous,
                     Dtype ids = Dtype::int32) const {
    const Inputs given = inputs(in, place, ids);
    auto y = TestTensor::output(context(), dtype(), y_shape(in), place);
    run(context(), relation_aggregate_forward,
        RelationAggregate{upload(in.edges), given.relation, given.coefficient, given.weight, given.x},
        RelationAggregateResult{y});
    return y;
  }

  Backward backward(const oracle::RelationAggregate& in, const Reals& dy, Place place = Place::contiguous,
                    Dtype ids = Dtype::int32) const {
    const Inputs given = inputs(in, place, ids);
    const auto upstream = TestTensor::input(context(), dtype(), y_shape(in), dy, place);
    Backward out{TestTensor::output(context(), dtype(), x_shape(in), place),
                 TestTensor::output(context(), accumulator(), coefficient_shape(in), place),
                 TestTensor::output(context(), accumulator(), {static_cast<std::int64_t>(in.edges.count())}, place)};
    run(context(), relation_aggregate_backward,
        RelationAggregate{upload(in.edges), given.relation, given.coefficient, given.weight, given.x},
        RelationAggregateGradients{upstream, out.dx, out.dcoefficient, out.dweight});
    return out;
  }

  void check(const oracle::RelationAggregate& in, const Reals& dy, Place place, Dtype ids, bool exact) const {
    const auto compare = [&](const TestTensor& got, const oracle::Sums& want, const char* what) {
      exact ? expect_exact(got, want.value, what) : expect_close(got, want, kSumFactor, what);
    };
    compare(forward(in, place, ids), oracle::relation_aggregate(in), "y");
    const Backward got = backward(in, dy, place, ids);
    const auto want = oracle::relation_aggregate_backward(in, dy);
    compare(got.dx, want.dx, "dx");
    compare(got.dcoefficient, want.dcoefficient, "dcoefficient");
    compare(got.dweight, want.dweight, "dweight");
  }

  Graph upload(const oracle::Edges& edges) const { return TestGraph{"", edges}.upload(context()); }

  static std::int64_t width(const oracle::RelationAggregate& in) { return static_cast<std::int64_t>(in.features); }
  static std::int64_t bases(const oracle::RelationAggregate& in) { return static_cast<std::int64_t>(in.bases); }
  static Shape x_shape(const oracle::RelationAggregate& in) { return {in.edges.num_sources, width(in)}; }
  static Shape y_shape(const oracle::RelationAggregate& in) {
    return {in.edges.num_destinations, bases(in), width(in)};
  }
  static Shape coefficient_shape(const oracle::RelationAggregate& in) {
    return {static_cast<std::int64_t>(in.relations()), bases(in)};
  }

  struct Inputs {
    TestTensor relation, coefficient, weight, x;
  };
  Inputs inputs(const oracle::RelationAggregate& in, Place place, Dtype ids) const {
    const Shape edges{static_cast<std::int64_t>(in.edges.count())};
    return {TestTensor::input_ids(context(), ids, edges, in.relation, place),
            TestTensor::input(context(), accumulator(), coefficient_shape(in), in.coefficient, place),
            in.weight.empty() ? TestTensor() : TestTensor::input(context(), accumulator(), edges, in.weight, place),
            TestTensor::input(context(), dtype(), x_shape(in), in.x, place)};
  }
};

WARPGNN_INSTANTIATE_OP_TESTS(RelationTest);

class RelationDifferencesTest : public RelationTest {};
WARPGNN_INSTANTIATE_FLOAT64_TESTS(RelationDifferencesTest);

TEST_P(RelationTest, WeightsMatchTheOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const auto norm : kNorms) {
      for (const std::int64_t relations : {1, 3, 5000}) {  // few edges of many relations, many of few
        const Place place = kPlaces[turn % 3];
        const Dtype ids = turn++ % 2 == 0 ? Dtype::int32 : Dtype::int64;
        SCOPED_TRACE(graph.name + " norm " + std::to_string(static_cast<int>(norm)) + " of " +
                     std::to_string(relations) + " " + name_of(place));
        const Ids relation = random_relations(rng, graph.edges.count(), relations);
        expect_relative(weights(graph.edges, norm, relation, relations, place, ids),
                        oracle::relation_weights(graph.edges, norm, relation, relations), 1, "weight");
      }
    }
  }
}

TEST_P(RelationTest, WithoutRelationsEveryWeightIsZero) {
  Rng rng;
  const TestGraph graph = graph_with_degrees(rng, 5, {3, kChunkEdges + 1, 0});
  for (const auto norm : kNorms) {
    expect_exact(weights(graph.edges, norm, Ids(graph.edges.count(), 0), 0), Reals(graph.edges.count(), 0.0), "weight");
  }
}

TEST_P(RelationTest, IdsFarOutOfRangeAreLeftOut) {
  const oracle::Edges edges{1, 1, {0, 0, 0}, {0, 0, 0}};
  const Ids relation{std::int64_t{1} << 32, 1, -(std::int64_t{1} << 40)};  // the first is 0 when cut to 32 bits
  expect_exact(weights(edges, oracle::RelationNorm::per_relation, relation, 2, Place::contiguous, Dtype::int64),
               {0, 1, 0}, "weight");
  expect_exact(weights(edges, oracle::RelationNorm::all_edges, relation, 2, Place::contiguous, Dtype::int64), {0, 1, 0},
               "weight");
  const oracle::RelationAggregate in{
      .edges = edges, .relation = relation, .coefficient = {5, 3}, .features = 1, .x = {2}};
  expect_exact(forward(in, Place::contiguous, Dtype::int64), {6}, "y");
  const Backward got = backward(in, {7}, Place::contiguous, Dtype::int64);
  expect_exact(got.dx, {21}, "dx");
  expect_exact(got.dcoefficient, {0, 14}, "dcoefficient");
  expect_exact(got.dweight, {0, 42, 0}, "dweight");
}

TEST_P(RelationTest, MatchesOracleOnEveryGraph) {
  Rng rng;
  std::size_t turn = 0;
  for (const TestGraph& graph : graph_cases(rng)) {
    for (const bool weighted : {false, true}) {
      if (weighted && graph.edges.count() == 0) continue;
      for (const std::size_t bases : {1u, 2u, 3u, 7u}) {
        const Place place = kPlaces[turn % 3];
        const Dtype ids = turn++ % 2 == 0 ? Dtype::int32 : Dtype::int64;
        SCOPED_TRACE(graph.name + " " + name_of(place) + " bases " + std::to_string(bases) +
                     (weighted ? " weighted" : ""));
        const bool integers = turn / 2 % 3 == 0;
        const auto in = problem(rng, graph, {5, bases, 4, weighted, integers});
        check(in, upstream(rng, in, integers), place, ids, integers);
      }
    }
  }
}

TEST_P(RelationTest, EveryWidthAndLayout) {
  Rng rng;
  Ids degrees(8, 3);
  degrees[4] = kChunkEdges + 30;
  std::size_t turn = 0;
  for (const TestGraph& graph : {random_graph(rng, 20, 20, 60), graph_with_degrees(rng, 8, degrees)}) {
    for (const std::size_t features : {1u, 2u, 3u, 4u, 7u, 8u, 16u, 31u, 32u, 33u, 64u, 127u, 128u, 256u, 300u}) {
      const bool sampled = graph.edges.count() > kChunkEdges;  // long rows: some of the widths, layouts in turn
      if (sampled && features % 3 != 1) continue;
      for (const Place place : kPlaces) {
        if (sampled && place != kPlaces[features / 3 % 3]) continue;
        const std::size_t bases = 1 + turn++ % 6;
        SCOPED_TRACE(graph.name + " width " + std::to_string(features) + " bases " + std::to_string(bases) + " " +
                     name_of(place));
        const auto in = problem(rng, graph, {features, bases, 3, true, true});
        check(in, upstream(rng, in, true), place, Dtype::int32, true);
      }
    }
  }
}

TEST_P(RelationTest, ManyBasesAndRelations) {
  Rng rng;
  const TestGraph graph = power_law_graph(rng, 60, 1200);
  for (const std::int64_t relations : {1, 40, 3000}) {
    const auto in = problem(rng, graph, {6, 33, relations, true, true});
    SCOPED_TRACE(relations);
    check(in, upstream(rng, in, true), Place::contiguous, Dtype::int32, true);
  }
}

TEST_P(RelationTest, HubOfManyEdges) {
  Rng rng;
  const TestGraph into = graph_with_degrees(rng, 1000, {3, hub_edges(context()), 5});
  for (const TestGraph& graph : {into, transposed(into)}) {
    auto in = problem(rng, graph, {3, 2, 2, true, false});
    in.x = rng.reals(in.x.size(), 0.5, 1.5);
    in.weight = rng.reals(in.weight.size(), 0.5, 1.5);
    in.coefficient = rng.reals(in.coefficient.size(), 0.5, 1.5);
    const Reals dy = rng.reals(graph.edges.destinations() * 6, 0.5, 1.5);
    const auto want = oracle::relation_aggregate_backward(in, dy);
    const Backward got = backward(in, dy);
    expect_close(forward(in), oracle::relation_aggregate(in), hub_factor(dtype()), "y");
    expect_close(got.dx, want.dx, hub_factor(dtype()), "dx");
    expect_close(got.dcoefficient, want.dcoefficient, hub_factor(dtype()), "dcoefficient");
  }
}

TEST_P(RelationDifferencesTest, GradientsAgreeWithDifferences) {
  Rng rng;
  const auto in = problem(rng, random_graph(rng, 6, 7, 20), {3, 2, 3, true, false});
  const Reals dy = upstream(rng, in);
  const Backward gradients = backward(in, dy);
  const auto loss = [&](Reals oracle::RelationAggregate::*argument) {
    return [&, argument](const Reals& value) {
      oracle::RelationAggregate shifted = in;
      shifted.*argument = value;
      return dot(dy, forward(shifted).reals());
    };
  };
  expect_gradient(loss(&oracle::RelationAggregate::x), in.x, gradients.dx.reals(), "dx");
  expect_gradient(loss(&oracle::RelationAggregate::coefficient), in.coefficient, gradients.dcoefficient.reals(),
                  "dcoefficient");
  expect_gradient(loss(&oracle::RelationAggregate::weight), in.weight, gradients.dweight.reals(), "dweight");
}

TEST_P(RelationTest, EachGradientAloneIsTheSame) {
  Rng rng;
  const auto in = problem(rng, random_graph(rng, 20, 20, 80), {7, 3, 4, true, false});
  const Reals dy = upstream(rng, in);
  const Backward all = backward(in, dy);
  const Inputs given = inputs(in, Place::contiguous, Dtype::int32);
  const auto gradient = TestTensor::input(context(), dtype(), y_shape(in), dy);
  RelationAggregateBackward op{
      {.graph = upload(in.edges), .relation = given.relation, .coefficient = given.coefficient, .weight = given.weight},
      {.dy = gradient}};
  const auto dx = TestTensor::output(context(), dtype(), x_shape(in));
  op.dx = dx;  // x is not needed
  run(context(), relation_aggregate_backward, op);
  expect_same_bits(dx, all.dx, "dx");
  const auto dcoefficient = TestTensor::output(context(), accumulator(), coefficient_shape(in));
  op.x = given.x;
  op.dx = {};
  op.dcoefficient = dcoefficient;
  run(context(), relation_aggregate_backward, op);
  expect_same_bits(dcoefficient, all.dcoefficient, "dcoefficient");
  const auto dweight = TestTensor::output(context(), accumulator(), {static_cast<std::int64_t>(in.edges.count())});
  op.dcoefficient = {};
  op.dweight = dweight;
  run(context(), relation_aggregate_backward, op);
  expect_same_bits(dweight, all.dweight, "dweight");
}

TEST_P(RelationTest, RerunsAreBitIdentical) {
  Rng rng;
  for (const TestGraph& graph : graph_cases(rng)) {
    if (graph.edges.count() == 0) continue;
    SCOPED_TRACE(graph.name);
    const auto in = problem(rng, graph, {9, 3, 3, true, false});
    const Reals dy = upstream(rng, in);
    expect_same_bits(forward(in), forward(in), "y");
    const Backward gradients = backward(in, dy), again = backward(in, dy);
    expect_same_bits(again.dx, gradients.dx, "dx");
    if (oracle::relation_aggregate(in).value.empty()) continue;
    expect_same_bits(again.dcoefficient, gradients.dcoefficient, "dcoefficient");
  }
}

/// One relation, one basis, coefficient 1: each norm is an aggregation that is known.
TEST_P(RelationTest, OneRelationIsAPlainAggregation) {
  Rng rng;
  const TestGraph graph = random_graph(rng, 25, 31, 140);
  for (const auto norm : kNorms) {
    oracle::RelationAggregate in{
        .edges = graph.edges, .relation = Ids(140, 0), .coefficient = {1}, .features = 6, .x = rng.reals(25 * 6)};
    in.weight = weights(graph.edges, norm, in.relation, 1).reals();
    const auto reduce = norm == oracle::RelationNorm::none ? oracle::Reduce::sum : oracle::Reduce::mean;
    const oracle::Aggregate plain{in.edges, reduce, 6, in.x, {}, {}};
    expect_close(forward(in), oracle::aggregate(plain).y, kSumFactor, "y");
  }
}

TEST_P(RelationTest, NanOfANodeReachesItsOutNeighboursAlone) {
  Rng rng;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const TestGraph graph = power_law_graph(rng, 40, 900);
  auto in = problem(rng, graph, {6, 3, 4, false, false});
  Reals want = forward(in).reals();
  in.x[2 * 6 + 3] = kNan;  // node 2, feature 3
  for (std::size_t e = 0; e < graph.edges.count(); ++e) {
    if (graph.edges.source[e] != 2 || !in.takes(e)) continue;  // an edge that is left out brings nothing
    for (std::size_t b = 0; b < 3; ++b) want[(graph.edges.to(e) * 3 + b) * 6 + 3] = kNan;
  }
  expect_exact(forward(in), want, "y");
}

// Node 0 has in-edges of relations 0, 1, 0; node 1 one of relation 1 and one that is left out.
const oracle::Edges kSmall{2, 2, {0, 1, 1, 0, 1}, {0, 0, 0, 1, 1}};
const Ids kSmallRelation{0, 1, 0, 1, 2};

TEST(OracleRelation, Weights) {
  using ::testing::ElementsAre;
  const auto weights = [](oracle::RelationNorm norm) {
    return oracle::relation_weights(kSmall, norm, kSmallRelation, 2);
  };
  EXPECT_THAT(weights(oracle::RelationNorm::none), ElementsAre(1, 1, 1, 1, 0));
  EXPECT_THAT(weights(oracle::RelationNorm::per_relation), ElementsAre(0.5, 1, 0.5, 1, 0));
  EXPECT_THAT(weights(oracle::RelationNorm::all_edges), ElementsAre(1 / 3.0, 1 / 3.0, 1 / 3.0, 1, 0));
}

TEST(OracleRelation, ForwardAndBackward) {
  using ::testing::ElementsAre;
  const oracle::RelationAggregate in{.edges = kSmall,
                                     .relation = kSmallRelation,
                                     .bases = 2,
                                     .coefficient = {1, 10, 2, 20},
                                     .weight = {0.5, 1, 0.5, 1, 9},
                                     .features = 1,
                                     .x = {4, 6}};
  EXPECT_THAT(oracle::relation_aggregate(in).value, ElementsAre(2 + 12 + 3, 20 + 120 + 30, 8, 80));
  const auto got = oracle::relation_aggregate_backward(in, {1, 0, 3, 1});
  EXPECT_THAT(got.dx.value, ElementsAre(0.5 + 6 + 20, 2 + 0.5));
  EXPECT_THAT(got.dcoefficient.value, ElementsAre(2 + 3, 0, 6 + 12, 4));
}

/// Rows stored in 16 bits; coefficients and weights in float32.
class RelationHalfTest : public RelationTest {};

WARPGNN_INSTANTIATE_HALF_TESTS(RelationHalfTest);

TEST_P(RelationHalfTest, MatchesOracle) {
  Rng rng(dtype());
  Ids degrees(20, 3);
  degrees[4] = kChunkEdges + 90;
  const TestGraph into = graph_with_degrees(rng, 20, degrees);
  std::size_t turn = 0;
  for (const TestGraph& graph : {random_graph(rng, 30, 30, 110), into, transposed(into)}) {
    for (const std::size_t features : {1u, 5u, 8u, 36u}) {
      for (const std::size_t bases : {1u, 3u, 7u}) {
        const Place place = kPlaces[turn++ % 3];
        const bool weighted = turn % 2 == 0;
        SCOPED_TRACE(graph.name + " width " + std::to_string(features) + " bases " + std::to_string(bases) + " " +
                     name_of(place) + (weighted ? " weighted" : ""));
        const auto in = problem(rng, graph, {features, bases, 4, weighted, false});
        check(in, upstream(rng, in), place, Dtype::int32, false);
      }
    }
  }
}

TEST_P(RelationHalfTest, RerunsAreBitIdentical) {
  Rng rng(dtype());
  const auto in = problem(rng, graph_with_degrees(rng, 40, {3, 2 * kChunkEdges, 0, 17}), {12, 3, 4, true, false});
  const Reals dy = upstream(rng, in);
  expect_same_bits(forward(in), forward(in), "y");
  const Backward gradients = backward(in, dy), again = backward(in, dy);
  expect_same_bits(again.dx, gradients.dx, "dx");
  expect_same_bits(again.dcoefficient, gradients.dcoefficient, "dcoefficient");
}

TEST_P(RelationHalfTest, RefusesCoefficientsInSixteenBits) {
  const auto relation = TestTensor::input_ids(context(), Dtype::int32, {1}, {0});
  const auto coefficient = TestTensor::input(context(), dtype(), {1, 1}, {1}),
             x = TestTensor::input(context(), dtype(), {2, 1}, {1, 2});
  const auto y = TestTensor::output(context(), dtype(), {2, 1, 1});
  const RelationAggregateForward op{{upload({2, 2, {0}, {1}}), relation, coefficient, {}, x}, {y}};
  expect_error(ErrorCode::invalid_argument, {"coefficient:", "expected float32", warpgnn::name_of(dtype())},
               [&] { call(context(), relation_aggregate_forward, op); });
}

}  // namespace
}  // namespace warpgnn::test
